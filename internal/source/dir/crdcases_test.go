// SPDX-License-Identifier: Apache-2.0

package dir_test

import (
	"testing"

	"github.com/rolecall/rolecall/internal/source/dir"
	"github.com/rolecall/rolecall/internal/testkit/crdcases"
)

// TestTheFolderRefusesWhatAnAPIServerRefuses puts the cases of the CRDs, which a
// real API server is shown too, to the folder. What is wrong with an update
// cannot be seen in a folder: it holds no earlier object.
func TestTheFolderRefusesWhatAnAPIServerRefuses(t *testing.T) {
	cases, err := crdcases.Load()
	if err != nil {
		t.Fatal(err)
	}
	l := newLoader(t)
	for _, tt := range cases {
		if tt.Before != nil {
			continue
		}
		text, err := tt.Object.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		set := l.Load(t.Context(), []dir.File{{Name: "object.json", Text: text}})
		var refused error
		if len(set.Faults) > 0 {
			refused = set.Faults
		}
		if err := tt.Verdict(refused); err != nil {
			t.Errorf("%s: %s: %v", tt.Kind(), tt.Name, err)
		}
		for _, f := range set.Faults {
			if !stated(tt, f) {
				t.Errorf("%s: %s: was also refused for %s", tt.Kind(), tt.Name, f)
			}
		}
	}
}

// stated reports whether the case says of the field that it is wrong.
func stated(tt crdcases.Case, f dir.Fault) bool {
	for _, r := range tt.Refused {
		if r.Field == f.Path {
			return true
		}
	}
	return false
}

func newLoader(t testing.TB) *dir.Loader {
	t.Helper()
	l, err := dir.NewLoader()
	if err != nil {
		t.Fatal(err)
	}
	return l
}
