// SPDX-License-Identifier: Apache-2.0

package testkit

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/diag"
)

// Conditions is what is expected in the status of one object. The zero value is
// an object without faults.
type Conditions struct {
	// Accepted is the reason of that condition if it is False.
	Accepted string `json:"accepted,omitempty"`
	// ResolvedRefs is the reason of that condition if it is False.
	ResolvedRefs string `json:"resolvedRefs,omitempty"`
	// Warnings are the reasons of the warnings, sorted, each once.
	Warnings []string `json:"warnings,omitempty"`
	// Says are parts of the messages.
	Says []string `json:"says,omitempty"`
}

// Expectations is the form of the files beside samples and in the corpus.
type Expectations struct {
	// Conditions are of objects by Name; an object that is not there has no
	// fault.
	Conditions map[string]Conditions
	// Refused says, of objects by Name that the schema refuses, the field and a
	// part of the message: FIELD: MESSAGE.
	Refused map[string]string
	Checks  []Check
}

// ParseExpectations reads the file of a sample.
func ParseExpectations(text []byte) (Expectations, error) {
	var file struct {
		Conditions map[string]Conditions `json:"conditions,omitempty"`
		Refused    map[string]string     `json:"refused,omitempty"`
		Checks     []check               `json:"checks,omitempty"`
	}
	if err := yaml.UnmarshalStrict(text, &file); err != nil {
		return Expectations{}, fmt.Errorf("read expectations: %w", err)
	}
	return Expectations{Conditions: file.Conditions, Refused: file.Refused, Checks: checksOf(file.Checks)}, nil
}

func (e Expectations) missing(objects []Object) []string {
	known := map[string]bool{}
	for _, o := range objects {
		known[Name(o)] = true
	}
	var missing []string
	for name := range e.Conditions {
		if !known[name] {
			missing = append(missing, name)
		}
	}
	for name := range e.Refused {
		if !known[name] {
			missing = append(missing, name)
		}
	}
	return slices.Sorted(slices.Values(missing))
}

// Covers returns an error if something is expected of an object that is not
// there.
func (e Expectations) Covers(objects []Object) error {
	if missing := e.missing(objects); len(missing) > 0 {
		return fmt.Errorf("expects something of %s, which is not among the objects", strings.Join(missing, ", "))
	}
	return nil
}

// FromFaults renders diagnostics in the form of Conditions, without Says.
func FromFaults(faults diag.List) Conditions {
	var c Conditions
	faults = faults.Sorted()
	if l := faults.Errors(diag.Accepted); len(l) > 0 {
		c.Accepted = l[0].Reason
	}
	if l := faults.Errors(diag.References); len(l) > 0 {
		c.ResolvedRefs = l[0].Reason
	}
	for _, w := range faults.Warnings() {
		c.Warnings = append(c.Warnings, w.Reason)
	}
	slices.Sort(c.Warnings)
	c.Warnings = slices.Compact(c.Warnings)
	return c
}

// Unsaid returns those of Says that no message holds.
func (c Conditions) Unsaid(messages ...string) []string {
	all := strings.Join(messages, "\n")
	return slices.DeleteFunc(slices.Clone(c.Says), func(part string) bool { return strings.Contains(all, part) })
}

// Status is a status condition as tests compare it.
type Status struct {
	Status metav1.ConditionStatus
	Reason string
}

// Statuses returns the conditions that must stand in the status of an object,
// by type.
func (c Conditions) Statuses() map[string]Status {
	all := map[string]Status{
		v1alpha1.ConditionAccepted:     status(c.Accepted, v1alpha1.ReasonAccepted),
		v1alpha1.ConditionResolvedRefs: status(c.ResolvedRefs, v1alpha1.ReasonResolvedRefs),
		v1alpha1.ConditionReady:        status(cmp.Or(c.Accepted, c.ResolvedRefs), v1alpha1.ReasonReady),
	}
	if c.Accepted != "" {
		all[v1alpha1.ConditionStalled] = Status{metav1.ConditionTrue, c.Accepted}
	}
	return all
}

func status(fault, fine string) Status {
	if fault != "" {
		return Status{metav1.ConditionFalse, fault}
	}
	return Status{metav1.ConditionTrue, fine}
}

// StatusesOf renders conditions in the form of Statuses.
func StatusesOf(conditions []metav1.Condition) map[string]Status {
	all := map[string]Status{}
	for _, c := range conditions {
		all[c.Type] = Status{c.Status, c.Reason}
	}
	return all
}
