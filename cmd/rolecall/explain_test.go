// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/internal/testkit/served"
)

const explainPolicy = checkPolicy + `
---
{apiVersion: rolecall.dev/v1alpha1, kind: Group, metadata: {name: editors}, spec: {members: [{type: user, id: bob}]}}
---
apiVersion: rolecall.dev/v1alpha1
kind: Role
metadata: {name: guard}
spec:
  inherits: [reader]
  permissions: [{effect: Deny, resource: "*", actions: [update], condition: 'context.country in ["XX"]'}]
---
apiVersion: rolecall.dev/v1alpha1
kind: RoleBinding
metadata: {name: guards}
spec:
  roles: [guard]
  subjects: [{type: user, id: "*"}]
  scope: "*"
  notBefore: 2040-01-01T00:00:00Z
`

// explained is what the command says to each question.
var explained = map[string]struct {
	args []string
	exit int
	want string
}{
	"an allow through a group": {
		args: []string{"--subject=bob", "--action=read", "--resource=document/1", "--scope=org:a"},
		want: `decision: allow
reason:   Granted
roles:    reader

KEYS OF THE SUBJECT  COUNTS  BY
user:bob             yes
user:*               yes
group:editors        yes     rcgroup/editors spec.members[user:bob]

BINDINGS                                     ROLE    SCOPE  COUNTS           CONDITION
rcbind/guards spec.subjects[user:*]          guard   *      no: NotYetValid
rcbind/readers spec.subjects[group:editors]  reader  org:a  yes

PERMISSIONS                        EFFECT  ROLE    APPLIES       CONDITION
rcrole/reader spec.permissions[0]  Allow   reader  yes, decides
`,
	},
	"later, a Deny that fails, and what it spares": {
		args: []string{"--subject=bob", "--action=update", "--resource=document/1", "--time=2040-01-01T00:00:00Z", "--context=scope=org:b"},
		exit: 1,
		want: `decision: deny
reason:   DenyError
roles:    guard

KEYS OF THE SUBJECT  COUNTS  BY
user:bob             yes
user:*               yes
group:editors        yes     rcgroup/editors spec.members[user:bob]

BINDINGS                                     ROLE    SCOPE  COUNTS          CONDITION
rcbind/guards spec.subjects[user:*]          guard   *      yes
rcbind/readers spec.subjects[group:editors]  reader  org:a  no: OtherScope

PERMISSIONS                        EFFECT  ROLE            APPLIES             CONDITION
rcrole/guard spec.permissions[0]   Deny    guard           yes, decides        error: context.country in ["XX"] (no such key: country)
rcrole/reader spec.permissions[1]  Allow   guard > reader  no: ConditionError  error: resource.properties.size < 10 && context.why == "42" && action.properties.soft (no such key: size)
`,
	},
	"what nobody declares": {
		args: []string{"--subject=bob", "--action=raed", "--resource=document/1"},
		exit: 1,
		want: "decision: deny\nreason:   UnknownAction\nroles:    -\n",
	},
	"a stranger": {
		args: []string{"--subject=app:agent:z", "--subject-property=roles=[\"reader\"]", "--action=open", "--resource=document"},
		exit: 1,
		want: "decision: deny\nreason:   UnknownAction\nroles:    -\n",
	},
}

// TestExplain asks a folder, and a server that serves the same.
func TestExplain(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "policy.yaml"), []byte(explainPolicy), 0o600); err != nil {
		t.Fatal(err)
	}
	at := served.Start(t, served.Options{Manifests: explainPolicy})
	revision := regexp.MustCompile(`"(revision|time)": "[^"]*"`)
	for name, tt := range explained {
		t.Run(name, func(t *testing.T) {
			var asJSON []string
			for _, target := range []string{"--dir=" + folder, "--server=http://" + at.HTTP} {
				out, errs, exit := runExplain(t, append(tt.args, target)...)
				if diff := cmp.Diff(tt.want, out); diff != "" || errs != "" || exit != tt.exit {
					t.Errorf("%s: %q, exit status %d (-want +printed):\n%s", target, errs, exit, diff)
				}
				out, _, _ = runExplain(t, append(tt.args, target, "-o=json")...)
				asJSON = append(asJSON, revision.ReplaceAllString(out, ""))
			}
			if diff := cmp.Diff(asJSON[0], asJSON[1]); diff != "" || !strings.Contains(asJSON[0], `"explanation": {`) {
				t.Errorf("(-folder +server):\n%s%s", diff, asJSON[0])
			}
		})
	}
	for want, args := range map[string][]string{
		"--time \"now\": want a moment": {"--dir=" + folder, "--time=now"},
		"400 Bad Request: time: must":   {"--server=http://" + at.HTTP, "--time=now"},
		"reserved type":                 {"--server=http://" + at.HTTP, "--subject=group:g"},
	} {
		out, errs, exit := runExplain(t, append([]string{"--subject=bob", "--action=read", "--resource=document"}, args...)...)
		if out != "" || !strings.Contains(errs, want) || exit != 2 {
			t.Errorf("%v: printed %q, %q, exit status %d; want nothing, %q, 2", args, out, errs, exit, want)
		}
	}
}

func runExplain(t *testing.T, args ...string) (out, errs string, exit int) {
	t.Helper()
	cmd := newRootCommand()
	var stdout, stderr bytes.Buffer
	cmd.SetArgs(append([]string{"explain"}, args...))
	cmd.SetOut(&stdout)
	cmd.SetErr(&stderr)
	exit = run(t.Context(), cmd)
	return stdout.String(), stderr.String(), exit
}
