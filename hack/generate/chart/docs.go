// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strings"
)

// docs are the comments of the configuration's types, by type and by field. Types of
// Kubernetes are documented elsewhere, and would be most of the chart's size.
type docs map[string]string

// configuration is where the types are, below the module's root.
const configuration = "api/config/v1alpha1"

// readDocs reads the configuration's Go files. It is run at the module's root.
func readDocs() (docs, error) {
	paths, err := filepath.Glob(filepath.Join(configuration, "*.go"))
	if err != nil || len(paths) == 0 {
		return nil, fmt.Errorf("found no Go file in %s; run it at the module's root (%w)", configuration, os.ErrNotExist)
	}
	d := docs{}
	for _, path := range paths {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		for _, declaration := range file.Decls {
			if types, ok := declaration.(*ast.GenDecl); ok && types.Tok == token.TYPE {
				d.read(types)
			}
		}
	}
	return d, nil
}

func (d docs) read(types *ast.GenDecl) {
	for _, spec := range types.Specs {
		named, _ := spec.(*ast.TypeSpec)
		d[named.Name.Name] = types.Doc.Text() + named.Doc.Text()
		structure, ok := named.Type.(*ast.StructType)
		if !ok {
			continue
		}
		for _, field := range structure.Fields.List {
			for _, name := range field.Names {
				d[named.Name.Name+"."+name.Name] = field.Doc.Text()
			}
		}
	}
}

// field returns what a struct's field means, on one line and without markers.
func (d docs) field(of reflect.Type, name string) string {
	if !strings.HasSuffix(of.PkgPath(), configuration) {
		return ""
	}
	var words []string
	for line := range strings.Lines(d[of.Name()+"."+name]) {
		if !strings.HasPrefix(line, "+") {
			words = append(words, strings.Fields(line)...)
		}
	}
	return strings.Join(words, " ")
}

// enum returns the values that a type has by its marker, or nil if it has none.
func (d docs) enum(of reflect.Type) []string {
	if !strings.HasSuffix(of.PkgPath(), configuration) {
		return nil
	}
	_, values, found := strings.Cut(d[of.Name()], "+kubebuilder:validation:Enum=")
	if !found {
		return nil
	}
	values, _, _ = strings.Cut(values, "\n")
	return strings.Split(values, ";")
}
