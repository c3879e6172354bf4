// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"slices"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/grants"
)

// resources gathers the known resources on which the subject holds a role that may
// allow: those that its bindings name, or all if one of them names none.
func (x *search) resources() {
	all := slices.ContainsFunc(x.request.Subject.Roles, func(id string) bool {
		r, ok := x.v.roles.Get(id)
		return ok && r.assertable && x.pair.ways(r.number).mayAllow()
	})
	x.eachKey(func(k *kind, id string, denyOnly bool) {
		if denyOnly {
			return
		}
		x.eachOfKey(k, id, func(e grants.Entry) {
			if x.wanted.has(e.Role) && x.look() {
				all = x.onResources(e) || all
			}
		})
	})
	if x.walk != nil {
		x.walk.release()
		x.walk = nil
	}
	if all {
		x.openings.add(authz.OpenToAll)
		x.knownResources()
	}
}

// onResources gathers the resources of an entry, and reports whether it names none
// and so counts for all.
func (x *search) onResources(e grants.Entry) bool {
	if e.Binding&grants.Special == 0 {
		return true
	}
	b, _ := x.ns.special.Get(e.Binding &^ grants.Special)
	if b.Deleting || !b.validAt(x.request.Time) {
		return false
	}
	for _, instance := range b.Resources {
		if instance.Type == x.request.Resource.Type {
			x.take(instance.ID)
		}
	}
	return len(b.Resources) == 0
}

// knownResources gathers all of the type that a binding names, or of which
// something is stored.
func (x *search) knownResources() {
	typ := x.request.Resource.Type
	if named, ok := x.ns.instances.Get(typ); ok {
		for id := range named.All() {
			if !x.take(id) {
				return
			}
		}
	}
	for _, id := range x.v.Instances(typ).IDs() {
		if !x.take(id) {
			return
		}
	}
}
