// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/compile"
	"github.com/rolecall/rolecall/internal/expr"
)

var update = flag.Bool("update", false, "write the golden files")

// TestMessages reads every fault as people get to see it. Objects that are as
// they should be stand in the files too, and have no line.
func TestMessages(t *testing.T) {
	for _, name := range []string{"resource", "role", "rolebinding", "group", "schema", "references"} {
		t.Run(name, func(t *testing.T) {
			objects := readObjects(t, filepath.Join("testdata", name+".yaml"))
			var got strings.Builder
			for i, faults := range newCompiler(t).Diagnose(objects) {
				for _, f := range faults {
					fmt.Fprintf(&got, "%s\n\t%s %s %s\n", objects[i].GetName(), f.Severity, f.Reason, f)
				}
			}
			golden(t, filepath.Join("testdata", name+".golden"), got.String())
		})
	}
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got, -update writes it):\n%s", path, diff)
	}
}

func newCompiler(t testing.TB) *compile.Compiler {
	t.Helper()
	env, err := expr.NewEnv()
	if err != nil {
		t.Fatal(err)
	}
	return compile.New(env)
}

func readObjects(t *testing.T, path string) []compile.Object {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var objects []compile.Object
	for doc := range bytes.SplitSeq(text, []byte("\n---\n")) {
		objects = append(objects, object(t, string(doc)))
	}
	return objects
}

// object reads an object without the validation that a source gives it.
func object(t testing.TB, text string) compile.Object {
	t.Helper()
	var kind metav1.TypeMeta
	if err := yaml.Unmarshal([]byte(text), &kind); err != nil {
		t.Fatal(err)
	}
	o := map[string]compile.Object{
		"Resource": &v1alpha1.Resource{}, "Role": &v1alpha1.Role{}, "RoleBinding": &v1alpha1.RoleBinding{},
		"Group": &v1alpha1.Group{},
	}[kind.Kind]
	if o == nil {
		t.Fatalf("no kind %q in %s", kind.Kind, text)
	}
	if err := yaml.UnmarshalStrict([]byte(text), o); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return o
}
