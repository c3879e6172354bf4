// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// suite is tests that have to notice, of one package.
type suite struct{ folder, run string }

// The tests of decisions: cases, random policies made at once, and one that
// changes.
const decide = "internal/testkit/decide"

func decisions() []suite {
	return []suite{{decide, "^TestCorpus$"}, {decide, "^TestRandom$"}, {decide, "^TestChurn$"}}
}

// The tests of the parts by themselves.
func parts() []suite {
	return []suite{{"internal/grants", "."}, {"internal/policy", "."}}
}

// listings are the tests of what lists instead of deciding.
func listings() suite {
	return suite{decide, "Explain|Export|Held|Holdings|Outlook|Permissions|Search"}
}

// lists reports whether a file of internal/policy lists.
func lists(file string) bool {
	return slices.Contains([]string{
		"enumerate.go", "explain.go", "explain_permissions.go", "explain_subject.go", "export.go", "holdings.go", "outlook.go", "openings.go", "search.go", "whereto.go", "whom.go",
	}, path.Base(file))
}

// ofIndex reports whether a file of internal/policy decides nothing.
func ofIndex(file string) bool {
	return slices.Contains([]string{
		"book.go", "catalogue.go", "compact.go", "holders.go", "index.go", "numbering.go", "space.go",
	}, path.Base(file))
}

// doors returns the tests of a folder outside the decision, which has its own.
func doors(dir string) []suite {
	switch dir {
	case "internal/wire/forwardauth", "internal/wire/gateway":
		return []suite{{"internal/wire/forwardauth", "."}, {"internal/wire/gateway", "."}}
	case "config/admission/policies":
		return []suite{{"config/admission", "."}}
	case "internal/source/kube":
		return []suite{{dir, "ComesUp|NoList|Older|Pulse|Silent"}} // the others start an API server
	case "internal/operator":
		return []suite{{dir, "^TestSparing$"}} // the others start an API server
	case "internal/admission", "internal/certs", "internal/door", "internal/identity/caller", "internal/routing", "internal/schema", "internal/server":
		return []suite{{dir, "."}}
	}
	if strings.HasPrefix(dir, "internal/wire/") {
		return []suite{{dir, "."}}
	}
	return nil
}

// suites returns what has to notice a change of a file, in the order in which it
// is tried: what is likely to notice first comes first.
func suites(file string) []suite {
	all, dir := decisions(), path.Dir(file)
	if own := doors(dir); own != nil {
		return own
	}
	switch dir {
	case "internal/grants":
		return append(parts(), all...)
	case "internal/policy":
		own := parts()[1]
		if lists(file) {
			return []suite{listings(), own}
		}
		if ofIndex(file) {
			return append([]suite{own}, all...)
		}
		return append(all, own)
	case "internal/store":
		return []suite{{"internal/store", "."}, {"internal/testkit/conformance", "^TestLife$"}}
	}
	return all
}

// outcome is what became of a mutant.
type outcome string

const (
	killed     outcome = "killed"
	survived   outcome = "SURVIVED"
	unapplied  outcome = "UNAPPLIED"
	uncompiled outcome = "UNCOMPILED"
)

// verdict is what the tests say of a mutant.
type verdict struct {
	outcome outcome
	// test is the first one that failed.
	test   string
	output string
	took   time.Duration
}

// lab is a temporary folder and the module.
type lab struct {
	root, dir string
}

func newLab(ctx context.Context) (*lab, error) {
	mod, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return nil, fmt.Errorf("find the module: %w", err)
	}
	dir, err := os.MkdirTemp("", "rolecall-mutants-")
	if err != nil {
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	return &lab{root: filepath.Dir(strings.TrimSpace(string(mod))), dir: dir}, nil
}

func (l *lab) close() { _ = os.RemoveAll(l.dir) }

// try runs the tests of a mutant until one fails; without a mutant, all tests.
func (l *lab) try(ctx context.Context, m *mutant) verdict {
	start := time.Now()
	tests, overlay := append(append(parts(), decisions()...), listings()), ""
	if m != nil {
		var err error
		if overlay, err = l.overlay(m); err != nil {
			return verdict{outcome: unapplied, output: err.Error()}
		}
		tests = suites(m.file)
	}
	v := verdict{outcome: survived}
	built := ""
	for _, s := range tests {
		if s.folder != built {
			if v = l.build(ctx, s.folder, overlay); v.outcome != survived {
				break
			}
			built = s.folder
		}
		if v = l.run(ctx, s); v.outcome != survived {
			break
		}
	}
	v.took = time.Since(start)
	return v
}

func (l *lab) build(ctx context.Context, folder, overlay string) verdict {
	command := exec.CommandContext(ctx, "go", "test", "-c", "-ldflags=-s -w", "-o", l.binary(), "-overlay="+overlay, "./"+folder) //nolint:gosec // the arguments are this program's
	command.Dir = l.root
	if output, err := command.CombinedOutput(); err != nil {
		return verdict{outcome: uncompiled, output: string(output)}
	}
	return verdict{outcome: survived}
}

func (l *lab) binary() string { return filepath.Join(l.dir, "tests") }

// overlay writes the changed file and the list that tells the compiler of it.
func (l *lab) overlay(m *mutant) (string, error) {
	path := filepath.Join(l.root, filepath.FromSlash(m.file))
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	changed, err := m.apply(string(text))
	if err != nil {
		return "", err
	}
	file, overlay := filepath.Join(l.dir, "changed.go"), filepath.Join(l.dir, "overlay.json")
	if err := os.WriteFile(file, []byte(changed), 0o600); err != nil { //nolint:gosec // a folder of our own
		return "", err
	}
	replace, err := json.Marshal(map[string]any{"Replace": map[string]string{path: file}})
	if err != nil {
		return "", err
	}
	return overlay, os.WriteFile(overlay, replace, 0o600)
}

func (l *lab) run(ctx context.Context, s suite) verdict {
	command := exec.CommandContext(ctx, l.binary(), "-test.failfast", "-test.timeout=5m", "-test.run="+s.run) //nolint:gosec // built above
	command.Dir = filepath.Join(l.root, s.folder)
	if output, err := command.CombinedOutput(); err != nil {
		return verdict{outcome: killed, test: firstFailure(string(output)), output: string(output)}
	}
	return verdict{outcome: survived}
}

var failure = regexp.MustCompile(`(?m)^ *--- FAIL: (\S+)`)

// firstFailure returns the test that failed, the case rather than the test that
// it belongs to.
func firstFailure(output string) string {
	test := ""
	for _, match := range failure.FindAllStringSubmatch(output, -1) {
		if strings.HasPrefix(match[1], test) {
			test = match[1]
		}
	}
	if test == "" {
		test, _, _ = strings.Cut(output, "\n")
	}
	return test
}
