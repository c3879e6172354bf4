// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/compile"
	"github.com/rolecall/rolecall/internal/diag"
	"github.com/rolecall/rolecall/internal/testkit/crdcases"
)

// TestTheCompilerRefusesWhatTheSchemaRefuses puts the objects of the CRDs' cases
// past the schema: what was stored before the schema knew better gets a fault
// all the same, and what the schema accepts has none.
func TestTheCompilerRefusesWhatTheSchemaRefuses(t *testing.T) {
	cases, err := crdcases.Load()
	if err != nil {
		t.Fatal(err)
	}
	c := newCompiler(t)
	for _, tt := range cases {
		o := typed(t, tt)
		if tt.Before != nil || o == nil {
			continue // what was before cannot be seen, and neither can a value of another type
		}
		faults := invalidSpec(c.Diagnose([]compile.Object{o})[0])
		switch seen := visible(tt.Refused); {
		case len(tt.Refused) == 0 && len(faults) > 0:
			t.Errorf("%s: %s: want no fault, got %s", tt.Kind(), tt.Name, faults.Message(500))
		case seen != "" && !reports(faults, seen):
			t.Errorf("%s: %s: want InvalidSpec at %s, got %v", tt.Kind(), tt.Name, seen, faults)
		}
	}
}

// invalidSpec leaves out the faults of conditions, which a schema cannot see.
func invalidSpec(faults diag.List) diag.List {
	return slices.DeleteFunc(faults.Errors(diag.Accepted), func(d diag.Diagnostic) bool { return d.Reason != v1alpha1.ReasonInvalidSpec })
}

// visible returns the field of the first refusal that a typed object can show:
// unknown fields are not in it, and an optional text that is empty is not there.
func visible(refused []crdcases.Refusal) string {
	for _, r := range refused {
		optional := strings.HasSuffix(r.Field, ".description") || strings.HasSuffix(r.Field, ".condition") ||
			strings.HasSuffix(r.Field, ".effect") || strings.HasSuffix(r.Field, ".host") || strings.HasSuffix(r.Field, ".scoping") || r.Field == "spec.id" || r.Field == "spec.type"
		switch {
		case strings.Contains(r.Message, "unknown field"), r.Field == "spec", strings.HasPrefix(r.Field, "status"):
		case optional && strings.Contains(r.Message, "at least 1 chars"):
			return ""
		default:
			return r.Field
		}
	}
	return ""
}

// reports allows for a fault at what holds the field, and at what it lacks.
func reports(faults diag.List, field string) bool {
	for _, f := range faults {
		if strings.HasPrefix(f.Path, field) || strings.HasPrefix(field, f.Path) {
			return true
		}
	}
	return false
}

func typed(t *testing.T, tt crdcases.Case) compile.Object {
	t.Helper()
	text, err := tt.Object.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	var o compile.Object
	switch tt.Kind() {
	case "Resource":
		o = &v1alpha1.Resource{}
	case "Role":
		o = &v1alpha1.Role{}
	case "RoleBinding":
		o = &v1alpha1.RoleBinding{}
	case "Group":
		o = &v1alpha1.Group{}
	default:
		t.Fatalf("%s: the kind %s has no row here", tt.Name, tt.Kind())
	}
	if json.Unmarshal(text, o) != nil {
		return nil
	}
	return o
}
