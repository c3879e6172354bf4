// SPDX-License-Identifier: Apache-2.0

// Command chart makes what is derived from the chart's values.yaml: the schema by
// which Helm refuses values that do not fit (values.schema.json), and the table of
// all values (README.md). A value's description is the comment above it; what it may
// be is seen from its default, or said in the comment (see markers).
//
//	go run ./hack/generate/chart charts/rolecall
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: chart FOLDER")
		os.Exit(2)
	}
	if err := generate(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "chart:", err)
		os.Exit(1)
	}
}

// generate writes the derived files of the chart in a folder.
func generate(folder string) error {
	source := filepath.Join(folder, "values.yaml")
	text, err := os.ReadFile(source)
	if err != nil {
		return err
	}
	values, err := parseValues(text)
	if err != nil {
		return fmt.Errorf("%s: %w", source, err)
	}
	docs, err := readDocs()
	if err != nil {
		return err
	}
	root, err := newSchema(values, &typeSchemas{docs: docs, definitions: map[string]*schema{}})
	if err != nil {
		return fmt.Errorf("%s: %w", source, err)
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(root); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, "values.schema.json"), out.Bytes(), 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "README.md"), readme(values), 0o600)
}

// parseValues returns the values of a values.yaml in the order of the file.
func parseValues(text []byte) ([]*value, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, err
	}
	if len(document.Content) != 1 || document.Content[0].Kind != yaml.MappingNode {
		return nil, fmt.Errorf("want one mapping")
	}
	return valuesOf("", document.Content[0])
}
