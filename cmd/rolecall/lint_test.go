// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	lintResource = `{apiVersion: rolecall.dev/v1alpha1, kind: Resource, metadata: {name: document}, spec: {actions: [{name: read}]}}` + "\n"
	lintRole     = `{apiVersion: rolecall.dev/v1alpha1, kind: Role, metadata: {name: viewer}, spec: {permissions: [{resource: document, actions: [read]}]}}` + "\n"
	lintWarned   = `{apiVersion: rolecall.dev/v1alpha1, kind: RoleBinding, metadata: {name: b}, spec: {roles: [viewer], subjects: [{type: usr, id: u}], scope: "*"}}` + "\n"
	lintForeign  = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\n"
	lintFaulty   = `apiVersion: rolecall.dev/v1alpha1
kind: Role
metadata: {name: owner}
spec:
  permissions:
  - resource: document
    actions: [raed]
    condition: >-
      has(resource.properties.owner) &&
      resorce.properties.owner == subject.id
`
)

func TestLint(t *testing.T) {
	tests := map[string]struct {
		files map[string]string
		args  []string
		stdin string
		want  string // of what is printed, with the folder as DIR
		exit  int
	}{
		"references lead from file to file": {
			files: map[string]string{"a/resource.yaml": lintResource, "b/role.yaml": lintRole},
			args:  []string{"DIR/a", "DIR/b/role.yaml"},
			want:  "0 errors, 0 warnings in 2 objects of 2 files\n",
		},
		"a file alone lacks what stands in another": {
			files: map[string]string{"a.yaml": lintResource, "b.yaml": lintRole},
			args:  []string{"DIR/b.yaml"},
			want: `DIR/b.yaml:1:97: error: spec.permissions[0].resource: "document" is declared by no rcres in this namespace: correct it, or declare the type (ResourceNotFound)
1 error, 0 warnings in 1 object of 1 file
`,
			exit: 1,
		},
		"every fault has its place, also in a condition over several lines": {
			files: map[string]string{"a.yaml": lintResource + "---\n" + lintFaulty},
			args:  []string{"DIR"},
			want: `DIR/a.yaml:9:15: error: spec.permissions[0].actions[0]: "raed" is no action of the type "document" (did you mean "read"?): correct it, or declare the action (ActionNotFound)
DIR/a.yaml:12:7: error: spec.permissions[0].condition: there is no variable "resorce" (did you mean "resource"?) (InvalidCondition)
2 errors, 0 warnings in 2 objects of 1 file
`,
			exit: 1,
		},
		"a warning is shown": {
			files: map[string]string{"a.yaml": lintResource + "---\n" + lintRole + "---\n" + lintWarned},
			args:  []string{"DIR"},
			want: `DIR/a.yaml:5:113: warning: spec.subjects[0].type: "usr" is neither user nor a type that an rcres declares (did you mean "user"?): if it is no mistake, declare it (UndeclaredSubjectType)
0 errors, 1 warning in 3 objects of 1 file
`,
		},
		"with --strict a warning fails": {
			files: map[string]string{"a.yaml": lintResource + "---\n" + lintRole + "---\n" + lintWarned},
			args:  []string{"--strict", "DIR"},
			want: `DIR/a.yaml:5:113: warning: spec.subjects[0].type: "usr" is neither user nor a type that an rcres declares (did you mean "user"?): if it is no mistake, declare it (UndeclaredSubjectType)
0 errors, 1 warning in 3 objects of 1 file
`,
			exit: 1,
		},
		"the standard input is a file": {
			files: map[string]string{"a.yaml": lintResource},
			args:  []string{"DIR", "-"},
			stdin: lintRole + "---\n" + lintForeign + "---\nx: [\n",
			want: `<stdin>:8:1: error: the document is not YAML: did not find expected node content: correct the text here or in the lines above (Unreadable)
1 error, 0 warnings in 2 objects of 2 files; 1 document of other API groups skipped
`,
			exit: 1,
		},
		"a folder without manifests is a mistake": {
			files: map[string]string{"a.txt": "x"},
			args:  []string{"DIR"},
			want:  "rolecall: DIR: no manifests: there is no file that ends with .yaml, .yml or .json\n",
			exit:  2,
		},
		"a file that is not there": {
			args: []string{"DIR/a.yaml"},
			want: "rolecall: read manifests: stat DIR/a.yaml: no such file or directory\n",
			exit: 2,
		},
		"an unknown output": {
			args: []string{"-o", "yaml", "DIR"},
			want: "rolecall: --output \"yaml\": want text or json\n",
			exit: 2,
		},
		"no argument": {
			want: "rolecall: requires at least 1 arg(s), only received 0\n",
			exit: 2,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, exit := runLint(t, tt.files, tt.args, tt.stdin)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			if exit != tt.exit {
				t.Errorf("exit status %d, want %d", exit, tt.exit)
			}
		})
	}
}

// runLint runs the command over a folder, DIR in the arguments and in what is
// printed.
func runLint(t *testing.T, files map[string]string, args []string, stdin string) (printed string, exit int) {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	argv := []string{"lint"}
	for _, arg := range args {
		argv = append(argv, strings.ReplaceAll(arg, "DIR", root))
	}
	cmd := newRootCommand()
	var out bytes.Buffer
	cmd.SetArgs(argv)
	cmd.SetIn(strings.NewReader(stdin))
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	exit = run(t.Context(), cmd)
	return strings.ReplaceAll(out.String(), root, "DIR"), exit
}

// TestLintJSON holds the shape that scripts rely on.
func TestLintJSON(t *testing.T) {
	got, exit := runLint(t, map[string]string{"a.yaml": lintFaulty + "---\n" + lintForeign, "b.yaml": lintResource}, []string{"-o", "json", "DIR"}, "")
	const want = `{
	"files": 2, "objects": 2, "errors": 2, "warnings": 0,
	"faults": [
		{
			"file": "DIR/a.yaml", "line": 7, "column": 15, "severity": "error", "reason": "ActionNotFound",
			"kind": "Role", "namespace": "default", "name": "owner", "path": "spec.permissions[0].actions[0]",
			"message": "\"raed\" is no action of the type \"document\" (did you mean \"read\"?): correct it, or declare the action"
		},
		{
			"file": "DIR/a.yaml", "line": 10, "column": 7, "severity": "error", "reason": "InvalidCondition",
			"kind": "Role", "namespace": "default", "name": "owner", "path": "spec.permissions[0].condition",
			"message": "there is no variable \"resorce\" (did you mean \"resource\"?)"
		}
	],
	"skipped": [{"file": "DIR/a.yaml", "line": 12, "apiVersion": "apps/v1", "kind": "Deployment"}]
}`
	if diff := cmp.Diff(decodeJSON(t, want), decodeJSON(t, got)); diff != "" {
		t.Error(diff)
	}
	if exit != 1 {
		t.Errorf("exit status %d, want 1", exit)
	}
}

// TestLintJSONWithoutFaults: lists are empty, never null.
func TestLintJSONWithoutFaults(t *testing.T) {
	got, exit := runLint(t, map[string]string{"a.yaml": lintResource}, []string{"-o", "json", "DIR"}, "")
	const want = `{"files": 1, "objects": 1, "errors": 0, "warnings": 0, "faults": [], "skipped": []}`
	if diff := cmp.Diff(decodeJSON(t, want), decodeJSON(t, got)); diff != "" {
		t.Error(diff)
	}
	if exit != 0 {
		t.Errorf("exit status %d, want 0", exit)
	}
}

func decodeJSON(t *testing.T, text string) any {
	t.Helper()
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return value
}
