// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A value is one that users of the chart may set.
type value struct {
	// name is the last part of path, which is `image.tag` or the like.
	name, path string
	// description is the comment above it, without markers.
	description string
	markers     markers
	// fallback is the default as JSON has it.
	fallback any
	// fields are the values below it; none of a value whose type is named.
	fields []*value
	// tag is the kind of node that the default is, such as `!!str`.
	tag string
}

// markers are the lines of a comment that begin with `+`: what a value may be.
type markers struct {
	// typeName is a Go type: an import path, a dot and a name, or `string`, `number`,
	// `object` or `map[string]string`; with `[]` before it, a list of them.
	typeName string
	enum     []string
	minimum  *int
	pattern  string
}

// valuesOf returns the values of a mapping that stands at a path.
func valuesOf(path string, mapping *yaml.Node) ([]*value, error) {
	var all []*value
	for pair := range slices.Chunk(mapping.Content, 2) {
		v, err := valueOf(path, pair[0], pair[1])
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

func valueOf(path string, key, node *yaml.Node) (*value, error) {
	v := &value{name: key.Value, path: strings.TrimPrefix(path+"."+key.Value, "."), tag: node.Tag}
	if err := v.comment(key.HeadComment); err != nil {
		return nil, fmt.Errorf("line %d: %s: %w", key.Line, v.path, err)
	}
	if err := node.Decode(&v.fallback); err != nil {
		return nil, fmt.Errorf("line %d: %s: %w", node.Line, v.path, err)
	}
	var err error
	switch {
	case v.markers.typeName != "":
	case node.Kind == yaml.MappingNode:
		v.fields, err = valuesOf(v.path, node)
	case node.Kind == yaml.SequenceNode:
		err = fmt.Errorf("line %d: %s: a list does not show what it may hold: say so with `+type=[]`", node.Line, v.path)
	}
	return v, err
}

// comment reads the text above a value: description and markers. Only the last
// paragraph is about it; what stands before an empty line heads a group.
func (v *value) comment(text string) error {
	paragraphs := strings.Split(text, "\n\n")
	var words []string
	for line := range strings.Lines(paragraphs[len(paragraphs)-1]) {
		line = strings.TrimSpace(strings.TrimLeft(line, "#"))
		marker, isMarker := strings.CutPrefix(line, "+")
		if !isMarker {
			words = append(words, line)
			continue
		}
		if err := v.markers.read(marker); err != nil {
			return err
		}
	}
	v.description = strings.TrimSpace(strings.Join(words, " "))
	return nil
}

func (m *markers) read(text string) error {
	name, argument, _ := strings.Cut(text, "=")
	switch name {
	case "type":
		m.typeName = argument
	case "enum":
		m.enum = strings.Split(argument, ";")
	case "pattern":
		m.pattern = argument
	case "minimum":
		n, err := strconv.Atoi(argument)
		if err != nil {
			return fmt.Errorf("marker +%s: %w", text, err)
		}
		m.minimum = &n
	default:
		return fmt.Errorf("there is no marker +%s", text)
	}
	return nil
}

// json returns the default on one line.
func (v *value) json() string {
	text, err := json.Marshal(v.fallback)
	if err != nil {
		// What YAML with keys that are strings holds is JSON, too.
		panic(err)
	}
	return string(text)
}
