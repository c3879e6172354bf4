// SPDX-License-Identifier: Apache-2.0

package authzen

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// maxDepth is how deep objects and arrays of a body may nest: far more than
// anyone asks for, far less than what would make a walk over it expensive.
const maxDepth = 64

// nestsTooDeep reports whether a text nests deeper than maxDepth. It need not be
// JSON: what it says of other text does not matter.
func nestsTooDeep(text []byte) bool {
	depth := 0
	inString := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			inString = !inString
		case inString && c == '\\':
			i++
		case inString:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		}
		if depth > maxDepth {
			return true
		}
	}
	return false
}

// explain says in one sentence why a body could not be decoded, with the path of
// the member if that is known.
func explain(err error) string {
	if e, ok := errors.AsType[*json.SemanticError](err); ok {
		return at(e.JSONPointer) + wanted(e)
	}
	e, ok := errors.AsType[*jsontext.SyntacticError](err)
	if !ok {
		return "the body is not JSON: " + err.Error()
	}
	if errors.Is(e, jsontext.ErrDuplicateName) {
		return at(e.JSONPointer) + "is there twice; member names must be unique"
	}
	return fmt.Sprintf("the body is not JSON: byte %d: %v", e.ByteOffset, e.Err)
}

// wanted says what a value should have been.
func wanted(e *json.SemanticError) string {
	if e.GoType == nil {
		return "is not usable here"
	}
	switch e.GoType.Kind() {
	case reflect.String:
		return "must be a string"
	case reflect.Bool:
		return "must be true or false"
	case reflect.Slice:
		return "must be an array"
	case reflect.Struct, reflect.Map, reflect.Pointer:
		return "must be an object"
	default:
		return fmt.Sprintf("%s is not a number that a double can hold", e.JSONValue)
	}
}

// at renders a JSON pointer as the path of a field, such as evaluations[1].subject,
// with what joins it to a problem.
func at(p jsontext.Pointer) string {
	if p == "" {
		return "the body "
	}
	var b strings.Builder
	for token := range p.Tokens() {
		switch {
		case strings.Trim(token, "0123456789") == "":
			b.WriteString("[" + token + "]")
		case b.Len() > 0:
			b.WriteString("." + token)
		default:
			b.WriteString(token)
		}
	}
	return b.String() + ": "
}
