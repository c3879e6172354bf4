// SPDX-License-Identifier: Apache-2.0

package conditions_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/conditions"
	"github.com/rolecall/rolecall/internal/conditions/conditionstest"
	"github.com/rolecall/rolecall/internal/diag"
)

const generation = 3

var start = metav1.NewTime(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))

func fault(aspect diag.Aspect, reason, path string) diag.Diagnostic {
	return diag.Diagnostic{Severity: diag.Error, Aspect: aspect, Reason: reason, Path: path, Message: "no good"}
}

func warning() diag.Diagnostic {
	return diag.Diagnostic{
		Severity: diag.Warning, Aspect: diag.References, Reason: v1alpha1.WarningUndeclaredSubjectType,
		Path: "spec.subjects[0].type", Message: "unheard of",
	}
}

// summary is what the tests compare of a condition.
func summary(s v1alpha1.Status) []string {
	var lines []string
	for _, c := range s.Conditions {
		lines = append(lines, c.Type+"="+string(c.Status)+" "+c.Reason+": "+c.Message)
	}
	return lines
}

func TestApply(t *testing.T) {
	const (
		fine     = "The object compiles and owns its id."
		resolved = "ResolvedRefs=True ResolvedRefs: Everything that the object names exists."
	)
	tests := map[string]struct {
		faults diag.List
		want   []string
	}{
		"without faults all is well": {
			want: []string{"Accepted=True Accepted: " + fine, resolved, "Ready=True Ready: The object is in force."},
		},
		"an object that is not accepted is stalled": {
			faults: diag.List{fault(diag.Accepted, v1alpha1.ReasonInvalidCondition, "spec.condition")},
			want: []string{
				"Accepted=False InvalidCondition: spec.condition: no good", resolved,
				"Ready=False InvalidCondition: spec.condition: no good",
				"Stalled=True InvalidCondition: spec.condition: no good",
			},
		},
		"a dangling reference is progress, not a failure": {
			faults: diag.List{fault(diag.References, v1alpha1.ReasonRoleNotFound, "spec.roles[0]")},
			want: []string{
				"Accepted=True Accepted: " + fine,
				"ResolvedRefs=False RoleNotFound: spec.roles[0]: no good",
				"Ready=False RoleNotFound: spec.roles[0]: no good",
			},
		},
		"what is not accepted comes first in the summary": {
			faults: diag.List{
				fault(diag.References, v1alpha1.ReasonRoleNotFound, "spec.roles[0]"),
				fault(diag.Accepted, v1alpha1.ReasonInvalidSpec, "spec.scope"),
			},
			want: []string{
				"Accepted=False InvalidSpec: spec.scope: no good",
				"ResolvedRefs=False RoleNotFound: spec.roles[0]: no good",
				"Ready=False InvalidSpec: spec.scope: no good; spec.roles[0]: no good",
				"Stalled=True InvalidSpec: spec.scope: no good",
			},
		},
		"a warning makes nothing False": {
			faults: diag.List{warning()},
			want: []string{
				"Accepted=True Accepted: " + fine + " Warning: spec.subjects[0].type: unheard of",
				resolved, "Ready=True Ready: The object is in force.",
			},
		},
		"a warning stands behind the errors": {
			faults: diag.List{warning(), fault(diag.Accepted, v1alpha1.ReasonInvalidSpec, "spec.scope")},
			want: []string{
				"Accepted=False InvalidSpec: spec.scope: no good; spec.subjects[0].type: unheard of", resolved,
				"Ready=False InvalidSpec: spec.scope: no good",
				"Stalled=True InvalidSpec: spec.scope: no good",
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var s v1alpha1.Status
			conditions.Apply(&s, tt.faults, generation, start)
			if diff := cmp.Diff(tt.want, summary(s)); diff != "" {
				t.Errorf("conditions (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string(nil), conditionstest.Violations(generation, s)); diff != "" {
				t.Errorf("broken rules (-want +got):\n%s", diff)
			}
		})
	}
}

func TestApplyCapsMessages(t *testing.T) {
	var many diag.List
	for range 100 {
		many = append(many,
			fault(diag.Accepted, v1alpha1.ReasonInvalidSpec, "spec."+strings.Repeat("é", len(many)+10)),
			fault(diag.References, v1alpha1.ReasonRoleNotFound, "spec."+strings.Repeat("x", len(many)+10)))
	}
	warnings := diag.List{warning(), warning()}
	warnings[0].Message, warnings[1].Message = strings.Repeat("a", 2000), strings.Repeat("b", 2000)

	for name, faults := range map[string]diag.List{"errors": many, "warnings": warnings} {
		t.Run(name, func(t *testing.T) {
			var s v1alpha1.Status
			conditions.Apply(&s, faults, generation, start)
			if diff := cmp.Diff([]string(nil), conditionstest.Violations(generation, s)); diff != "" {
				t.Errorf("broken rules (-want +got):\n%s", diff)
			}
		})
	}
}

func TestApplyAgain(t *testing.T) {
	later := metav1.NewTime(start.Add(time.Hour))
	unresolved := diag.List{fault(diag.References, v1alpha1.ReasonRoleNotFound, "spec.roles[0]")}
	unaccepted := diag.List{fault(diag.Accepted, v1alpha1.ReasonInvalidSpec, "spec.scope")}
	tests := map[string]struct {
		before, after diag.List
		moved         []string
	}{
		"nothing moves if nothing changes":  {},
		"a new reference moves two":         {before: unresolved, moved: []string{"ResolvedRefs", "Ready"}},
		"a mended object is not stalled":    {before: unaccepted, moved: []string{"Accepted", "Ready"}},
		"an object that breaks is stalled":  {after: unaccepted, moved: []string{"Accepted", "Ready", "Stalled"}},
		"another reason does not move time": {before: unresolved, after: append(unresolved, warning())},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var s v1alpha1.Status
			conditions.Apply(&s, tt.before, generation, start)
			conditions.Apply(&s, tt.after, generation+1, later)
			var moved []string
			for _, c := range s.Conditions {
				if c.LastTransitionTime.Equal(&later) {
					moved = append(moved, c.Type)
				}
			}
			if diff := cmp.Diff(tt.moved, moved, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("conditions with a new transition time (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string(nil), conditionstest.Violations(generation+1, s)); diff != "" {
				t.Errorf("broken rules (-want +got):\n%s", diff)
			}
		})
	}
}

// TestApplyIsRepeatable: an equal status is how the controllers know that there
// is nothing to write.
func TestApplyIsRepeatable(t *testing.T) {
	faults := diag.List{warning(), fault(diag.Accepted, v1alpha1.ReasonInvalidSpec, "spec.scope")}
	other := metav1.Condition{Type: "Audited", Status: metav1.ConditionTrue, Reason: "ByHand", LastTransitionTime: start}
	s := v1alpha1.Status{Conditions: []metav1.Condition{other}}
	conditions.Apply(&s, faults, generation, start)
	first := s.DeepCopy()
	conditions.Apply(&s, faults, generation, metav1.NewTime(start.Add(time.Hour)))
	if diff := cmp.Diff(*first, s); diff != "" {
		t.Errorf("status after the second time (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(other, s.Conditions[0]); diff != "" {
		t.Errorf("another one's condition (-want +got):\n%s", diff)
	}
}
