// SPDX-License-Identifier: Apache-2.0

package archtest

import (
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/rolecall/rolecall"

func TestImports(t *testing.T) {
	all := rooms()
	for path, imports := range packages(t) {
		r, ok := roomOf(all, path)
		if !ok {
			t.Errorf("%s has no row in rooms_test.go: say there what it may import, and why", path)
			continue
		}
		for _, imported := range imports {
			if fault := r.fault(all, path, imported); fault != "" {
				t.Errorf("%s imports %s: %s\n\twhy the rule is there: %s", path, imported, fault, r.why)
			}
		}
	}
}

// TestRoomsAreKept: a row that fits no package, or names a package that is gone,
// would let a new one in by accident.
func TestRoomsAreKept(t *testing.T) {
	paths := slices.Collect(maps.Keys(packages(t)))
	for _, r := range rooms() {
		if r.why == "" {
			t.Errorf("room %s does not say why", r.path)
		}
		if !slices.ContainsFunc(paths, func(path string) bool { return r.holds(path) }) {
			t.Errorf("room %s fits no package: take its row out", r.path)
		}
		for _, seen := range r.sees {
			local, ok := strings.CutPrefix(seen, "./")
			if ok && !slices.ContainsFunc(paths, func(path string) bool { return below(path, local) }) {
				t.Errorf("room %s sees %s, which is gone: take it out", r.path, seen)
			}
		}
	}
}

// TestFault shows that the rules find what they are there to find.
func TestFault(t *testing.T) {
	all := rooms()
	tests := map[string]struct {
		path, imported string
		want           bool
	}{
		"the standard library is for all":                {path: "internal/authz", imported: "net/netip"},
		"a room may be split into packages":              {path: "internal/wire/authzen", imported: module + "/internal/wire/authzen/envelope"},
		"the vocabulary sees the standard library only":  {path: "internal/authz", imported: apimachinery + "/pkg/types", want: true},
		"the kinds see apimachinery":                     {path: "api/v1alpha1", imported: apimachinery + "/pkg/runtime"},
		"the kinds see no client":                        {path: "api/v1alpha1", imported: "sigs.k8s.io/controller-runtime/pkg/scheme", want: true},
		"a name that begins alike is another module":     {path: "api/v1alpha1", imported: apimachinery + "-extras", want: true},
		"the policy does not know objects":               {path: "internal/policy", imported: module + "/api/v1alpha1", want: true},
		"the compiler knows the units":                   {path: "internal/compile", imported: module + "/internal/policy"},
		"dialects do not know one another":               {path: "internal/wire/authzen", imported: module + "/internal/wire/sar", want: true},
		"a dialect does not know the policy":             {path: "internal/wire/authzen", imported: module + "/internal/policy", want: true},
		"the store knows no client":                      {path: "internal/store", imported: "k8s.io/client-go/tools/cache", want: true},
		"the watch knows the client":                     {path: "internal/source/kube", imported: "k8s.io/client-go/tools/cache"},
		"a command does not ship the test kit":           {path: "cmd/rolecall", imported: module + "/internal/testkit", want: true},
		"a part of the test kit may use another":         {path: "internal/testkit/corpus", imported: module + "/internal/testkit"},
		"a package without a room is no reason to panic": {path: "internal/store", imported: module + "/internal/nowhere", want: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r, ok := roomOf(all, tt.path)
			if !ok {
				t.Fatalf("no room for %s", tt.path)
			}
			if fault := r.fault(all, tt.path, tt.imported); (fault != "") != tt.want {
				t.Errorf("fault = %q, want a fault: %t", fault, tt.want)
			}
		})
	}
}

// fault says what is wrong with an import by the package at path, or nothing.
func (r room) fault(all []room, path, imported string) string {
	local, ours := strings.CutPrefix(imported, module+"/")
	if !ours && standard(imported) {
		return ""
	}
	if ours && below(local, path) {
		return ""
	}
	if theirs, ok := roomOf(all, local); ours && ok && theirs.testOnly && !r.testOnly {
		return "that is for tests only"
	}
	if ours {
		imported = "./" + local
	}
	if !slices.ContainsFunc(r.sees, func(seen string) bool { return seen == everything || below(imported, seen) }) {
		return "not in its row of rooms_test.go"
	}
	return ""
}

func (r room) holds(path string) bool {
	root, subtree := strings.CutSuffix(r.path, "/...")
	return path == root || subtree && below(path, root)
}

// roomOf returns the room with the longest path that holds the package.
func roomOf(all []room, path string) (room, bool) {
	found := room{}
	for _, r := range all {
		if r.holds(path) && len(r.path) > len(found.path) {
			found = r
		}
	}
	return found, found.path != ""
}

func below(path, root string) bool {
	return path == root || strings.HasPrefix(path, root+"/")
}

// standard: import paths of the standard library have no dot in the first element.
func standard(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return !strings.Contains(first, ".")
}

// packages returns the packages of this module with what their files import,
// whatever the build tags; their tests may import what they like and are left
// out. It reads the files itself, so that the go command knows of what the
// test depends on and does not answer from its cache.
func packages(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	for path, text := range sources(t) {
		dir := filepath.ToSlash(filepath.Dir(path))
		found[dir] = append(found[dir], importsOf(t, path, text)...)
	}
	return found
}

func importsOf(t *testing.T, path string, text []byte) []string {
	t.Helper()
	if strings.HasSuffix(path, "_test.go") {
		return nil
	}
	file, err := parser.ParseFile(token.NewFileSet(), path, text, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	imports := []string{}
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		imports = append(imports, imported)
	}
	return imports
}
