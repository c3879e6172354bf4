// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/diag"
	"github.com/rolecall/rolecall/internal/expr"
	"github.com/rolecall/rolecall/internal/policy"
	"github.com/rolecall/rolecall/internal/schema"
)

// knownInstances returns what is stored of each instance that can be one. Of
// those that have one id the first counts.
func (f *faults) knownInstances(instances []v1alpha1.ResourceInstance) map[string]map[string]any {
	const path = "spec.instances"
	f.list(path, instances == nil, len(instances), maxInstances)
	known := make(map[string]map[string]any, len(instances))
	for i := range instances {
		in := &instances[i]
		if !f.instanceID(path, i, in.ID) {
			continue
		}
		if _, repeated := known[in.ID]; repeated {
			f.repeated(index(path, i), "the instance "+quote(in.ID))
			continue
		}
		known[in.ID] = f.properties(path, i, in.Properties)
	}
	return known
}

// instanceID checks an id. Nearly all are ids, and there may be thousands: no path
// is written for them.
func (f *faults) instanceID(path string, i int, id string) bool {
	switch {
	case id == "":
		f.invalid(index(path, i)+".id", "the id is empty: write the id of the instance")
	case strings.Contains(id, authz.Wildcard):
		f.invalid(index(path, i)+".id", "%s is no pattern: write the whole id of the instance", quote(id))
	case len(id) > maxSubjectID && utf8.RuneCountInString(id) > maxSubjectID:
		f.invalid(index(path, i)+".id", "%s is longer than %d characters: write the id of the instance", quote(id), maxSubjectID)
	default:
		return true
	}
	return false
}

// properties reads the stored properties of an instance: none, if nobody can say
// which.
func (f *faults) properties(path string, i int, given *runtime.RawExtension) map[string]any {
	if given == nil {
		return nil
	}
	properties, ok := jsonObject(given)
	if !ok {
		f.invalid(index(path, i)+".properties", "the stored properties are no object: write names with values")
		return nil
	}
	if n := len(properties); n > maxProperties {
		f.invalid(index(path, i)+".properties", "there are %d stored properties, at most %d are allowed: store fewer, or put some into an object",
			n, maxProperties)
	}
	return properties
}

func jsonObject(given *runtime.RawExtension) (map[string]any, bool) {
	var object map[string]any
	err := json.Unmarshal(given.Raw, &object)
	return object, err == nil && object != nil
}

// schema reads the schema: none, if it is none.
func (f *faults) schema(given *runtime.RawExtension) *schema.Schema {
	const path = "spec.schema"
	if given == nil {
		return nil
	}
	if keywords, ok := jsonObject(given); !ok || len(keywords) == 0 {
		f.invalid(path, "the schema says nothing: write a JSON Schema such as {type: object, properties: ...}, or leave schema out")
		return nil
	}
	s, wrong := schema.Parse(given.Raw)
	for _, fault := range wrong {
		at := path
		if fault.Path != "" {
			at += "." + fault.Path
		}
		f.add(diag.Diagnostic{
			Severity: diag.Error, Aspect: diag.Accepted, Reason: v1alpha1.ReasonInvalidSchema,
			Path: at, Message: fault.Message + "; until then the type has no schema",
		})
	}
	return s
}

// typeSchema is a policy.Schema.
type typeSchema struct {
	*schema.Schema
	fitter *expr.Fitter
}

// Fitter checks conditions.
func (s typeSchema) Fitter() *expr.Fitter { return s.fitter }

// validation reads what becomes of requests that do not fit the schema: a warning,
// if nobody can say what.
func (f *faults) validation(spec *v1alpha1.ResourceSpec) policy.Validation {
	const path = "spec.propertyValidation"
	if spec.PropertyValidation != "" && spec.Schema == nil {
		f.invalid(path, "there is no schema to validate against: write spec.schema, or remove propertyValidation")
	}
	switch spec.PropertyValidation {
	case v1alpha1.PropertyValidationIgnore:
		return policy.IgnoreMisfits
	case v1alpha1.PropertyValidationStrict:
		return policy.RefuseMisfits
	case "", v1alpha1.PropertyValidationWarn:
	default:
		f.invalid(path, "%s is no way to validate properties: write Ignore, Warn or Strict", quote(string(spec.PropertyValidation)))
	}
	return policy.WarnOfMisfits
}

// maxMisfits is how many faults of one instance are told.
const maxMisfits = 5

// misfits reports what is stored and does not fit the schema.
func (f *faults) misfits(instances []v1alpha1.ResourceInstance, stored map[string]map[string]any, s *schema.Schema) {
	for i := range instances {
		properties := stored[instances[i].ID]
		if len(properties) == 0 {
			continue
		}
		misfits := s.PartMisfits(properties)
		for _, m := range misfits[:min(len(misfits), maxMisfits)] {
			f.add(diag.Diagnostic{
				Severity: diag.Error, Aspect: diag.Accepted, Reason: v1alpha1.ReasonInvalidInstance,
				Path:    strings.TrimSuffix(index("spec.instances", i)+".properties."+m.Path, "."),
				Message: fmt.Sprintf("what is stored of %s does not fit spec.schema: it %s", quote(instances[i].ID), m.Problem),
			})
		}
	}
}
