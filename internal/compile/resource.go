// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"encoding/json"
	"strings"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/authz"
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

// schema checks the schema, and what becomes of what does not fit it.
func (f *faults) schema(spec *v1alpha1.ResourceSpec) {
	if spec.Schema != nil {
		if keywords, ok := jsonObject(spec.Schema); !ok || len(keywords) == 0 {
			f.invalid("spec.schema", "the schema says nothing: write a JSON Schema such as {type: object, properties: ...}, or leave schema out")
		}
	}
	const path = "spec.propertyValidation"
	switch spec.PropertyValidation {
	case "":
		return
	case v1alpha1.PropertyValidationIgnore, v1alpha1.PropertyValidationWarn, v1alpha1.PropertyValidationStrict:
	default:
		f.invalid(path, "%s is no way to validate properties: write Ignore, Warn or Strict", quote(string(spec.PropertyValidation)))
	}
	if spec.Schema == nil {
		f.invalid(path, "there is no schema to validate against: write spec.schema, or remove propertyValidation")
	}
}
