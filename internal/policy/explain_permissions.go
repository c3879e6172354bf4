// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"maps"
	"slices"

	"github.com/rolecall/rolecall/internal/authz"
)

// permissions tells of the permissions of all roles that are held in some way, by
// role, then Denies first, then as they are inherited.
func (x *explanation) permissions() {
	for _, id := range slices.Sorted(maps.Keys(x.ways)) {
		for _, deny := range []bool{true, false} {
			x.permissionsOf(id, deny)
		}
	}
}

// permissionsOf goes from a role to all that it inherits, each once. Denies come
// from every Role that claims an id, Allows from the one that owns it.
func (x *explanation) permissionsOf(id string, deny bool) {
	ways := map[string][]string{id: nil}
	for todo := []string{id}; len(todo) > 0; todo = todo[1:] {
		at := todo[0]
		role, ok := x.v.roles.Get(at)
		if !ok {
			continue
		}
		for i, object := range role.claimants {
			x.permissionsIn(object, i == 0, deny, id, ways[at])
			if !deny && (i > 0 || object.Deleting) {
				continue // it gives no Allows on
			}
			for _, to := range object.Inherits {
				if _, known := ways[to]; !known {
					ways[to] = append(slices.Clip(ways[at]), to)
					todo = append(todo, to)
				}
			}
		}
	}
}

// permissionsIn tells of the permissions of one effect in one Role.
func (x *explanation) permissionsIn(object *Role, owner, deny bool, id string, inherits []string) {
	for i := range object.Permissions {
		p := &object.Permissions[i]
		if p.Deny != deny || !x.covered(p) {
			continue
		}
		e := authz.ExplainedPermission{
			Role: id, Inherits: inherits, Permission: roleField(object, "spec.permissions[%d]", i), Deny: deny,
		}
		is := isTrue
		if p.Condition != nil {
			e.Condition = x.condition(p.Condition, deny)
			if is = x.verdict(p.Condition).allow; deny {
				is = x.verdict(p.Condition).deny
			}
		}
		switch {
		case deny:
			x.denies(&e, is)
		case !owner:
			e.Because = authz.BecauseConflicted
		case object.Deleting || x.pair.closed:
			e.Because = authz.BecauseDeleting
		default:
			x.allows(&e, is)
		}
		x.Permissions = append(x.Permissions, e)
	}
}

// covered reports whether a permission is about what is asked.
func (x *explanation) covered(p *Permission) bool {
	return Match(p.Resource, x.request.Resource.Type) &&
		p.Actions.Any(func(a string) bool { return Match(a, x.request.Action.Name) })
}

// denies tells whether a Deny whose condition has a value applies: it does unless
// that is false, or every gate before its role is.
func (x *explanation) denies(e *authz.ExplainedPermission, is outcome) {
	held := slices.ContainsFunc(x.ways[e.Role], func(w way) bool { return w.gate.deny != isFalse })
	switch {
	case !held:
		e.Because = authz.BecauseNotHeld
	case is == isFalse:
		e.Because = authz.BecauseConditionFalse
	default:
		e.Applies = true
		e.Decides = x.Decision.Reason == authz.ReasonExplicitDeny || x.Decision.Reason == authz.ReasonDenyError
	}
}

// allows tells whether an Allow whose condition has a value applies: it does if
// that is true and a gate before its role is.
func (x *explanation) allows(e *authz.ExplainedPermission, is outcome) {
	best, held := isFalse, false
	for _, w := range x.ways[e.Role] {
		if !w.denyOnly {
			held = true
			best = best.or(w.gate.allow.and(is))
		}
	}
	switch {
	case !held:
		e.Because = authz.BecauseDenyOnly
	case best == isTrue:
		e.Applies = true
		e.Decides = x.Decision.Allowed
	case best == failed:
		e.Because = authz.BecauseConditionError
	default:
		e.Because = authz.BecauseConditionFalse
	}
}
