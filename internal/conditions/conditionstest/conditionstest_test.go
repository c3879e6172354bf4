// SPDX-License-Identifier: Apache-2.0

package conditionstest_test

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/conditions"
	"github.com/rolecall/rolecall/internal/conditions/conditionstest"
)

// TestViolations breaks a good status in one place each.
func TestViolations(t *testing.T) {
	tests := map[string]struct {
		spoil func(*v1alpha1.Status)
		want  string
	}{
		"nothing":                       {spoil: func(*v1alpha1.Status) {}},
		"an old generation":             {spoil: func(s *v1alpha1.Status) { s.ObservedGeneration-- }, want: "observedGeneration"},
		"a condition's old generation":  {spoil: func(s *v1alpha1.Status) { s.Conditions[1].ObservedGeneration-- }, want: "ResolvedRefs: observedGeneration"},
		"a reason of another condition": {spoil: func(s *v1alpha1.Status) { s.Conditions[0].Reason = v1alpha1.ReasonReady }, want: "closed set"},
		"a message that is too long":    {spoil: func(s *v1alpha1.Status) { s.Conditions[0].Message = strings.Repeat("x", 1025) }, want: "1025 bytes"},
		"a message that is empty":       {spoil: func(s *v1alpha1.Status) { s.Conditions[0].Message = "" }, want: "0 bytes"},
		"no transition time":            {spoil: func(s *v1alpha1.Status) { s.Conditions[2].LastTransitionTime = metav1.Time{} }, want: "transition time"},
		"a condition that is missing":   {spoil: func(s *v1alpha1.Status) { s.Conditions = s.Conditions[:2] }, want: "Ready is missing"},
		"a summary that says otherwise": {spoil: func(s *v1alpha1.Status) { s.Conditions[2].Status = metav1.ConditionFalse }, want: "Ready is not the same"},
		"stalled although it is fine":   {spoil: func(s *v1alpha1.Status) { s.Conditions = append(s.Conditions, stalled()) }, want: "Stalled is there"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var s v1alpha1.Status
			conditions.Apply(&s, nil, 2, metav1.NewTime(time.Unix(1, 0)))
			tt.spoil(&s)
			got := strings.Join(conditionstest.Violations(2, s), "; ")
			if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
				t.Errorf("violations = %q, want one with %q", got, tt.want)
			}
		})
	}
}

func stalled() metav1.Condition {
	return metav1.Condition{
		Type: v1alpha1.ConditionStalled, Status: metav1.ConditionTrue, ObservedGeneration: 2,
		Reason: v1alpha1.ReasonInvalidSpec, Message: "spec.scope: no good", LastTransitionTime: metav1.NewTime(time.Unix(1, 0)),
	}
}
