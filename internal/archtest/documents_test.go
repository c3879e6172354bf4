// SPDX-License-Identifier: Apache-2.0

package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rolecall/rolecall/internal/config"
)

// TestConditionsAreDocumented: who meets a condition type, a reason or a warning
// finds its cause and remedy.
func TestConditionsAreDocumented(t *testing.T) {
	const path = "docs/conditions.md"
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	values := vocabulary(t)
	if len(values) == 0 {
		t.Fatal("found no reason: the constants have moved or are named otherwise")
	}
	for name, value := range values {
		if !strings.Contains(string(text), "`"+value+"`") {
			t.Errorf("%s does not mention `%s` (%s): say what causes it and what mends it", path, value, name)
		}
	}
}

// TestDeployedConfiguration: a file that the server refuses would be found out
// by the pods.
func TestDeployedConfiguration(t *testing.T) {
	for _, path := range []string{"config/manager/server.yaml", "config/webhook/server.yaml"} {
		if _, err := config.Load(filepath.Join(root, path)); err != nil {
			t.Error(err)
		}
	}
}

// vocabulary returns the exported string constants of api/v1alpha1 that stand in
// a status, by name.
func vocabulary(t *testing.T) map[string]string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(root, "api/v1alpha1/*.go"))
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]string{}
	for _, path := range paths {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(node ast.Node) bool {
			if spec, ok := node.(*ast.ValueSpec); ok {
				addReported(values, spec)
			}
			return true
		})
	}
	return values
}

func addReported(values map[string]string, spec *ast.ValueSpec) {
	for i, name := range spec.Names {
		if !reported(name.Name) || i >= len(spec.Values) {
			continue
		}
		literal, ok := spec.Values[i].(*ast.BasicLit)
		if !ok {
			continue
		}
		if value, err := strconv.Unquote(literal.Value); err == nil {
			values[name.Name] = value
		}
	}
}

func reported(name string) bool {
	for _, prefix := range []string{"Condition", "Reason", "Warning"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}
