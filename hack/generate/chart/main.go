// SPDX-License-Identifier: Apache-2.0

// Command chart makes what is derived from the chart's values.yaml: the schema by
// which Helm refuses values that do not fit (values.schema.json), and the table of
// all values (README.md). A value's description is the comment above it; what it may
// be is seen from its default, or said in the comment (see markers). It is run at the
// module's root, by `make generate`.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	"go.yaml.in/yaml/v3"
)

// folder is where the chart is, below the module's root.
const folder = "charts/rolecall"

func main() {
	if err := generate(); err != nil {
		fmt.Fprintln(os.Stderr, "chart:", err)
		os.Exit(1)
	}
}

// generate writes the chart's derived files.
func generate() error {
	const source = folder + "/values.yaml"
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
	if err := os.WriteFile(folder+"/values.schema.json", out.Bytes(), 0o600); err != nil {
		return err
	}
	return os.WriteFile(folder+"/README.md", readme(values), 0o600)
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
