// SPDX-License-Identifier: Apache-2.0

package store

import (
	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/compile"
	"github.com/rolecall/rolecall/internal/diag"
	"github.com/rolecall/rolecall/internal/policy"
)

// link makes the next vocabulary of a namespace and counts what the linker finds
// wrong with it.
func (w *writer) link(namespace string) {
	v := w.namespaces[namespace]
	if len(v.resources) == 0 && len(v.roles) == 0 {
		delete(w.namespaces, namespace)
	}
	linked, judged := v.linker.Link()
	w.index.SetVocabulary(namespace, linked)
	for _, r := range judged {
		w.setUnresolved(v, r.Name, unresolved(r, linked))
	}
	conflicts := v.linker.Conflicts()
	w.countReason(v1alpha1.ReasonConflicted, conflicts-v.conflicts)
	v.conflicts = conflicts
}

// unresolved returns the reasons of the references of a role that lead nowhere.
func unresolved(r *policy.Role, linked *policy.Vocabulary) []string {
	var reasons []string
	for _, f := range compile.RoleRefs(r, linked) {
		if f.Severity == diag.Error {
			reasons = append(reasons, f.Reason)
		}
	}
	return reasons
}

// setUnresolved counts the references of a role that lead nowhere, instead of
// those that did.
func (w *writer) setUnresolved(v *vocabulary, role string, reasons []string) {
	for _, reason := range v.unresolved[role] {
		w.countReason(reason, -1)
	}
	for _, reason := range reasons {
		w.countReason(reason, 1)
	}
	if len(reasons) > 0 {
		v.unresolved[role] = reasons
	} else {
		delete(v.unresolved, role)
	}
}

// setRole puts a role in force in place of what has its name; nil takes that out.
func (v *vocabulary) setRole(name string, r *policy.Role) {
	v.linker.ReplaceRole(v.roles[name], r)
	set(v.roles, name, r)
}

// setResource is setRole for a resource.
func (v *vocabulary) setResource(name string, r *policy.Resource) {
	v.linker.ReplaceResource(v.resources[name], r)
	set(v.resources, name, r)
}

func set[U any](units map[string]*U, name string, u *U) {
	if u == nil {
		delete(units, name)
	} else {
		units[name] = u
	}
}
