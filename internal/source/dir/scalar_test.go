// SPDX-License-Identifier: Apache-2.0

package dir

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// TestInside finds the word HERE in the text of a field, as the YAML library
// reads it, and wants to be sent to where it stands in the file.
func TestInside(t *testing.T) {
	tests := map[string]string{
		"plain":                                "c: a == HERE",
		"plain behind a comment and a blank":   "# é\n\nc:    a == HERE # not HERE\n",
		"plain over several lines":             "c: a ==\n  b &&\n\n\n  HERE\nd: x",
		"plain in a flow mapping":              "x: [{c: 1}, {d: a.HERE}]\nc: é HERE",
		"quoted once":                          "c: 'a == HERE'",
		"quoted once, with a quote in it":      "c: 'a == ''x'' && ''y'' != HERE'",
		"quoted once, over several lines":      "c: 'a ==   \n\n    ''b'' ==\n  HERE'",
		"quoted twice":                         `c: "a == HERE"`,
		"quoted twice, with escapes":           `c: "a\t\"b\" \u00e9\x41\U0001F600\\ \n HERE"`,
		"quoted twice, over several lines":     "c: \"a ==  \n  b \\\n   \\  c\\\n  d\n\n  HERE\"",
		"JSON":                                 `{"x": "\ud83d\ude00 \/ \\ud83d", "c": "a == \"b\" && HERE"}`,
		"literal":                              "c: |\n  a == b &&\n    HERE",
		"literal, stripped, behind a comment":  "c: |- # not HERE\n  a ==\n\n  HERE\n",
		"literal, with blank lines first":      "c: |\n\n\n  a\n  HERE\n",
		"literal, with its own indentation":    "c: |2+\n      a\n    é HERE\n\n",
		"literal, in a list":                   "x:\n- c: 1\n- d: |\n    a\n    HERE\nc: |\n a\n HERE\n",
		"folded":                               "c: >\n  a ==\n  b &&\n  HERE\n",
		"folded, with blank and indented ones": "c: >-\n  a\n\n\n  b\n    c\n\n    d\n  e\n  f HERE\n",
		"folded, indented first":               "c: >\n\n    a\n      b\n    c\n\n    HERE\n\n\n",
		"an anchor and a tag":                  "c: &x !!str HERE",
		"an alias":                             "x: &x 'a HERE'\nc: *x",
		"carriage returns":                     "c: |\r\n  a\r\n  HERE\r\n",
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			docs, faults := parse(File{Name: "f", Text: []byte("# first\n---\n" + text)})
			if len(faults) > 0 || len(docs) != 1 {
				t.Fatalf("faults = %v, %d documents", faults, len(docs))
			}
			at, whole := locate(docs[0].root, "c")
			if !whole {
				t.Fatal("no field c")
			}
			line, column := find(t, follow(at.value).Value, false)
			want := Position{File: "f"}
			want.Line, want.Column = find(t, text, !strings.Contains(text, "*x"))
			want.Line += 2
			got := docs[0].inside(at.value, line, column)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the text is %q: %s", follow(at.value).Value, diff)
			}
		})
	}
}

// find returns the line and the column of the word; in a source the last one
// that is not in a comment counts.
func find(t *testing.T, text string, source bool) (line, column int) {
	t.Helper()
	i := strings.Index(text, "HERE")
	if source {
		i = strings.LastIndex(strings.ReplaceAll(text, "not HERE", "not here"), "HERE")
	}
	if i < 0 {
		t.Fatalf("%q does not say HERE", text)
	}
	before := text[:i]
	return strings.Count(before, "\n") + 1, utf8.RuneCountInString(before[strings.LastIndex(before, "\n")+1:]) + 1
}

// TestInsideWhatIsNotThere: whatever a library says about places, there is an
// answer.
func TestInsideWhatIsNotThere(t *testing.T) {
	docs, _ := parse(File{Name: "f", Text: []byte("c: |\n  a\n  b\nd: {}")})
	at, _ := locate(docs[0].root, "c")
	tests := map[string]struct {
		path         string
		line, column int
		want         Position
	}{
		"behind the end of the text":  {path: "c", line: 9, column: 9, want: Position{"f", 4, 1}},
		"behind the end of a line":    {path: "c", line: 1, column: 9, want: Position{"f", 2, 4}},
		"in what is no text":          {path: "d", line: 1, column: 1, want: Position{"f", 4, 4}},
		"before the beginning of all": {path: "c", line: -1, column: -1, want: Position{"f", 2, 3}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			at, _ = locate(docs[0].root, tt.path)
			if diff := cmp.Diff(tt.want, docs[0].inside(at.value, tt.line, tt.column)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
