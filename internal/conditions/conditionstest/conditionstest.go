// SPDX-License-Identifier: Apache-2.0

// Package conditionstest checks what holds for the conditions of every object
// that Rolecall has judged, whatever is wrong with the object. Tests end with
// it.
package conditionstest

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/conditions"
)

// reasons returns, for each condition and status, the reasons that it may have.
func reasons() map[string]map[metav1.ConditionStatus][]string {
	unaccepted := []string{
		v1alpha1.ReasonConflicted, v1alpha1.ReasonInvalidCondition, v1alpha1.ReasonInvalidSpec,
		v1alpha1.ReasonInvalidSchema, v1alpha1.ReasonInvalidInstance,
	}
	unresolved := []string{
		v1alpha1.ReasonRoleNotFound, v1alpha1.ReasonInheritedRoleNotFound, v1alpha1.ReasonInheritanceCycle, v1alpha1.ReasonMembershipCycle,
		v1alpha1.ReasonResourceNotFound, v1alpha1.ReasonActionNotFound, v1alpha1.ReasonPatternMatchesNothing,
		v1alpha1.ReasonDenyMatchesNothing, v1alpha1.ReasonRouteConflict, v1alpha1.ReasonConditionMismatch,
	}
	type verdicts = map[metav1.ConditionStatus][]string
	return map[string]verdicts{
		v1alpha1.ConditionAccepted: {
			metav1.ConditionTrue: {v1alpha1.ReasonAccepted}, metav1.ConditionFalse: unaccepted,
		},
		v1alpha1.ConditionResolvedRefs: {
			metav1.ConditionTrue: {v1alpha1.ReasonResolvedRefs}, metav1.ConditionFalse: unresolved,
		},
		v1alpha1.ConditionReady: {
			metav1.ConditionTrue: {v1alpha1.ReasonReady}, metav1.ConditionFalse: slices.Concat(unaccepted, unresolved),
		},
		v1alpha1.ConditionStalled: {metav1.ConditionTrue: unaccepted},
	}
}

// Violations returns a sentence for each rule that a status breaks, given the
// object's generation; none if all is in order.
func Violations(generation int64, status v1alpha1.Status) []string {
	var found []string
	if status.ObservedGeneration != generation {
		found = append(found, fmt.Sprintf("observedGeneration is %d, metadata.generation is %d", status.ObservedGeneration, generation))
	}
	for _, c := range status.Conditions {
		found = append(found, condition(generation, c)...)
	}
	return append(found, together(status.Conditions)...)
}

// condition checks one condition by itself.
func condition(generation int64, c metav1.Condition) []string {
	var found []string
	broken := func(format string, args ...any) {
		found = append(found, c.Type+": "+fmt.Sprintf(format, args...))
	}
	if c.ObservedGeneration != generation {
		broken("observedGeneration is %d, metadata.generation is %d", c.ObservedGeneration, generation)
	}
	if !slices.Contains(reasons()[c.Type][c.Status], c.Reason) {
		broken("is %s with reason %s, which is not in its closed set", c.Status, c.Reason)
	}
	if n := len(c.Message); n == 0 || n > conditions.MaxMessage {
		broken("the message has %d bytes, want 1 to %d", n, conditions.MaxMessage)
	}
	if c.LastTransitionTime.IsZero() {
		broken("has no transition time")
	}
	return found
}

// together checks what the conditions say of one another.
func together(all []metav1.Condition) []string {
	var found []string
	for _, kind := range []string{v1alpha1.ConditionAccepted, v1alpha1.ConditionResolvedRefs, v1alpha1.ConditionReady} {
		if meta.FindStatusCondition(all, kind) == nil {
			found = append(found, kind+" is missing")
		}
	}
	accepted := meta.IsStatusConditionTrue(all, v1alpha1.ConditionAccepted)
	resolved := meta.IsStatusConditionTrue(all, v1alpha1.ConditionResolvedRefs)
	if meta.IsStatusConditionTrue(all, v1alpha1.ConditionReady) != (accepted && resolved) {
		found = append(found, "Ready is not the same as Accepted and ResolvedRefs")
	}
	if (meta.FindStatusCondition(all, v1alpha1.ConditionStalled) != nil) == accepted {
		found = append(found, "Stalled is there if and only if Accepted is not False")
	}
	return found
}
