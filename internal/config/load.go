// SPDX-License-Identifier: Apache-2.0

package config

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"

	"github.com/go-json-experiment/json"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
)

// Load reads a configuration file. See Decode.
func Load(path string) (*configv1alpha1.ServerConfiguration, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	c, err := Decode(data)
	if err != nil {
		return nil, fmt.Errorf("configuration %s: %w", path, err)
	}
	return c, nil
}

// Decode reads a configuration from YAML or JSON, fills in the defaults and
// validates it. An error lists every fault that was found.
func Decode(data []byte) (*configv1alpha1.ServerConfiguration, error) {
	document, err := single(data)
	if err != nil {
		return nil, err
	}
	text, err := yaml.YAMLToJSONStrict(document)
	if err != nil {
		return nil, err
	}
	c := &configv1alpha1.ServerConfiguration{}
	if err := json.Unmarshal(text, c, json.RejectUnknownMembers(true)); err != nil {
		return nil, explain(err)
	}
	if err := checkType(c); err != nil {
		return nil, err
	}
	Default(c)
	var faults []error
	for _, fault := range Validate(c) {
		faults = append(faults, fault)
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return c, nil
}

// single returns the only document of a file. A second one would be ignored, and
// with it what its writer wanted.
func single(data []byte) ([]byte, error) {
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(data)))
	var found [][]byte
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if hasContent(document) {
			found = append(found, document)
		}
	}
	if len(found) != 1 {
		return nil, fmt.Errorf("it holds %d YAML documents, and must hold one", len(found))
	}
	return found[0], nil
}

// hasContent reports whether a document holds more than comments.
func hasContent(document []byte) bool {
	for line := range bytes.Lines(document) {
		line = bytes.TrimSpace(line)
		if len(line) > 0 && line[0] != '#' && !bytes.Equal(line, []byte("---")) {
			return true
		}
	}
	return false
}

func checkType(c *configv1alpha1.ServerConfiguration) error {
	want := configv1alpha1.GroupVersion.String()
	if c.APIVersion == want && c.Kind == configv1alpha1.Kind {
		return nil
	}
	return fmt.Errorf("apiVersion is %q and kind %q; this server reads apiVersion %q, kind %q",
		c.APIVersion, c.Kind, want, configv1alpha1.Kind)
}

// explain names the field that could not be read as the file spells it, in place
// of a Go type.
func explain(err error) error {
	e, ok := errors.AsType[*json.SemanticError](err)
	if !ok {
		return err
	}
	var names []string
	for token := range e.JSONPointer.Tokens() {
		names = append(names, token)
	}
	path := strings.Join(names, ".")
	switch {
	case errors.Is(err, json.ErrUnknownName):
		return fmt.Errorf("%s: unknown field", path)
	case e.Err != nil:
		return fmt.Errorf("%s: %w", path, e.Err)
	}
	return fmt.Errorf("%s: a JSON %s has no place here; want %s", path, e.JSONKind, form(e.GoType))
}

// form names what a field wants to be.
func form(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		return "a list"
	case reflect.Float64:
		return "a number"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	default:
		return "an object"
	}
}
