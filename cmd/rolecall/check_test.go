// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/internal/testkit/pki"
	"github.com/rolecall/rolecall/internal/testkit/served"
)

const checkPolicy = `
{apiVersion: rolecall.dev/v1alpha1, kind: Resource, metadata: {name: document}, spec: {actions: [{name: read}, {name: update}]}}
---
{apiVersion: rolecall.dev/v1alpha1, kind: Resource, metadata: {name: host}, spec: {type: "app:host", actions: [{name: open}]}}
---
apiVersion: rolecall.dev/v1alpha1
kind: Role
metadata: {name: reader}
spec:
  permissions:
  - {resource: document, actions: [read]}
  - {resource: document, actions: [update], condition: 'resource.properties.size < 10 && context.why == "42" && action.properties.soft'}
  - {resource: "app:host", actions: [open], condition: 'resource.id == "a/b" && subject.type == "app:agent"'}
---
apiVersion: rolecall.dev/v1alpha1
kind: RoleBinding
metadata: {name: readers}
spec:
  roles: [reader]
  subjects: [{type: user, id: "idp|alice:1"}, {type: group, id: editors}, {type: "app:agent", id: "x:y"}]
  scope: org:a
`

const (
	checkAllow = "decision: allow\nreason:   Granted\nroles:    reader\n"
	checkDeny  = "decision: deny\nreason:   NoRole\nroles:    -\n"
)

type checkCase struct {
	args []string
	want string
	exit int
}

func checkCases() map[string]checkCase {
	return map[string]checkCase{
		"a user by id": {
			args: []string{"--subject=idp|alice", "--action=read", "--resource=document/1", "--scope=org:a"}, want: checkDeny, exit: 1,
		},
		"a subject by type and id, which may have colons": {
			args: []string{"--subject=user:idp|alice:1", "--action=read", "--resource=document/1", "--scope=org:a"}, want: checkAllow,
		},
		"without the scope": {
			args: []string{"--subject=user:idp|alice:1", "--action=read", "--resource=document"}, want: checkDeny, exit: 1,
		},
		"the scope in the context": {
			args: []string{"--subject=user:idp|alice:1", "--action=read", "--resource=document", "--context=scope=org:a"}, want: checkAllow,
		},
		"a property that gives authority": {
			args: []string{"--subject=bob", "--action=read", "--resource=document", "--scope=org:a", `--subject-property=groups=["editors"]`},
			want: checkAllow,
		},
		"values that are JSON and values that are not": {
			args: []string{
				"--subject=user:idp|alice:1", "--action=update", "--resource=document", "--scope=org:a",
				"--resource-property=size=9.5", `--context=why="42"`, "--action-property=soft=true", "--context=note=no, not JSON",
			},
			want: checkAllow,
		},
		"a number is not a string": {
			args: []string{
				"--subject=user:idp|alice:1", "--action=update", "--resource=document", "--scope=org:a",
				"--resource-property=size=9.5", `--context=why=42`, "--action-property=soft=true",
			},
			want: "decision: deny\nreason:   ConditionFalse\nroles:    -\n", exit: 1,
		},
		"types with a colon, an id with a slash": {
			args: []string{
				"--subject-type=app:agent", "--subject=x:y", "--action=open",
				"--resource-type=app:host", "--resource=a/b", "--scope=org:a",
			},
			want: checkAllow,
		},
		"an action that is not declared": {
			args: []string{"--subject=bob", "--action=raed", "--resource=document"},
			want: "decision: deny\nreason:   UnknownAction\nroles:    -\n", exit: 1,
		},
		"a namespace without objects": {
			args: []string{"--namespace=other", "--subject=bob", "--action=read", "--resource=document"},
			want: "decision: deny\nreason:   UnknownResource\nroles:    -\n", exit: 1,
		},
	}
}

// TestCheck asks a folder, and a server that serves the folder.
func TestCheck(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "policy.yaml"), []byte(checkPolicy), 0o600); err != nil {
		t.Fatal(err)
	}
	for where, target := range map[string]string{"folder": "--dir=" + folder, "server": "--server=http://" + served.Start(t, served.Options{Manifests: checkPolicy}).HTTP} {
		for name, tt := range checkCases() {
			t.Run(where+"/"+name, func(t *testing.T) {
				out, errs, exit := runCheck(t, append(tt.args, target)...)
				if out != tt.want || errs != "" || exit != tt.exit {
					t.Errorf("printed %q, %q, exit status %d; want %q, %d", out, errs, exit, tt.want, tt.exit)
				}
			})
		}
		t.Run(where+"/as JSON", func(t *testing.T) {
			out, _, exit := runCheck(t, target, "-o=json", "--subject=user:idp|alice:1", "--action=read", "--resource=document", "--scope=org:a")
			got, ok := decodeJSON(t, out).(map[string]any)
			context, isObject := got["context"].(map[string]any)
			if !ok || !isObject || context["revision"] == "" {
				t.Fatalf("printed %s, want a decision with a context and a revision", out)
			}
			delete(context, "revision")
			want := map[string]any{"decision": true, "context": map[string]any{"reason": "Granted", "roles": []any{"reader"}}}
			if diff := cmp.Diff(want, got); diff != "" || exit != 0 {
				t.Errorf("exit status %d, answer (-want +got):\n%s", exit, diff)
			}
		})
	}
}

