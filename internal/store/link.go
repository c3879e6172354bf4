// SPDX-License-Identifier: Apache-2.0

package store

import (
	"maps"
	"slices"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/compile"
	"github.com/rolecall/rolecall/internal/diag"
	"github.com/rolecall/rolecall/internal/policy"
)

// link makes the vocabulary of a namespace anew and counts what the linker finds
// wrong with it.
func (w *writer) link(namespace string) {
	v := w.namespaces[namespace]
	for reason, n := range v.faults {
		w.countReason(reason, -n)
	}
	if len(v.resources) == 0 && len(v.roles) == 0 {
		delete(w.namespaces, namespace)
	}
	linked := policy.Link(slices.Collect(maps.Values(v.resources)), slices.Collect(maps.Values(v.roles)))
	w.index.SetVocabulary(namespace, linked)
	v.faults = v.linkFaults(linked)
	for reason, n := range v.faults {
		w.countReason(reason, n)
	}
}

// linkFaults counts, by reason, the references of roles that lead nowhere and
// the objects that do not own their id.
func (v *vocabulary) linkFaults(linked *policy.Vocabulary) map[string]int {
	n := make(map[string]int)
	ids := make(map[string]bool, len(v.roles))
	for _, r := range v.roles {
		ids[r.ID] = true
		for _, f := range compile.RoleRefs(r, linked) {
			if f.Severity == diag.Error {
				n[f.Reason]++
			}
		}
	}
	types := make(map[string]bool, len(v.resources))
	for _, r := range v.resources {
		types[r.Type] = true
	}
	if conflicts := len(v.roles) - len(ids) + len(v.resources) - len(types); conflicts > 0 {
		n[v1alpha1.ReasonConflicted] = conflicts
	}
	return n
}
