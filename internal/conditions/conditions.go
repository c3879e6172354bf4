// SPDX-License-Identifier: Apache-2.0

// Package conditions renders an object's diagnostics as the conditions of its
// status. Diagnostics go in, conditions come out; it knows no client and no
// clock, and does not judge.
package conditions

import (
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/diag"
)

// MaxMessage is the longest message of a condition, in bytes. An event's note
// may be as long.
const MaxMessage = 1024

// The messages of conditions that nothing is wrong with.
const (
	messageAccepted     = "The object compiles and owns its id."
	messageResolvedRefs = "Everything that the object names exists."
	messageReady        = "The object is in force."
)

// Apply sets the conditions and the observed generation that follow from an
// object's faults; no faults mean that all is well. Accepted, ResolvedRefs and
// Ready are always there afterwards, Stalled only if Accepted is False. A
// condition whose status does not change keeps its transition time, the others
// get now. Conditions of other types stay as they are.
//
// The first fault gives the reason. Warnings make nothing False; they stand in
// the message of Accepted, after the errors.
func Apply(status *v1alpha1.Status, faults diag.List, generation int64, now metav1.Time) {
	sorted := faults.Sorted()
	unaccepted, unresolved := sorted.Errors(diag.Accepted), sorted.Errors(diag.References)
	set := func(c metav1.Condition) {
		c.ObservedGeneration, c.LastTransitionTime = generation, now
		meta.SetStatusCondition(&status.Conditions, c)
	}

	status.ObservedGeneration = generation
	set(accepted(unaccepted, sorted.Warnings()))
	set(positive(v1alpha1.ConditionResolvedRefs, unresolved, v1alpha1.ReasonResolvedRefs, messageResolvedRefs))
	set(positive(v1alpha1.ConditionReady, slices.Concat(unaccepted, unresolved), v1alpha1.ReasonReady, messageReady))
	if len(unaccepted) == 0 {
		meta.RemoveStatusCondition(&status.Conditions, v1alpha1.ConditionStalled)
		return
	}
	set(stalled(unaccepted))
}

func accepted(errs, warnings diag.List) metav1.Condition {
	c := positive(v1alpha1.ConditionAccepted, errs, v1alpha1.ReasonAccepted, messageAccepted)
	switch {
	case len(warnings) == 0:
	case len(errs) == 0:
		c.Message += " Warning: " + warnings.Message(MaxMessage-len(c.Message)-len(" Warning: "))
	default:
		c.Message = slices.Concat(errs, warnings).Message(MaxMessage)
	}
	return c
}

// positive returns a condition that is True unless there are errors.
func positive(kind string, errs diag.List, reason, message string) metav1.Condition {
	if len(errs) == 0 {
		return metav1.Condition{Type: kind, Status: metav1.ConditionTrue, Reason: reason, Message: message}
	}
	return metav1.Condition{
		Type: kind, Status: metav1.ConditionFalse, Reason: errs[0].Reason, Message: errs.Message(MaxMessage),
	}
}

// stalled returns the condition that says that waiting is of no use.
func stalled(errs diag.List) metav1.Condition {
	return metav1.Condition{
		Type: v1alpha1.ConditionStalled, Status: metav1.ConditionTrue,
		Reason: errs[0].Reason, Message: errs.Message(MaxMessage),
	}
}
