// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/internal/testkit/served"
)

const whoCanPolicy = `
apiVersion: rolecall.dev/v1alpha1
kind: Resource
metadata: {name: document}
spec: {actions: [{name: read}, {name: update}, {name: delete}]}
---
apiVersion: rolecall.dev/v1alpha1
kind: Role
metadata: {name: editor}
spec: {permissions: [{resource: document, actions: [read]}, {resource: document, actions: [update], condition: resource.properties.open}]}
---
apiVersion: rolecall.dev/v1alpha1
kind: RoleBinding
metadata: {name: editors}
spec: {roles: [editor], subjects: [{type: user, id: alice}, {type: user, id: bob}, {type: user, id: carol}, {type: service, id: bot}], scope: "org:a"}
---
apiVersion: rolecall.dev/v1alpha1
kind: RoleBinding
metadata: {name: staff}
spec: {roles: [editor], subjects: [{type: group, id: staff}], scope: "org:a"}
`

// TestWhoCan: all pages of an answer are one, and what is wrong is said.
func TestWhoCan(t *testing.T) {
	at := served.Start(t, served.Options{Manifests: whoCanPolicy, Configuration: "authZEN: {search: {results: 2}}"})
	base := []string{"--server=http://" + at.HTTP, "--resource=document/1", "--scope=org:a"}
	for name, tt := range map[string]struct {
		args      []string
		exit      int
		out, errs string
	}{
		"on two pages":    {args: []string{"--action=read"}, out: "user:alice\nuser:bob\nuser:carol\n\nopen to:   group\n"},
		"of another type": {args: []string{"--action=read", "--subject-type=service"}, out: "service:bot\n\nopen to:   group\n"},
		"as JSON": {args: []string{"--action=read", "--subject-type=service", "-o=json"}, out: `{
  "results": [
    {
      "type": "service",
      "id": "bot"
    }
  ],
  "open_to": [
    "group"
  ],
  "undecided": 0
}
`},
		"a property that is stated": {args: []string{"--action=update", "--resource-property=open=true"}, out: "user:alice\nuser:bob\nuser:carol\n\nopen to:   group\n"},
		"a property that is not":    {args: []string{"--action=update"}, exit: 1, out: "nobody who is known\n\nopen to:   group\nundecided: 3\n"},
		"nobody":                    {args: []string{"--action=delete"}, exit: 1, out: "nobody who is known\n"},
		"another scope":             {args: []string{"--action=read", "--scope=org:b"}, exit: 1, out: "nobody who is known\n"},
		"no action":                 {exit: 2, errs: "--action is required"},
		"no type":                   {args: []string{"--action=read", "--subject-type="}, exit: 2, errs: "--subject-type is empty"},
		"another output":            {args: []string{"--action=read", "-o=yaml"}, exit: 2, errs: `--output "yaml": want text or json`},
		"a type that is no subject": {args: []string{"--action=read", "--subject-type=group"}, exit: 2, errs: "400 Bad Request"},
		"a scope that is none":      {args: []string{"--action=read", "--scope=a//b"}, exit: 2, errs: "is not a scope"},
	} {
		t.Run(name, func(t *testing.T) {
			out, errs, exit := runWhoCan(t, append(base, tt.args...)...)
			if diff := cmp.Diff(tt.out, out); diff != "" || exit != tt.exit || !strings.Contains(errs, tt.errs) || tt.errs == "" && errs != "" {
				t.Errorf("%q, exit status %d, want %d and %q (-want +printed):\n%s", errs, exit, tt.exit, tt.errs, diff)
			}
		})
	}
}

func runWhoCan(t *testing.T, args ...string) (out, errs string, exit int) {
	t.Helper()
	cmd := newRootCommand()
	var stdout, stderr bytes.Buffer
	cmd.SetArgs(append([]string{"who-can"}, args...))
	cmd.SetOut(&stdout)
	cmd.SetErr(&stderr)
	exit = run(t.Context(), cmd)
	return stdout.String(), stderr.String(), exit
}
