// SPDX-License-Identifier: Apache-2.0

package archtest

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// root is the module's folder as the tests, which run in theirs, see it.
const root = "../.."

const (
	maxLines     = 400
	maxTestLines = 800
)

func TestFileLength(t *testing.T) {
	for path, text := range sources(t) {
		if generated(text) {
			continue
		}
		limit := maxLines
		if strings.HasSuffix(path, "_test.go") {
			limit = maxTestLines
		}
		if lines := bytes.Count(text, []byte("\n")); lines > limit {
			t.Errorf("%s has %d lines, want at most %d: split it by what it is about", path, lines, limit)
		}
	}
}

// TestPackageDocs: one file says what the package is for, and only one, or
// readers get two stories in the order of file names.
func TestPackageDocs(t *testing.T) {
	documented := map[string][]string{}
	for path, text := range sources(t) {
		file, err := parser.ParseFile(token.NewFileSet(), path, text, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.Dir(path)
		documented[dir] = append(documented[dir], docOf(path, file)...)
	}
	for dir, files := range documented {
		if len(files) != 1 {
			t.Errorf("%s has %d package documents %v, want exactly one", dir, len(files), files)
		}
	}
}

func docOf(path string, file *ast.File) []string {
	if file.Doc == nil || strings.TrimSpace(file.Doc.Text()) == "" {
		return nil
	}
	return []string{filepath.Base(path)}
}

// TestPackageNames: a package is named by what it provides. These names say
// only that somebody did not know where to put things, and fill up.
func TestPackageNames(t *testing.T) {
	banned := []string{"util", "utils", "common", "helper", "helpers", "types", "misc", "shared"}
	for path := range sources(t) {
		if name := filepath.Base(filepath.Dir(path)); slices.Contains(banned, name) {
			t.Errorf("%s: a package named %q says nothing; name it by what it provides", path, name)
		}
	}
}

// TestLogsAreWatched: tests log to testkit/logs, which fails a test whose subject
// logs something secret. Where logs are measured or are the libraries', they may be
// thrown away.
func TestLogsAreWatched(t *testing.T) {
	const discards = "logr." + "Discard()"
	for path, text := range sources(t) {
		if !strings.HasSuffix(path, "_test.go") || strings.Contains(path, "bench_test") || strings.HasSuffix(path, "allocations_test.go") {
			continue
		}
		for line := range strings.Lines(string(text)) {
			if strings.Contains(line, discards) && !strings.Contains(line, "SetL") {
				t.Errorf("%s: %s: use logs.New(t)", path, strings.TrimSpace(line))
			}
		}
	}
}

// sources returns the module's Go files by path below the root, without those
// in the data of tests and in other modules.
func sources(t *testing.T) map[string][]byte {
	t.Helper()
	found := map[string][]byte{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return enter(path, entry.Name())
		}
		if filepath.Ext(path) != ".go" {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		found[rel] = text
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) == 0 {
		t.Fatalf("no Go file below %s", root)
	}
	return found
}

// enter skips what the go command skips too.
func enter(path, name string) error {
	if path == root {
		return nil
	}
	if name == "testdata" || name == "vendor" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") {
		return fs.SkipDir
	}
	if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil {
		return fs.SkipDir
	}
	return nil
}

func generated(text []byte) bool {
	head, _, _ := bytes.Cut(text, []byte("\npackage "))
	return bytes.Contains(head, []byte("// Code generated ")) && bytes.Contains(head, []byte(" DO NOT EDIT.\n"))
}
