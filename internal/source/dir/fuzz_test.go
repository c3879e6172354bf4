// SPDX-License-Identifier: Apache-2.0

package dir_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/internal/source/dir"
)

// FuzzManifest: whatever a file holds, it is read without a panic, every fault
// has a place in the file and says something, and reading it again gives the
// same.
func FuzzManifest(f *testing.F) {
	for _, pattern := range []string{"testdata/faulty/[a-z]*.*", "testdata/faulty/sub/*", "../../../config/samples/*/*.yaml"} {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			f.Fatalf("%s: %v, %d files", pattern, err, len(names))
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(text)
		}
	}
	l, c := newLoader(f), newCompiler(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		files := []dir.File{{Name: "f.yaml", Text: text}}
		set := l.Load(t.Context(), files)
		faults := set.Diagnose(c)
		checkPlaces(t, faults, text)
		for _, m := range set.Manifests {
			if m.Object.GetName() == "" && m.Valid || m.Object.GetNamespace() == "" || m.Object.GetUID() == "" {
				t.Errorf("an object without a name, a namespace or a UID: %+v", m.Object)
			}
		}
		if diff := cmp.Diff(faults, l.Load(t.Context(), files).Diagnose(c)); diff != "" {
			t.Errorf("the second reading differs: %s", diff)
		}
	})
}

func checkPlaces(t *testing.T, faults dir.Faults, text []byte) {
	t.Helper()
	lines := 1 + len(slices.DeleteFunc(slices.Clone(text), func(b byte) bool { return b != '\n' }))
	for _, f := range faults {
		if f.File != "f.yaml" || f.Line < 0 || f.Line > lines || f.Column < 0 || f.Message == "" || f.Reason == "" {
			t.Errorf("%#v in %d lines", f, lines)
		}
	}
}
