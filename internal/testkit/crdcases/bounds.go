// SPDX-License-Identifier: Apache-2.0

package crdcases

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
)

// Bound is one thing that a CRD refuses: a CEL rule or a keyword of the schema.
type Bound struct {
	// Path is where, without indices: spec.subjects[].id.
	Path string
	// Message is a part of what an API server says then.
	Message string
	// Limits is what the keyword allows: the size for minLength, maxLength,
	// minItems, maxItems, minProperties and maxProperties. It is -1 otherwise.
	Limit int64
	// Values are the values that an enum allows, as JSON.
	Values []string
}

// String names the bound in a test's failure.
func (b Bound) String() string { return b.Path + ": " + b.Message }

// Covers says whether the refusal is one by this bound.
func (b Bound) Covers(r Refusal) bool {
	return withoutIndices(r.Field) == b.Path && strings.Contains(r.Message, b.Message)
}

// Bounds lists what the version of a CRD refuses in what people write: every
// CEL rule, and every bound of the schema outside of metadata and status.
func Bounds(version apiextensionsv1.CustomResourceDefinitionVersion) []Bound {
	root := *version.Schema.OpenAPIV3Schema
	bounds := rules("", root)
	bounds = append(bounds, required("", root)...)
	for _, name := range slices.Sorted(maps.Keys(root.Properties)) {
		if name == "spec" {
			bounds = append(bounds, walk(name, root.Properties[name])...)
		}
	}
	return bounds
}

// walk lists the bounds of the schema at path and of all below it.
func walk(path string, schema apiextensionsv1.JSONSchemaProps) []Bound {
	bounds := slices.Concat(rules(path, schema), required(path, schema), text(path, schema), list(path, schema), object(path, schema))
	for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
		bounds = append(bounds, walk(path+"."+name, schema.Properties[name])...)
	}
	if schema.Items != nil && schema.Items.Schema != nil {
		bounds = append(bounds, walk(path+"[]", *schema.Items.Schema)...)
	}
	return bounds
}

func rules(path string, schema apiextensionsv1.JSONSchemaProps) []Bound {
	var bounds []Bound
	for _, rule := range schema.XValidations {
		at := strings.TrimPrefix(path+rule.FieldPath, ".")
		bounds = append(bounds, Bound{Path: at, Message: rule.Message, Limit: -1})
	}
	return bounds
}

func required(path string, schema apiextensionsv1.JSONSchemaProps) []Bound {
	var bounds []Bound
	for _, name := range schema.Required {
		at := strings.TrimPrefix(path+"."+name, ".")
		bounds = append(bounds, Bound{Path: at, Message: "Required value", Limit: -1})
	}
	return bounds
}

func text(path string, schema apiextensionsv1.JSONSchemaProps) []Bound {
	var bounds []Bound
	if n := schema.MinLength; n != nil {
		bounds = append(bounds, Bound{Path: path, Message: fmt.Sprintf("should be at least %d chars long", *n), Limit: *n})
	}
	if n := schema.MaxLength; n != nil {
		bounds = append(bounds, Bound{Path: path, Message: fmt.Sprintf("may not be more than %d bytes", *n), Limit: *n})
	}
	if p := schema.Pattern; p != "" {
		bounds = append(bounds, Bound{Path: path, Message: fmt.Sprintf("should match '%s'", p), Limit: -1})
	}
	if schema.Format != "" {
		bounds = append(bounds, Bound{Path: path, Message: "must be of type " + schema.Format, Limit: -1})
	}
	if len(schema.Enum) > 0 {
		bounds = append(bounds, enum(path, schema.Enum))
	}
	return bounds
}

func enum(path string, values []apiextensionsv1.JSON) Bound {
	b := Bound{Path: path, Limit: -1}
	for _, v := range values {
		b.Values = append(b.Values, string(v.Raw))
	}
	b.Message = "supported values: " + strings.Join(b.Values, ", ")
	return b
}

func list(path string, schema apiextensionsv1.JSONSchemaProps) []Bound {
	var bounds []Bound
	if n := schema.MinItems; n != nil {
		bounds = append(bounds, Bound{Path: path, Message: fmt.Sprintf("should have at least %d items", *n), Limit: *n})
	}
	if n := schema.MaxItems; n != nil {
		bounds = append(bounds, Bound{Path: path, Message: fmt.Sprintf("must have at most %d items", *n), Limit: *n})
	}
	if t := schema.XListType; t != nil && *t != "atomic" {
		bounds = append(bounds, Bound{Path: path + "[]", Message: "Duplicate value", Limit: -1})
	}
	return bounds
}

func object(path string, schema apiextensionsv1.JSONSchemaProps) []Bound {
	var bounds []Bound
	if n := schema.MinProperties; n != nil {
		bounds = append(bounds, Bound{Path: path, Message: fmt.Sprintf("should have at least %d properties", *n), Limit: *n})
	}
	if n := schema.MaxProperties; n != nil {
		bounds = append(bounds, Bound{Path: path, Message: fmt.Sprintf("must have at most %d items", *n), Limit: *n})
	}
	return bounds
}

// withoutIndices turns spec.subjects[0].id into spec.subjects[].id.
func withoutIndices(path string) string {
	var out strings.Builder
	inside := false
	for _, r := range path {
		switch {
		case r == ']':
			inside = false
		case inside:
			continue
		}
		out.WriteRune(r)
		inside = inside || r == '['
	}
	return out.String()
}