func TestCheckRefuses(t *testing.T) {
	whole := []string{"--subject=bob", "--action=read", "--resource=document"}
	secrets := t.TempDir()
	empty, words := filepath.Join(secrets, "empty"), filepath.Join(secrets, "words")
	pki.Replace(t, empty, "\n")
	pki.Replace(t, words, "secret one\nsecret two\n")
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/html/access/v1/evaluation":
			_, _ = w.Write([]byte("<html>"))
		case "/empty/access/v1/evaluation":
			_, _ = w.Write([]byte(`{"context":{"reason":"Granted"}}`))
		default:
			http.Error(w, `"not ready: try again"`, http.StatusServiceUnavailable)
		}
	}))
	defer broken.Close()
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	tests := map[string]struct {
		args []string
		want string
	}{
		"no subject":                {[]string{"--action=read", "--resource=document"}, "--subject"},
		"a subject without an id":   {append(whole, "--subject=user:"), `--subject "user:": want TYPE:ID`},
		"no action":                 {[]string{"--subject=bob", "--resource=document"}, "--action is required"},
		"no resource":               {[]string{"--subject=bob", "--action=read"}, "--resource"},
		"a property without a name": {append(whole, "--subject-property==x"), `--subject-property "=x": want NAME=VALUE`},
		"a property without =":      {append(whole, "--resource-property=x"), `--resource-property "x": want NAME=VALUE`},
		"a property twice":          {append(whole, "--context=a=1", "--context=a=2"), "a is given twice"},
		"the scope twice":           {append(whole, "--context=scope=a", "--scope=b"), "both give the scope"},
		"an unknown output":         {append(whole, "-o=yaml"), `--output "yaml": want text or json`},
		"both a server and a dir":   {append(whole, "--server=http://x", "--dir=x"), "none of the others can be"},
		"an argument":               {append(whole, "more"), "more"},
		"a server that is no URL":   {append(whole, "--server=localhost:8080"), `--server "localhost:8080": want a URL`},
		"nobody listening":          {append(whole, "--server="+closed.URL), "nobody listens there"},
		"a server not ready":        {append(whole, "--server="+broken.URL), "503 Service Unavailable: not ready: try again"},
		"another kind of server":    {append(whole, "--server="+broken.URL+"/html/"), "not that of an AuthZEN server"},
		"an answer not decided":     {append(whole, "--server="+broken.URL+"/empty"), "it has no decision"},
		"a folder that is not":      {append(whole, "--dir=/no/such/folder"), "/no/such/folder"},
		"a request nobody decides":  {append(whole, "--subject=group:g", "--dir="+t.TempDir()), `subject.type "group" is a reserved type`},
		"no token file":             {append(whole, "--token-file=/no/such/file"), "--token-file: open /no/such/file"},
		"an empty token file":       {append(whole, "--token-file="+empty), "there is no token in it"},
		"a file of several tokens":  {append(whole, "--session-jwt-file="+words), "more than one word"},
		"one pipe for two tokens":   {append(whole, "--session-jwt-file=-", "--token-file=-"), "standard input holds one of them"},
		"two session tokens":        {append(whole, "--session-jwt-file=-", "--session-token-file=-"), "none of the others can be"},
		"a token for a folder":      {append(whole, "--token-file=-", "--dir=x"), "none of the others can be"},
		"a session in a folder":     {[]string{"--session-jwt-file=-", "--action=read", "--resource=document", "--dir=" + t.TempDir()}, "ask a server by --server"},
		"no authority in a file":    {append(whole, "--server=https://127.0.0.1:1", "--ca-file="+empty), "there is no certificate in PEM format"},
		"a certificate without key": {append(whole, "--cert-file="+empty), "cert-file key-file"},
		"authority of wrong shape":  {append(whole, "--subject-property=roles=x", "--dir="+t.TempDir()), "subject.properties.roles: must be an array"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			out, errs, exit := runCheck(t, tt.args...)
			if out != "" || !strings.Contains(errs, tt.want) || strings.Contains(errs, "secret") || exit != 2 {
				t.Errorf("printed %q, %q, exit status %d; want nothing, %q, 2", out, errs, exit, tt.want)
			}
		})
	}
}

func TestCheckOfABadFolder(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "a.yaml"), []byte(strings.Replace(checkPolicy, "scope: org:a", "scoop: org:a", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, errs, exit := runCheck(t, "--dir="+folder, "--subject=bob", "--action=read", "--resource=document")
	if exit != 2 || !strings.Contains(errs, "a.yaml:") || !strings.Contains(errs, "scoop") {
		t.Errorf("printed %q, exit status %d; want the file, the field and 2", errs, exit)
	}
}

// runCheck runs the command. What stands in its standard input is a session JWT to
// nobody.
func runCheck(t *testing.T, args ...string) (out, errs string, exit int) {
	t.Helper()
	return runCheckWith(t, "secret", args...)
}

// runCheckWith runs it with a standard input.
func runCheckWith(t *testing.T, stdin string, args ...string) (out, errs string, exit int) {
	t.Helper()
	cmd := newRootCommand()
	var stdout, stderr bytes.Buffer
	cmd.SetIn(strings.NewReader(stdin))
	cmd.SetArgs(append([]string{"check"}, args...))
	cmd.SetOut(&stdout)
	cmd.SetErr(&stderr)
	exit = run(t.Context(), cmd)
	return stdout.String(), stderr.String(), exit
}
