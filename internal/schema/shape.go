// SPDX-License-Identifier: Apache-2.0

package schema

import (
	"maps"
	"slices"
	"strconv"

	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/expr"
)

// shapeOf returns what a schema says of the types of values.
func shapeOf(s *structuralschema.Structural) *expr.Shape {
	shape := &expr.Shape{Kind: kinds[s.Type], Nullable: s.Nullable}
	if s.XIntOrString {
		shape.Kind = expr.AnyShape
	}
	if shape.Kind == expr.ListShape {
		shape.Items = &expr.Shape{}
		if s.Items != nil {
			shape.Items = shapeOf(s.Items)
		}
	}
	if shape.Kind == expr.ObjectShape {
		shape.Properties = make(map[string]*expr.Shape, len(s.Properties))
		for name, property := range s.Properties {
			shape.Properties[name] = shapeOf(&property)
		}
		switch others := s.AdditionalProperties; {
		case others != nil && others.Structural != nil:
			shape.Others = shapeOf(others.Structural)
		case s.XPreserveUnknownFields:
			shape.Others = &expr.Shape{}
		}
	}
	return shape
}

var kinds = map[string]expr.ShapeKind{
	"boolean": expr.TruthShape, "string": expr.TextShape, "number": expr.NumberShape, "integer": expr.NumberShape,
	"array": expr.ListShape, "object": expr.ObjectShape,
}

// unknown appends the properties of a value that its shape does not have.
func unknown(s *expr.Shape, value any, path string, found []authz.Misfit) []authz.Misfit {
	switch value := value.(type) {
	case map[string]any:
		if s.Kind != expr.ObjectShape {
			return found
		}
		for name, property := range value {
			next, known := s.Property(name)
			if !known {
				hint := expr.DidYouMean(name, slices.Sorted(maps.Keys(s.Properties)))
				found = append(found, authz.Misfit{Path: join(path, name), Problem: "is not in the schema" + hint})
				continue
			}
			found = unknown(next, property, join(path, name), found)
		}
	case []any:
		if s.Kind != expr.ListShape {
			return found
		}
		for i, item := range value {
			found = unknown(s.Items, item, path+"["+strconv.Itoa(i)+"]", found)
		}
	}
	return found
}
