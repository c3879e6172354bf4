// SPDX-License-Identifier: Apache-2.0

package schema

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"

	"github.com/rolecall/rolecall/internal/expr"
)

// The bounds of a schema, which keep what reading one and judging by it costs in
// check. No schema that a person has written comes near.
const (
	maxDepth   = 16
	maxSchemas = 1000
)

// below says what stands below a keyword.
type below uint8

const (
	plain  below = iota // a value
	one                 // a schema
	either              // a schema, or true or false
	list                // a list of schemas
	named               // schemas by name
)

// keywords are those that a schema may have.
var keywords = map[string]below{
	"title": plain, "description": plain, "example": plain,
	"type": plain, "format": plain, "nullable": plain, "enum": plain,
	"properties": named, "required": plain, "additionalProperties": either,
	"minProperties": plain, "maxProperties": plain,
	"items": one, "minItems": plain, "maxItems": plain,
	"minLength": plain, "maxLength": plain, "pattern": plain,
	"minimum": plain, "maximum": plain, "exclusiveMinimum": plain, "exclusiveMaximum": plain, "multipleOf": plain,
	"allOf": list, "anyOf": list, "oneOf": list, "not": one,
	"x-kubernetes-preserve-unknown-fields": plain, "x-kubernetes-int-or-string": plain,
}

// refused are keywords that there are and that a schema may not have, and what to
// write instead.
var refused = map[string]string{
	"default":                  "nothing sets defaults: store properties with spec.instances, or let conditions ask has()",
	"$ref":                     "write the schema out in its place",
	"$schema":                  "remove it: the language is that of CustomResourceDefinitions",
	"uniqueItems":              "remove it: it takes too long to find out",
	"const":                    "write enum with one value",
	"patternProperties":        "write additionalProperties",
	"x-kubernetes-validations": "write a condition where a permission depends on it",
}

// walker goes through a schema before anybody else does.
type walker struct {
	schemas int
	faults  []Fault
}

func (w *walker) fault(path, format string, args ...any) {
	w.faults = append(w.faults, Fault{Path: path, Message: fmt.Sprintf(format, args...)})
}

// schema checks the keywords of a schema, and those of the schemas in it.
func (w *walker) schema(path string, value any, depth int) {
	object, ok := value.(map[string]any)
	if !ok {
		w.fault(path, "this is no schema: write an object such as {type: string}")
		return
	}
	if w.schemas++; w.schemas == maxSchemas+1 {
		w.fault(path, "there are more than %d schemas in this one: let some objects be open, with x-kubernetes-preserve-unknown-fields: true", maxSchemas)
	}
	if depth > maxDepth {
		w.fault(path, "the schema is more than %d deep: let this object be open, with x-kubernetes-preserve-unknown-fields: true", maxDepth)
	}
	if w.schemas > maxSchemas || depth > maxDepth {
		return
	}
	for _, keyword := range slices.Sorted(maps.Keys(object)) {
		w.keyword(object, path, keyword, depth)
	}
}

func (w *walker) keyword(object map[string]any, path, keyword string, depth int) {
	at, value := join(path, keyword), object[keyword]
	kind, known := keywords[keyword]
	switch {
	case !known:
		w.unknown(at, keyword)
	case value == nil:
		w.fault(at, "the keyword has no value: give it one, or remove it")
	case kind == one:
		w.schema(at, value, depth+1)
	case kind == either:
		w.either(object, at, keyword, depth)
	case kind == list:
		w.list(at, value, depth)
	case kind == named:
		w.named(at, value, depth)
	case keyword == "pattern":
		w.pattern(at, value)
	case keyword == "type":
		w.typ(at, value)
	}
}

func (w *walker) unknown(at, keyword string) {
	if instead, there := refused[keyword]; there {
		w.fault(at, "the keyword %s cannot be used here: %s", keyword, instead)
		return
	}
	w.fault(at, "there is no keyword %q%s: correct it, or remove it", keyword, expr.DidYouMean(keyword, slices.Sorted(maps.Keys(keywords))))
}

// either is additionalProperties. What is not allowed is unknown anyway, so false is
// nothing to say, and true is what API servers spell otherwise.
func (w *walker) either(object map[string]any, at, keyword string, depth int) {
	switch value := object[keyword].(type) {
	case bool:
		delete(object, keyword)
		if value {
			object["x-kubernetes-preserve-unknown-fields"] = true
		}
	default:
		w.schema(at, value, depth+1)
	}
}

func (w *walker) list(at string, value any, depth int) {
	items, ok := value.([]any)
	if !ok || len(items) == 0 {
		w.fault(at, "the keyword needs a list of schemas")
	}
	for i, item := range items {
		w.schema(at+"["+strconv.Itoa(i)+"]", item, depth+1)
	}
}

func (w *walker) named(at string, value any, depth int) {
	byName, ok := value.(map[string]any)
	if !ok {
		w.fault(at, "the keyword needs schemas by name")
	}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		w.schema(join(at, name), byName[name], depth+1)
	}
}

// typeNames are the types of values, for messages.
const typeNames = "one of object, array, string, number, integer, boolean"

func (w *walker) typ(at string, value any) {
	name, ok := value.(string)
	if _, there := kinds[name]; !ok || !there {
		w.fault(at, "%v is no type: write %s; a value that may also be null is nullable: true", value, typeNames)
	}
}

func (w *walker) pattern(at string, value any) {
	text, ok := value.(string)
	if !ok {
		w.fault(at, "a pattern is a text: put it in quotes")
		return
	}
	if _, err := regexp.Compile(text); err != nil {
		w.fault(at, "the pattern is no regular expression (RE2): %v", err)
	}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
