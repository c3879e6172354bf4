// SPDX-License-Identifier: Apache-2.0

//go:build chart

package chart

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write what is rendered over the golden files")

// sets returns the names of the sets of values that are rendered.
func sets(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob("testdata/values/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("found no set of values: %v", err)
	}
	names := make([]string, len(paths))
	for i, path := range paths {
		names[i] = strings.TrimSuffix(filepath.Base(path), ".yaml")
	}
	return names
}

// renderSet returns what the chart makes of a set of values. The
// CustomResourceDefinitions are left out: TestCRDs is about them.
func renderSet(t *testing.T, name string) string {
	t.Helper()
	return render(t, "-f", filepath.Join("testdata/values", name+".yaml"), "--set", "crds.enabled=false")
}

// TestGolden: what a change of the chart does to what is installed is seen in the
// change of these files.
func TestGolden(t *testing.T) {
	for _, name := range sets(t) {
		t.Run(name, func(t *testing.T) {
			got := renderSet(t, name)
			path := filepath.Join("testdata/golden", name+".yaml")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("%s is otherwise now; if that is meant, run hack/chart/test.sh -run TestGolden -update (-want +got):\n%s", path, diff)
			}
		})
	}
}
