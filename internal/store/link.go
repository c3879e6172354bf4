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
	v.judge(linked)
	n := make(map[string]int)
	for _, reasons := range v.unresolved {
		for _, reason := range reasons {
			n[reason]++
		}
	}
	ids := make(map[string]bool, len(v.roles))
	for _, r := range v.roles {
		ids[r.ID] = true
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

// judge finds the references that lead nowhere: those of the roles that have
// changed, or of all if what they may refer to has.
func (v *vocabulary) judge(linked *policy.Vocabulary) {
	if v.declaresOtherwise {
		clear(v.unresolved)
		for name, r := range v.roles {
			v.judgeRole(name, r, linked)
		}
	} else {
		for name := range v.changed {
			v.judgeRole(name, v.roles[name], linked)
		}
	}
	v.declaresOtherwise = false
	clear(v.changed)
}

func (v *vocabulary) judgeRole(name string, r *policy.Role, linked *policy.Vocabulary) {
	delete(v.unresolved, name)
	for _, f := range compile.RoleRefs(r, linked) {
		if f.Severity == diag.Error {
			v.unresolved[name] = append(v.unresolved[name], f.Reason)
		}
	}
}

// setRole puts a role in force. If another one can refer to it as before, only
// its own references are to be judged.
func (v *vocabulary) setRole(name string, r *policy.Role) {
	before := v.roles[name]
	if before == nil || before.ID != r.ID || !slices.Equal(before.Inherits, r.Inherits) {
		v.declaresOtherwise = true
	}
	v.roles[name], v.changed[name] = r, true
}

func (v *vocabulary) setResource(name string, r *policy.Resource) {
	v.resources[name], v.declaresOtherwise = r, true
}

// remove takes an object out.
func (v *vocabulary) remove(kind Kind, name string) {
	if kind == KindResource {
		delete(v.resources, name)
	} else {
		delete(v.roles, name)
	}
	v.declaresOtherwise = true
}
