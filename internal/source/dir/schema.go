// SPDX-License-Identifier: Apache-2.0

package dir

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	kyaml "sigs.k8s.io/yaml"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/config/crd"
)

// schema is what the CRD of a kind says about its objects. It is safe for
// concurrent use.
type schema struct {
	structural *structuralschema.Structural
	openAPI    validation.SchemaValidator
	rules      *cel.Validator
	// create returns an empty object of the Go type.
	create func() typedObject
}

type typedObject interface {
	metav1.Object
	runtime.Object
}

// schemas reads the embedded CRDs; the keys are the kinds. An error means that
// the program was built wrong.
func schemas() (map[string]*schema, error) {
	manifests, err := crd.Manifests()
	if err != nil {
		return nil, err
	}
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return nil, err
	}
	out := make(map[string]*schema, len(manifests))
	for name, text := range manifests {
		var def apiextensionsv1.CustomResourceDefinition
		if err := kyaml.UnmarshalStrict(text, &def); err != nil {
			return nil, fmt.Errorf("read the embedded CRD %s: %w", name, err)
		}
		kind := def.Spec.Names.Kind
		if out[kind], err = kindSchema(&def, scheme); err != nil {
			return nil, fmt.Errorf("read the schema of the embedded CRD %s: %w", name, err)
		}
	}
	return out, nil
}

func kindSchema(def *apiextensionsv1.CustomResourceDefinition, scheme *runtime.Scheme) (*schema, error) {
	gv := v1alpha1.GroupVersion
	i := slices.IndexFunc(def.Spec.Versions, func(v apiextensionsv1.CustomResourceDefinitionVersion) bool { return v.Name == gv.Version })
	if i < 0 {
		return nil, fmt.Errorf("there is no version %s", gv.Version)
	}
	s, err := newSchema(&def.Spec.Versions[i])
	if err != nil {
		return nil, err
	}
	model, err := scheme.New(gv.WithKind(def.Spec.Names.Kind))
	if err != nil {
		return nil, err
	}
	if _, ok := model.(typedObject); !ok {
		return nil, fmt.Errorf("%T has no metadata", model)
	}
	s.create = func() typedObject { return model.DeepCopyObject().(typedObject) }
	return s, nil
}

func newSchema(v *apiextensionsv1.CustomResourceDefinitionVersion) (*schema, error) {
	var props apiextensions.JSONSchemaProps
	err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(v.Schema.OpenAPIV3Schema, &props, nil)
	if err != nil {
		return nil, err
	}
	s := &schema{}
	if s.structural, err = structuralschema.NewStructural(&props); err != nil {
		return nil, err
	}
	if s.openAPI, _, err = validation.NewSchemaValidator(&props); err != nil {
		return nil, err
	}
	s.rules = cel.NewValidator(s.structural, true, celconfig.PerCallLimit)
	return s, nil
}

// prune takes the fields out of an object that the schema does not have, and
// returns their paths.
func (s *schema) prune(object map[string]any) []string {
	return pruning.PruneWithOptions(object, s.structural, true, structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
}

// complete sets the fields that have a default and are missing.
func (s *schema) complete(object map[string]any) {
	defaulting.PruneNonNullableNullsWithoutDefaults(object, s.structural)
	defaulting.Default(object, s.structural)
}

// validate checks an object as the API server does when it is created.
func (s *schema) validate(ctx context.Context, object map[string]any) field.ErrorList {
	errs := validation.ValidateCustomResource(nil, object, s.openAPI)
	errs = append(errs, objectmeta.Validate(ctx, nil, object, s.structural, false)...)
	errs = append(errs, listtype.ValidateListSetsAndMaps(nil, s.structural, object)...)
	if slices.ContainsFunc(errs, blocksRules) {
		return errs
	}
	broken, _ := s.rules.Validate(ctx, nil, s.structural, object, nil, celconfig.RuntimeCELCostBudget)
	return append(errs, broken...)
}

// blocksRules reports whether an error can make rules fail that are not to
// blame: they see a value of another type or size than they were written for.
func blocksRules(err *field.Error) bool {
	switch err.Type {
	case field.ErrorTypeNotSupported, field.ErrorTypeRequired, field.ErrorTypeTooLong, field.ErrorTypeTooMany, field.ErrorTypeTypeInvalid:
		return true
	default:
		return false
	}
}

// fields returns the names of the fields beside an unknown one, given the path
// of the object that holds it.
func (s *schema) fields(path string) []string {
	if path == "metadata" {
		return []string{"name", "namespace", "labels", "annotations"}
	}
	at := s.structural
	for _, step := range steps(path) {
		if at.Items != nil {
			at = at.Items
			continue
		}
		next, found := at.Properties[step]
		if !found {
			return nil
		}
		at = &next
	}
	return slices.Sorted(maps.Keys(at.Properties))
}

// nulls lists the fields and items of a spec without a value, in the order of
// their names. Where any JSON may stand, so may null.
func (s *schema) nulls(spec any) []string {
	at := s.structural.Properties["spec"]
	return nulls(spec, "spec", &at)
}

func nulls(value any, path string, s *structuralschema.Structural) []string {
	var out []string
	switch value := value.(type) {
	case nil:
		return []string{path}
	case []any:
		for i, item := range value {
			out = append(out, nulls(item, path+"["+strconv.Itoa(i)+"]", itemOf(s))...)
		}
	case map[string]any:
		if s != nil && s.XPreserveUnknownFields {
			return nil
		}
		for name, item := range value {
			out = append(out, nulls(item, join(path, name), property(s, name))...)
		}
		slices.Sort(out)
	}
	return out
}

// itemOf returns the schema of the items of a list, or nil.
func itemOf(s *structuralschema.Structural) *structuralschema.Structural {
	if s == nil {
		return nil
	}
	return s.Items
}

// property returns the schema of a field, or nil.
func property(s *structuralschema.Structural, name string) *structuralschema.Structural {
	if s == nil {
		return nil
	}
	if p, declared := s.Properties[name]; declared {
		return &p
	}
	return nil
}
