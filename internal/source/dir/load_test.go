// SPDX-License-Identifier: Apache-2.0

package dir_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/compile"
	"github.com/rolecall/rolecall/internal/expr"
	"github.com/rolecall/rolecall/internal/source/dir"
)

var update = flag.Bool("update", false, "write the golden files")

// TestFaults reads a folder in which nearly everything is wrong.
func TestFaults(t *testing.T) {
	set := load(t, "testdata/faulty")
	var got strings.Builder
	for _, f := range set.Diagnose(newCompiler(t)) {
		force := "stays in force"
		if f.Refused {
			force = "refused"
		}
		fmt.Fprintf(&got, "%s\n\t%s %s/%s, %s\n", f, f.Kind, f.Namespace, f.Name, force)
	}
	for _, s := range set.Skipped {
		fmt.Fprintf(&got, "%s: skipped %s %s\n", s.Position, s.APIVersion, s.Kind)
	}
	const path = "testdata/faulty.golden"
	if *update {
		if err := os.WriteFile(path, []byte(got.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("-want +got (-update writes it):\n%s", diff)
	}
}

func load(t testing.TB, path string) *dir.Set {
	t.Helper()
	files, err := dir.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	return newLoader(t).Load(t.Context(), files)
}

func newCompiler(t testing.TB) *compile.Compiler {
	t.Helper()
	env, err := expr.NewEnv()
	if err != nil {
		t.Fatal(err)
	}
	return compile.New(env)
}

// TestObjects: an object is what an API server would have stored, as far as it
// means something without one.
func TestObjects(t *testing.T) {
	const manifest = `
apiVersion: rolecall.dev/v1alpha1
kind: RoleBinding
metadata:
  name: b
  uid: 1-2-3
  resourceVersion: "7"
  generation: 4
  creationTimestamp: null
  deletionTimestamp: 2026-01-01T00:00:00Z
  labels: {app: x}
spec:
  roles: [r]
  subjects: [{type: user, id: u}]
  scope: "*"
status:
  subjects: 3
`
	set := newLoader(t).Load(t.Context(), []dir.File{{Name: "f.yaml", Text: []byte(manifest)}})
	if len(set.Faults) > 0 || len(set.Manifests) != 1 {
		t.Fatalf("faults = %v, %d manifests", set.Faults, len(set.Manifests))
	}
	got, ok := set.Manifests[0].Object.(*v1alpha1.RoleBinding)
	if !ok {
		t.Fatalf("got a %T", set.Manifests[0].Object)
	}
	want := &v1alpha1.RoleBinding{}
	want.Kind, want.APIVersion = "RoleBinding", "rolecall.dev/v1alpha1"
	want.Name, want.Namespace, want.Generation, want.Labels = "b", "default", 1, map[string]string{"app": "x"}
	want.UID = got.UID
	want.Spec.Roles, want.Spec.Scope = []v1alpha1.ID{"r"}, "*"
	want.Spec.Subjects = []v1alpha1.Subject{{Type: "user", ID: "u"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestUID(t *testing.T) {
	const base = `{"apiVersion":"rolecall.dev/v1alpha1","kind":"RoleBinding","metadata":{"name":"b"},"spec":{"roles":["r"],"subjects":[{"type":"user","id":"u"}],"scope":"*","notAfter":"2026-01-01T00:00:00Z"}}`
	tests := map[string]struct {
		text string
		same bool
	}{
		"another spelling of the same":  {text: strings.ReplaceAll(base, `,`, ` , `), same: true},
		"the default namespace, stated": {text: strings.Replace(base, `"name":"b"`, `"name":"b","namespace":"default"`, 1), same: true},
		"the default of a field":        {text: strings.Replace(base, `"type":"user"`, `"type":"user","connection":""`, 1), same: true},
		"another version of the object": {text: strings.Replace(base, `"name":"b"`, `"name":"b","resourceVersion":"9"`, 1), same: true},
		"another name":                  {text: strings.Replace(base, `"name":"b"`, `"name":"c"`, 1)},
		"another namespace":             {text: strings.Replace(base, `"name":"b"`, `"name":"b","namespace":"n"`, 1)},
		"another subject":               {text: strings.Replace(base, `"id":"u"`, `"id":"v"`, 1)},
		"a fraction of a second later":  {text: strings.Replace(base, `00:00Z`, `00:00.5Z`, 1)},
	}
	first := uid(t, base)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := uid(t, tt.text) == first; got != tt.same {
				t.Errorf("the same UID: %t, want %t", got, tt.same)
			}
		})
	}
}

func uid(t *testing.T, text string) string {
	t.Helper()
	set := newLoader(t).Load(t.Context(), []dir.File{{Name: "f", Text: []byte(text)}})
	if len(set.Faults) > 0 {
		t.Fatal(set.Faults)
	}
	return string(set.Manifests[0].Object.GetUID())
}

func TestRead(t *testing.T) {
	root := t.TempDir()
	write(t, root, "b.yaml", "# b")
	write(t, root, "a.json", "{}")
	write(t, root, "sub/deep/c.yml", "# c")
	write(t, root, "sub/d.txt", "d")
	write(t, root, ".hidden.yaml", "h")
	write(t, root, ".git/e.yaml", "e")
	write(t, root, "kustomization.yaml", "k")
	outside := t.TempDir()
	write(t, outside, "f.yaml", "# f")
	link(t, filepath.Join(outside, "f.yaml"), filepath.Join(root, "linked.yaml"))
	link(t, outside, filepath.Join(root, "zlinked"))

	files, err := dir.Read(root)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range files {
		got = append(got, strings.TrimPrefix(f.Name, root+"/")+"="+string(f.Text))
	}
	want := []string{"a.json={}", "b.yaml=# b", "linked.yaml=# f", "sub/deep/c.yml=# c", "zlinked/f.yaml=# f"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestReadFails(t *testing.T) {
	tests := map[string]struct {
		build func(t *testing.T, root string)
		want  string
	}{
		"a symbolic link to nothing": {
			build: func(t *testing.T, root string) { link(t, "nowhere", filepath.Join(root, "a.yaml")) },
			want:  "no such file",
		},
		"a symbolic link to the folder itself": {
			build: func(t *testing.T, root string) { link(t, root, filepath.Join(root, "sub")) },
			want:  "leads back to a folder that it is in",
		},
		"no folder": {
			build: func(t *testing.T, root string) {
				if err := os.Remove(root); err != nil {
					t.Fatal(err)
				}
			},
			want: "no such file",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			root := filepath.Join(t.TempDir(), "root")
			if err := os.Mkdir(root, 0o700); err != nil {
				t.Fatal(err)
			}
			tt.build(t, root)
			if _, err := dir.Read(root); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("err = %v, want %q", err, tt.want)
			}
		})
	}
}

func write(t testing.TB, root, name, text string) {
	t.Helper()
	path := filepath.Join(root, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
}

func link(t testing.TB, target, path string) {
	t.Helper()
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
}
