// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// tests is the package whose tests have to notice.
const tests = "internal/testkit/decide"

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

// try builds the tests with a mutant, or without if it is nil, and runs them.
func (l *lab) try(ctx context.Context, m *mutant) verdict {
	start := time.Now()
	v := l.build(ctx, m)
	if v.outcome == "" {
		v = l.run(ctx)
	}
	v.took = time.Since(start)
	return v
}

func (l *lab) build(ctx context.Context, m *mutant) verdict {
	args := []string{"test", "-c", "-o", l.binary()}
	if m != nil {
		overlay, err := l.overlay(m)
		if err != nil {
			return verdict{outcome: unapplied, output: err.Error()}
		}
		args = append(args, "-overlay", overlay)
	}
	command := exec.CommandContext(ctx, "go", append(args, "./"+tests)...) //nolint:gosec // the arguments are this program's
	command.Dir = l.root
	if output, err := command.CombinedOutput(); err != nil {
		return verdict{outcome: uncompiled, output: string(output)}
	}
	return verdict{}
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

// run runs the tests: the cases first, and random decisions only if no case
// notices.
func (l *lab) run(ctx context.Context) verdict {
	for _, test := range []string{"^TestCorpus$", "^TestRandom$"} {
		command := exec.CommandContext(ctx, l.binary(), "-test.failfast", "-test.timeout=5m", "-test.run="+test) //nolint:gosec // built above
		command.Dir = filepath.Join(l.root, tests)
		if output, err := command.CombinedOutput(); err != nil {
			return verdict{outcome: killed, test: firstFailure(string(output)), output: string(output)}
		}
	}
	return verdict{outcome: survived}
}

var failure = regexp.MustCompile(`(?m)^ *--- FAIL: (\S+/\S+|TestRandom)`)

func firstFailure(output string) string {
	if match := failure.FindStringSubmatch(output); match != nil {
		return match[1]
	}
	first, _, _ := strings.Cut(output, "\n")
	return first
}
