// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/grants"
)

// whom is a search for subjects. Whoever is allowed holds a role that allows by a
// binding that lists the subject itself, all of its type, or a group that the
// subject is in: what else gives authority is not said of those who are sought.
type whom struct {
	*search
	// sought is the kind of the subjects, and group that of groups, in the table, and
	// member that of subjects among the members of Groups; nil where nothing is filed
	// under it.
	sought, group, member *kind
	// everyone says that all known subjects are candidates.
	everyone bool
	// met are the keys that need not be looked at again, but for the subjects' own,
	// and entered the groups.
	met     map[grants.Key]bool
	entered map[string]bool
}

// subjects gathers the known subjects that hold a role that may allow.
func (x *search) subjects() {
	w := &whom{search: x, met: make(map[grants.Key]bool), entered: make(map[string]bool)}
	own := kindName{typ: x.request.Subject.Type}
	w.sought, _ = x.ns.kinds.Get(own)
	w.group, _ = x.ns.kinds.Get(kindName{typ: authz.TypeGroup})
	if x.ns.groups != nil {
		w.member, _ = x.ns.groups.members.kinds.Get(own)
	}
	w.holders()
	for _, role := range x.pair.mayAllow().members() {
		if r, _ := x.v.roles.Get(x.v.ids[role]); r.assertable {
			w.openTo.add(authz.OpenToAsserted)
			break
		}
	}
	if w.everyone {
		w.known()
	}
}

// holders gathers from the keys that hold a wanted role, or something on the
// resource, in a scope that covers the check.
func (w *whom) holders() {
	instance, named := numberOf(w.ns.instances, Instance{w.request.Resource.Type, w.request.Resource.ID})
	reach := func(m grants.Mark) bool {
		for k := range w.ns.table.Marked(m) {
			w.key(k)
		}
		return w.err == nil
	}
	for _, scope := range w.scopeNumbers {
		for i, word := range w.wanted {
			eachMember(i, word, func(role uint32) { w.ns.holders.each(scope, role, reach) })
		}
		if named {
			w.ns.holders.each(scope, instance|onInstance, reach)
		}
	}
	w.ns.holders.eachPending(func(scope, what uint32, m grants.Mark) {
		if w.scopes.covers(scope) != 0 && (w.wanted.has(what) || (named && what == instance|onInstance)) {
			reach(m)
		}
	})
}

// key gathers from a key of the table.
func (w *whom) key(k grants.Key) {
	if w.sought != nil && k.Kind == w.sought.number && k.ID != authz.Wildcard {
		w.take(k.ID)
		return
	}
	if w.met[k] || !w.look() {
		return
	}
	w.met[k] = true
	switch {
	case !w.gives(k):
	case w.sought != nil && k.Kind == w.sought.number:
		w.all()
	case w.group != nil && k.Kind == w.group.number:
		w.enter(k.ID)
	default:
		w.open(w.ns, k.Kind)
	}
}

// gives reports whether a key holds a role that may allow, here and now.
func (w *whom) gives(k grants.Key) bool {
	gives := false
	w.eachOfKey(&kind{number: k.Kind}, k.ID, func(e grants.Entry) {
		gives = gives || (w.wanted.has(e.Role) && w.allows(e))
	})
	return gives
}

// allows reports whether the Allows of a role count that an entry gives, as far as
// that does not depend on a condition.
func (w *whom) allows(e grants.Entry) bool {
	if e.Binding&grants.Special == 0 {
		return true
	}
	b, _ := w.ns.special.Get(e.Number())
	return !b.Deleting && w.applies(e)
}

// all makes everyone a candidate.
func (w *whom) all() {
	w.everyone = true
	w.openTo.add(authz.OpenToAll)
}

// open notes that whoever has a key of a kind may be allowed. Another type's
// subjects are not sought.
func (w *whom) open(ns *namespace, number uint32) {
	for name, k := range ns.kinds.All() {
		if k.number == number && authz.ReservedType(name.typ) {
			w.openTo.add(authz.Opening(name.typ))
			return
		}
	}
}

// enter gathers from the members of a group. More may be in it, by their own word.
func (w *whom) enter(id string) {
	w.openTo.add(authz.OpenToGroup)
	g := w.ns.groups
	if g == nil || w.entered[id] {
		return
	}
	w.entered[id] = true
	number, claimed := g.numbers.Get(id)
	owner, owned := g.owners.Get(number)
	if !claimed || !owned {
		return
	}
	reach := func(m grants.Mark) bool {
		for k := range g.members.table.Marked(m) {
			w.listed(k, owner)
		}
		return w.err == nil
	}
	g.members.holders.each(grants.Everywhere, owner, reach)
	g.members.holders.eachPending(func(_, what uint32, m grants.Mark) {
		if what == owner {
			reach(m)
		}
	})
}

// listed gathers from a key that a Group lists, if it does.
func (w *whom) listed(k grants.Key, group uint32) {
	members := w.ns.groups.members
	switch {
	case w.member != nil && k.Kind == w.member.number && k.ID != authz.Wildcard:
		w.take(k.ID)
	case !lists(members.table.Find(k.Kind, k.ID), group) || !w.look():
	case w.member != nil && k.Kind == w.member.number:
		w.all()
	case w.ns.groups.nested != nil && k.Kind == w.ns.groups.nested.number:
		w.enter(k.ID)
	default:
		w.open(members, k.Kind)
	}
}

// lists reports whether a key is a member of a Group.
func lists(list grants.List, group uint32) bool {
	for i := range list.Len() {
		if list.At(i).Role == group {
			return true
		}
	}
	if fat := list.Fat(); fat != nil {
		e, ok := fat.Plain(grants.Everywhere, group)
		return ok && e.Role == group
	}
	return false
}

// known gathers everyone of the type whom a binding or a Group names, or of whom
// something is stored.
func (w *whom) known() {
	take := func(id string) bool { return id == authz.Wildcard || w.take(id) }
	if w.sought != nil {
		w.ns.table.All(w.sought.number)(take)
	}
	if w.member != nil {
		w.ns.groups.members.table.All(w.member.number)(take)
	}
	for _, id := range w.v.Instances(w.request.Subject.Type).IDs() {
		if !take(id) {
			return
		}
	}
}
