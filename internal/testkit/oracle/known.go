// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"maps"
	"slices"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/authz"
)

// Search decides about all that are known and could take the place that is sought,
// and returns those that may, sorted.
func (o *Oracle) Search(sought authz.Sought, request *authz.Request) []string {
	r := *request
	var found []string
	for _, id := range o.known(sought, &r) {
		switch sought {
		case authz.Subjects:
			r.Subject.ID = id
		case authz.Resources:
			r.Resource.ID = id
		case authz.Actions:
			r.Action.Name = id
		}
		if o.Check(&r).Allowed {
			found = append(found, id)
		}
	}
	return found
}

// known returns the ids that bindings and Groups name and Resources know, or the
// actions that are declared, sorted.
func (o *Oracle) known(sought authz.Sought, r *authz.Request) []string {
	typ := r.Resource.Type
	if sought == authz.Subjects {
		typ = r.Subject.Type
	}
	all := map[string]bool{}
	owner := first(claims(o.resources, r.Namespace, typ, (*v1alpha1.Resource).TypeID))
	if owner != nil && sought == authz.Actions {
		for _, a := range owner.Spec.Actions {
			all[string(a.Name)] = true
		}
	}
	if sought == authz.Actions {
		return slices.Sorted(maps.Keys(all))
	}
	if owner != nil {
		for _, in := range owner.Spec.Instances {
			all[in.ID] = true
		}
	}
	if sought == authz.Resources {
		for _, b := range o.bindings {
			for _, ref := range b.Spec.Resources {
				if b.Namespace == r.Namespace && string(ref.Type) == typ {
					all[ref.ID] = true
				}
			}
		}
		return slices.Sorted(maps.Keys(all))
	}
	for _, key := range o.listed(r.Namespace) {
		if string(key.Type) == typ {
			all[key.ID] = true
		}
	}
	delete(all, authz.Wildcard)
	return slices.Sorted(maps.Keys(all))
}

// listed returns the keys that bindings and Groups list.
func (o *Oracle) listed(namespace string) []v1alpha1.Subject {
	var keys []v1alpha1.Subject
	for _, b := range o.bindings {
		if b.Namespace == namespace {
			keys = append(keys, b.Spec.Subjects...)
		}
	}
	for _, g := range o.groups {
		if g.Namespace == namespace {
			keys = append(keys, g.Spec.Members...)
		}
	}
	return keys
}
