// SPDX-License-Identifier: Apache-2.0

package decisionlog

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/testkit/logs"
)

// TestFile: a file that has grown is moved, no line is cut, and nobody else may
// read either.
func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "logs", "decisions.jsonl")
	file, err := OpenFile(&configv1alpha1.RotatedFile{Path: path, MaxMebibytes: 1, MaxBackups: 3})
	if err != nil {
		t.Fatal(err)
	}
	const decisions = 5000 // 1.3 MB
	c := all()
	c.QueueLength = decisions
	l := New(Options{Config: c, Output: file, Logger: logs.New(t)})
	for range decisions {
		l.Door("x").Decided(denied())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Run(ctx, long); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	paths, err := filepath.Glob(filepath.Join(filepath.Dir(path), "decisions*.jsonl"))
	if err != nil || len(paths) != 2 {
		t.Fatalf("the files are %q, error %v; want two", paths, err)
	}
	lines := 0
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil || info.Size() > 1<<20 || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, error %v; want at most 1 MiB, for its owner alone", path, info, err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			lines++
			if !json.Valid([]byte(line)) {
				t.Fatalf("%s has the line %s", path, line)
			}
		}
	}
	if lines != decisions {
		t.Errorf("%d lines, want %d", lines, decisions)
	}
}

// TestAFileThatCannotBe is refused at once, by the name of its field.
func TestAFileThatCannotBe(t *testing.T) {
	blocker := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(blocker, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := OpenFile(&configv1alpha1.RotatedFile{Path: filepath.Join(blocker, "decisions.jsonl"), MaxMebibytes: 1})
	if err == nil || !strings.Contains(err.Error(), "decisionLog.file.path") {
		t.Errorf("error %v, want one that names the field", err)
	}
}
