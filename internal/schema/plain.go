// SPDX-License-Identifier: Apache-2.0

package schema

import (
	"math"
	"slices"

	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
)

// plainFit finds out that a value fits, where that takes no more than a look at its
// type and its properties: nearly all values do, and it takes a thousandth of the
// time. What it is not certain of is for the API server's libraries to judge.
type plainFit struct {
	typ      string
	nullable bool
	// plain says that there is nothing else to fit.
	plain bool
	// values are the texts that there can be, if not any can.
	values     []string
	properties map[string]*plainFit
	required   []string
	items      *plainFit
}

func plainFitOf(s *structuralschema.Structural) *plainFit {
	f := &plainFit{typ: s.Type, nullable: s.Nullable, plain: !s.XIntOrString && !s.XPreserveUnknownFields && s.AdditionalProperties == nil}
	if v := s.ValueValidation; v != nil {
		f.required = v.Required
		f.plain = f.plain && f.enum(v.Enum) && nothingElse(v)
	}
	if s.Items != nil {
		f.items = plainFitOf(s.Items)
	}
	f.properties = make(map[string]*plainFit, len(s.Properties))
	for name, property := range s.Properties {
		f.properties[name] = plainFitOf(&property)
	}
	return f
}

// enum takes in the values that there can be, and reports whether all are texts.
func (f *plainFit) enum(values []structuralschema.JSON) bool {
	for _, v := range values {
		text, ok := v.Object.(string)
		if !ok {
			return false
		}
		f.values = append(f.values, text)
	}
	return len(values) == 0 || f.typ == "string"
}

// nothingElse reports whether a value has to fit nothing but required and enum.
func nothingElse(v *structuralschema.ValueValidation) bool {
	return v.Format == "" && v.Maximum == nil && v.Minimum == nil && v.MultipleOf == nil &&
		v.MaxLength == nil && v.MinLength == nil && v.Pattern == "" && v.MaxItems == nil && v.MinItems == nil &&
		v.MaxProperties == nil && v.MinProperties == nil && len(v.AllOf)+len(v.AnyOf)+len(v.OneOf) == 0 && v.Not == nil
}

// certain reports whether a value fits for certain.
func (f *plainFit) certain(value any) bool {
	if !f.plain {
		return false
	}
	switch value := value.(type) {
	case nil:
		return f.nullable && len(f.values) == 0
	case string:
		return f.typ == "string" && (f.values == nil || slices.Contains(f.values, value))
	case float64:
		return f.number(value)
	case bool:
		return f.typ == "boolean"
	case []any:
		return f.list(value)
	case map[string]any:
		return f.object(value)
	}
	return false
}

func (f *plainFit) number(value float64) bool {
	return f.typ == "number" || (f.typ == "integer" && value == math.Trunc(value) && math.Abs(value) < 1<<53)
}

func (f *plainFit) list(value []any) bool {
	return f.typ == "array" && f.items != nil && !slices.ContainsFunc(value, func(item any) bool { return !f.items.certain(item) })
}

func (f *plainFit) object(value map[string]any) bool {
	if f.typ != "object" {
		return false
	}
	for _, name := range f.required {
		if _, there := value[name]; !there {
			return false
		}
	}
	for name, property := range value {
		if p := f.properties[name]; p == nil || !p.certain(property) {
			return false
		}
	}
	return true
}
