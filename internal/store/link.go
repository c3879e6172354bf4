// SPDX-License-Identifier: Apache-2.0

package store

import (
	"maps"
	"slices"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/compile"
	"github.com/rolecall/rolecall/internal/diag"
	"github.com/rolecall/rolecall/internal/policy"
	"github.com/rolecall/rolecall/internal/routing"
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
	if v.rerouted || v.reclaimed && max(conflicts, v.conflicts) > 0 {
		w.route(namespace, v)
	}
	v.rerouted, v.reclaimed = false, false
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

// route makes the next table of the routes of a namespace, and counts those that
// share requests with others.
func (w *writer) route(namespace string, v *vocabulary) {
	table := policy.Routes(maps.Values(v.resources))
	w.index.SetRoutes(namespace, table)
	contested := 0
	for _, r := range v.resources {
		contested += len(compile.RouteRefs(r, table))
	}
	w.countReason(v1alpha1.ReasonRouteConflict, contested-v.contested)
	v.contested = contested
}

// setResource is setRole for a resource.
func (v *vocabulary) setResource(name string, r *policy.Resource) {
	before := v.resources[name]
	v.rerouted = v.rerouted || !slices.EqualFunc(routesOf(before), routesOf(r), func(a, b routing.Claim) bool { return a.Same(&b) })
	v.reclaimed = v.reclaimed || before == nil || r == nil || before.CompareClaims(r.Meta) != 0
	v.linker.ReplaceResource(v.resources[name], r)
	set(v.resources, name, r)
}

func routesOf(r *policy.Resource) []routing.Claim {
	if r == nil {
		return nil
	}
	return r.Routes
}

func set[U any](units map[string]*U, name string, u *U) {
	if u == nil {
		delete(units, name)
	} else {
		units[name] = u
	}
}
