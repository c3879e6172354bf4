// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"
)

// A schema is a JSON Schema, with the keywords that are needed here.
type schema struct {
	Schema      string             `json:"$schema,omitempty"`
	Title       string             `json:"title,omitempty"`
	Ref         string             `json:"$ref,omitempty"`
	AllOf       []*schema          `json:"allOf,omitempty"`
	Description string             `json:"description,omitempty"`
	Type        any                `json:"type,omitempty"`
	Enum        []string           `json:"enum,omitempty"`
	Pattern     string             `json:"pattern,omitempty"`
	Minimum     *int               `json:"minimum,omitempty"`
	Default     any                `json:"default,omitempty"`
	Properties  map[string]*schema `json:"properties,omitempty"`
	Items       *schema            `json:"items,omitempty"`
	// AdditionalProperties is false, a schema, or nil for whatever there may be.
	AdditionalProperties any                `json:"additionalProperties,omitempty"`
	Definitions          map[string]*schema `json:"definitions,omitempty"`
}

// newSchema returns the schema of a chart's values.
func newSchema(values []*value, types *typeSchemas) (*schema, error) {
	root, err := objectSchema(values, types)
	if err != nil {
		return nil, err
	}
	root.Schema = "http://json-schema.org/draft-07/schema#"
	root.Title = "Values of the chart; made from values.yaml by `make generate`"
	// Helm hands every chart the values of its parents under this name.
	root.Properties["global"] = &schema{Type: "object", Description: "What charts of one release share. Nothing is read from it here."}
	root.Definitions = types.definitions
	return root, nil
}

func objectSchema(values []*value, types *typeSchemas) (*schema, error) {
	s := &schema{Type: "object", Properties: map[string]*schema{}, AdditionalProperties: false}
	for _, v := range values {
		field, err := valueSchema(v, types)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", v.path, err)
		}
		field.Description = v.description
		s.Properties[v.name] = field
	}
	return s, nil
}

func valueSchema(v *value, types *typeSchemas) (*schema, error) {
	if v.description == "" && len(v.fields) == 0 {
		return nil, fmt.Errorf("has no comment that says what it is")
	}
	if name := v.markers.typeName; name != "" {
		s, err := types.named(name)
		if err != nil {
			return nil, err
		}
		if s.Ref != "" {
			// Beside a reference draft 7 sees nothing else.
			s = &schema{AllOf: []*schema{s}}
		}
		s.Default = v.fallback
		return s, nil
	}
	if v.tag == "!!map" {
		if len(v.fields) > 0 {
			return objectSchema(v.fields, types)
		}
		return &schema{Type: "object", AdditionalProperties: &schema{Type: "string"}, Default: v.fallback}, nil
	}
	s := &schema{Enum: v.markers.enum, Minimum: v.markers.minimum, Pattern: v.markers.pattern, Default: v.fallback}
	switch v.tag {
	case "!!str":
		s.Type = "string"
	case "!!bool":
		s.Type = "boolean"
	case "!!int":
		s.Type = "integer"
	default:
		return nil, fmt.Errorf("the default is %s, which does not show what it may be: say so with `+type=`", strings.TrimPrefix(v.tag, "!!"))
	}
	return s, nil
}
