// SPDX-License-Identifier: Apache-2.0

package dir

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLocate(t *testing.T) {
	const text = `metadata:
  labels: {app.kubernetes.io/name: x}
base: &base
  roles: [a, b]
  scope: s
spec:
  <<: *base
  scope: t
  again: *base
  twice: 1
  twice: 2
`
	tests := map[string]struct {
		path         string
		line, column int
		whole        bool
	}{
		"nothing is the object":                  {path: "", line: 1, column: 1, whole: true},
		"a field is its key":                     {path: "spec.scope", line: 8, column: 3, whole: true},
		"an item":                                {path: "base.roles[1]", line: 4, column: 14, whole: true},
		"a key with dots in brackets":            {path: "metadata.labels[app.kubernetes.io/name]", line: 2, column: 12, whole: true},
		"a merged field stands where it is from": {path: "spec.roles[0]", line: 4, column: 11, whole: true},
		"behind an alias":                        {path: "spec.again.scope", line: 5, column: 3, whole: true},
		"of a repeated field the last counts":    {path: "spec.twice", line: 11, column: 3, whole: true},
		"a missing field is what lacks it":       {path: "spec.condition", line: 6, column: 1},
		"a missing item is its list":             {path: "base.roles[2]", line: 4, column: 3},
		"an item of what is no list":             {path: "spec.scope[0]", line: 8, column: 3},
		"a list has no fields":                   {path: "base.roles.x", line: 4, column: 3},
		"a bracket that does not close":          {path: "base.roles[0", line: 4, column: 11, whole: true},
	}
	docs, faults := parse(File{Name: "f", Text: []byte(text)})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			at, whole := locate(docs[0].root, tt.path)
			got := docs[0].at(at.key)
			if diff := cmp.Diff(Position{"f", tt.line, tt.column}, got); diff != "" || whole != tt.whole {
				t.Errorf("whole = %t, %s", whole, diff)
			}
		})
	}
}

func TestDuplicates(t *testing.T) {
	const text = "a: {b: 1, c: {d: 1, d: 2}}\nx: &x [{y: 1}, {y: 1, y: 2}]\nz: *x\na: 2\n"
	docs, _ := parse(File{Name: "f", Text: []byte(text)})
	var got []string
	for _, d := range duplicates(docs[0].root, "") {
		got = append(got, d.path+" "+docs[0].at(d.second).String())
	}
	want := []string{"a.c.d f:1:21", "x[1].y f:2:23", "a f:4:1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
