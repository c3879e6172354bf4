// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rolecall/rolecall/internal/authz"
)

const conditionsPage = "../../docs/conditions.md"

// TestTheExamplesAreReal: what docs/conditions.md shows as a message is one that
// the golden files hold, so that who searches for it finds the page.
func TestTheExamplesAreReal(t *testing.T) {
	printed := strings.Join(goldens(t), "\n")
	page, err := os.ReadFile(conditionsPage)
	if err != nil {
		t.Fatal(err)
	}
	examples := 0
	for i, block := range strings.Split(string(page), "```text\n") {
		if i == 0 {
			continue
		}
		block, _, _ = strings.Cut(block, "```")
		for line := range strings.Lines(block) {
			examples++
			if !strings.Contains(printed, " "+line) {
				t.Errorf("no golden file has the message %q", line)
			}
		}
	}
	if examples == 0 {
		t.Error("the page has no examples")
	}
}

func goldens(t *testing.T) []string {
	t.Helper()
	names, err := filepath.Glob("testdata/*.golden")
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(text))
	}
	return texts
}

// TestDecisionReasonsAreDocumented: whoever is denied finds out why.
func TestDecisionReasonsAreDocumented(t *testing.T) {
	page, err := os.ReadFile(conditionsPage)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range authz.Reasons() {
		if !strings.Contains(string(page), "| `"+r.String()+"` |") {
			t.Errorf("%s has no row for %s", conditionsPage, r)
		}
	}
}
