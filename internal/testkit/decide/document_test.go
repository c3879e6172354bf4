// SPDX-License-Identifier: Apache-2.0

package decide_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/compile"
	"github.com/rolecall/rolecall/internal/testkit"
	"github.com/rolecall/rolecall/internal/testkit/decide"
)

const document = "../../../docs/decision.md"

var (
	block = regexp.MustCompile("(?s)```yaml (objects|checks)\n(.*?)```")
	link  = regexp.MustCompile(`\]\(([^)]+\.txtar)\)`)
)

// TestDocument runs the examples of docs/decision.md: in each section, the
// objects and the checks of them.
func TestDocument(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	compiler := compile.New(decide.Env(t))
	examples := 0
	for section := range strings.SplitSeq(string(text), "\n## ") {
		heading, _, _ := strings.Cut(section, "\n")
		var objects []testkit.Object
		for _, match := range block.FindAllStringSubmatch(section, -1) {
			if match[1] == "objects" {
				objects = read(t, testkit.Objects, match[2])
				continue
			}
			examples++
			t.Run(heading, func(t *testing.T) {
				decide.Verify(t, decide.Snapshot(compiler, objects), read(t, testkit.ParseChecks, match[2]))
			})
		}
	}
	if examples < 5 {
		t.Errorf("found %d examples, so they are not looked for where they are", examples)
	}
}

func read[T any](t *testing.T, parse func([]byte) (T, error), text string) T {
	t.Helper()
	parsed, err := parse([]byte(text))
	if err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
	return parsed
}

// TestDocumentLinks: the cases that docs/decision.md names are there, and none
// is left out that a reader might look for.
func TestDocumentLinks(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, match := range link.FindAllStringSubmatch(string(text), -1) {
		named[strings.TrimSuffix(filepath.Base(match[1]), ".txtar")] = true
		if _, err := os.Stat(filepath.Join(filepath.Dir(document), match[1])); err != nil { //nolint:gosec // our own document
			t.Errorf("a link leads nowhere: %v", err)
		}
	}
	for _, c := range decide.Cases(t) {
		if _, err := os.Stat("../corpus/testdata/" + c.Name + ".txtar"); err == nil && !named[c.Name] {
			t.Errorf("the case %s is not named in %s", c.Name, document)
		}
	}
	for _, reason := range authz.Reasons() {
		if !strings.Contains(string(text), "`"+reason.String()+"`") {
			t.Errorf("the reason %s is not explained in %s", reason, document)
		}
	}
}
