// SPDX-License-Identifier: Apache-2.0

package schema

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/expr"
)

// Schema is what the properties of a type's resources may be. It is immutable and
// safe for concurrent use.
type Schema struct {
	shape *expr.Shape
	// plain is a short cut to what fits the whole.
	plain *plainFit
	// whole judges all properties of a resource, and part some of them.
	whole, part validation.SchemaValidator
}

// Fault is what is wrong with a schema.
type Fault struct {
	// Path is where, below the schema: properties.owner.type.
	Path string
	// Message says what is wrong and what to do.
	Message string
}

// Parse reads a schema. If it has faults there is none. It never panics.
func Parse(text []byte) (s *Schema, faults []Fault) {
	defer func() {
		if r := recover(); r != nil {
			s, faults = nil, []Fault{{Message: fmt.Sprintf("the schema cannot be read: %v", r)}}
		}
	}()
	var root any
	if err := json.Unmarshal(text, &root); err != nil {
		return nil, []Fault{{Message: fmt.Sprintf("the schema is no JSON: %v", err)}}
	}
	w := &walker{}
	w.schema("", root, 0)
	if len(w.faults) > 0 {
		return nil, w.faults
	}
	props, err := decode(root)
	if err != nil {
		return nil, []Fault{misread(err)}
	}
	structural, err := structuralschema.NewStructural(props)
	if err != nil {
		return nil, []Fault{{Message: err.Error()}}
	}
	if faults := faultsOf(structuralschema.ValidateStructural(nil, structural)); len(faults) > 0 {
		return nil, faults
	}
	s = &Schema{shape: shapeOf(structural), plain: plainFitOf(structural)}
	if s.whole, _, err = validation.NewSchemaValidator(props); err == nil {
		s.part, _, err = validation.NewSchemaValidator(partOf(props))
	}
	if err != nil {
		return nil, []Fault{{Message: err.Error()}}
	}
	return s, nil
}

// decode reads the keywords of a schema that the walker has let pass.
func decode(root any) (*apiextensions.JSONSchemaProps, error) {
	text, err := json.Marshal(root)
	if err != nil {
		return nil, err
	}
	var v1 apiextensionsv1.JSONSchemaProps
	if err := json.Unmarshal(text, &v1); err != nil {
		return nil, err
	}
	var props apiextensions.JSONSchemaProps
	return &props, apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(&v1, &props, nil)
}

func misread(err error) Fault {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && wrong.Field != "" {
		keyword := wrong.Field[strings.LastIndexByte(wrong.Field, '.')+1:]
		return Fault{Message: fmt.Sprintf("the keyword %s cannot be a JSON %s: correct it", keyword, wrong.Value)}
	}
	return Fault{Message: err.Error()}
}

// bracketed finds a name that a field path has in brackets.
var bracketed = regexp.MustCompile(`\[([^]0-9][^]]*)\]`)

// faultsOf renders what an API server says of a schema.
func faultsOf(errs field.ErrorList) []Fault {
	var faults []Fault
	for _, err := range errs {
		message := strings.Join(strings.Fields(err.ErrorBody()), " ") + ": a schema is structural, as those of CustomResourceDefinitions are"
		if err.Type == field.ErrorTypeRequired && strings.HasSuffix(err.Field, "type") {
			message = "the type is missing: write type: and " + typeNames
		}
		faults = append(faults, Fault{Path: bracketed.ReplaceAllString(err.Field, ".$1"), Message: message})
	}
	slices.SortFunc(faults, func(a, b Fault) int { return strings.Compare(a.Path, b.Path) })
	return faults
}

// partOf returns the schema of a resource of which not all properties are at hand.
func partOf(props *apiextensions.JSONSchemaProps) *apiextensions.JSONSchemaProps {
	part := *props
	part.Required, part.MinProperties = nil, nil
	part.AllOf, part.AnyOf, part.OneOf, part.Not = nil, nil, nil, nil
	return &part
}

// Shape returns what the schema says of the types of properties.
func (s *Schema) Shape() *expr.Shape { return s.shape }

// Misfits returns what does not fit in all properties of a resource, sorted by
// path. It says nothing of their values.
func (s *Schema) Misfits(properties map[string]any) []authz.Misfit {
	if s.plain.certain(properties) {
		return nil
	}
	return s.misfits(s.whole, properties)
}

// PartMisfits is Misfits for some of the properties: the others may be what is
// missing.
func (s *Schema) PartMisfits(properties map[string]any) []authz.Misfit {
	return s.misfits(s.part, properties)
}

func (s *Schema) misfits(v validation.SchemaValidator, properties map[string]any) []authz.Misfit {
	if properties == nil {
		properties = map[string]any{}
	}
	found := unknown(s.shape, properties, "", nil)
	for _, err := range validation.ValidateCustomResource(nil, properties, v) {
		if err.Field != noField {
			found = append(found, authz.Misfit{Path: err.Field, Problem: problem(err)})
		} else if !strings.HasPrefix(err.Detail, "Checked value ") { // which repeats another
			found = append(found, authz.Misfit{Problem: problem(err)})
		}
	}
	for i := range found {
		found[i].Property = owner(properties, found[i].Path)
	}
	slices.SortStableFunc(found, func(a, b authz.Misfit) int { return strings.Compare(a.Path, b.Path) })
	return slices.Compact(found)
}

// noField is how a field path spells that it is empty.
const noField = "<nil>"

// problem says what is wrong without the value, which may be nobody's business.
func problem(err *field.Error) string {
	detail := err.Detail
	if _, said, found := strings.Cut(detail, " in body "); found {
		detail = said
	}
	if strings.HasPrefix(detail, "must be of type ") {
		detail, _, _ = strings.Cut(detail, ":")
	}
	switch {
	case err.Type == field.ErrorTypeRequired:
		return "is required"
	case err.Type == field.ErrorTypeNotSupported:
		return "must be one of the " + detail
	case detail == "":
		return "does not fit the schema"
	}
	return detail
}

// owner returns the property at the top that a path is in, if there is one.
func owner(properties map[string]any, path string) string {
	if _, there := properties[path]; there {
		return path
	}
	longest := ""
	for name := range properties {
		rest, below := strings.CutPrefix(path, name)
		if below && rest != "" && (rest[0] == '.' || rest[0] == '[') && len(name) > len(longest) {
			longest = name
		}
	}
	return longest
}
