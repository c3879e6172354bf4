// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"cmp"
	"slices"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/grants"
)

// expand tells by which keys the subject can be listed: first those that it
// states, then those that follow from Groups, by id.
func (x *explanation) expand() {
	s := &x.request.Subject
	add := func(typ, connection, id string) {
		k := authz.ExplainedKey{Type: typ, Connection: connection, ID: id}
		if !slices.ContainsFunc(x.Keys, func(o authz.ExplainedKey) bool { return keyOf(&o) == keyOf(&k) }) {
			x.Keys = append(x.Keys, k)
		}
	}
	add(s.Type, "", s.ID)
	add(s.Type, "", authz.Wildcard)
	for _, id := range s.Groups {
		add(authz.TypeGroup, "", id)
	}
	if domain := authz.EmailDomain(s.Email); domain != "" {
		add(authz.TypeEmailDomain, "", domain)
		if last := &x.Keys[len(x.Keys)-1]; !s.EmailVerified {
			last.DenyOnly, last.Because = true, authz.BecauseEmailUnverified
		}
	}
	for _, id := range s.SSOConnections {
		add(authz.TypeSSOConnection, "", id)
	}
	for _, g := range s.SSOGroups {
		add(authz.TypeSSOGroup, g.Connection, g.ID)
	}
	if x.ns.groups != nil {
		x.expandGroups()
	}
}

// expandGroups adds the groups that Groups put the subject into.
func (x *explanation) expandGroups() {
	w := x.walked()
	stated := len(x.Keys)
	for _, m := range w.found {
		if is := w.standings[m.group]; is == joined || is == doubtful {
			k := authz.ExplainedKey{Type: authz.TypeGroup, ID: m.id}
			if is == doubtful {
				k.DenyOnly, k.Because = true, authz.BecauseMembershipInDoubt
			}
			x.Keys = append(x.Keys, k)
		}
	}
	slices.SortFunc(x.Keys[stated:], func(a, b authz.ExplainedKey) int { return cmp.Compare(a.ID, b.ID) })
	for i := range x.Keys {
		x.members(keyOf(&x.Keys[i]), x.Keys[stated:])
	}
}

// members tells which groups a key puts the subject into, and by which Groups.
func (x *explanation) members(of Key, groups []authz.ExplainedKey) {
	g := x.ns.groups
	k, _ := g.members.kinds.Get(of.kind())
	if k == nil {
		return
	}
	reach := func(e grants.Entry) {
		m, ok := g.memberships.Get(e.Role)
		if !ok {
			return
		}
		for i := range groups {
			if groups[i].ID == m.id {
				groups[i].Members = append(groups[i].Members, authz.ObjectField{
					Kind: "Group", Name: g.members.names.At(e.Number()), Field: itemOf("spec.members", of),
				})
			}
		}
	}
	list := g.members.table.Find(k.number, of.ID)
	for i := range list.Len() {
		reach(list.At(i))
	}
	if fat := list.Fat(); fat != nil {
		fat.Each(grants.Everywhere, reach)
	}
	for i := range groups {
		slices.SortFunc(groups[i].Members, compareFields)
	}
}

func keyOf(k *authz.ExplainedKey) Key {
	return Key{Type: k.Type, Connection: k.Connection, ID: k.ID}
}

func compareFields(a, b authz.ObjectField) int {
	return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Field, b.Field))
}

// bindings tells of the bindings that list one of the keys.
func (x *explanation) bindings() {
	for i := range x.Keys {
		key := &x.Keys[i]
		k := x.kind(key.Type, key.Connection)
		if k == nil {
			continue
		}
		x.listed(key, x.entries(k, key.ID))
	}
	slices.SortFunc(x.Bindings, func(a, b authz.ExplainedBinding) int {
		return cmp.Or(compareFields(a.Subject, b.Subject), cmp.Compare(a.Role, b.Role))
	})
}

// entries returns all that is filed under a key.
func (x *explanation) entries(k *kind, id string) []grants.Entry {
	list := x.ns.table.Find(k.number, id)
	var all []grants.Entry
	for i := range list.Len() {
		all = append(all, list.At(i))
	}
	if fat := list.Fat(); fat != nil {
		all = append(all, fat.All()...)
	}
	return all
}

// great is how many entries of a key are a great many.
const great = 100

// listed tells of the entries of a key: of all of them, or if they are a great many
// of those in scope, and of those that differ in their binding alone of the first
// by name.
func (x *explanation) listed(key *authz.ExplainedKey, all []grants.Entry) {
	type plain struct{ role, scope uint32 }
	first := map[plain]string{}
	for _, e := range all {
		is := plain{e.Role, e.Scope}
		switch {
		case len(all) <= great:
			x.binding(key, e)
		case x.scopes.covers(e.Scope) == 0:
			x.OmittedBindings++
		case e.Binding&grants.Special != 0:
			x.binding(key, e)
		default:
			x.OmittedBindings++
			if name := x.ns.names.At(e.Binding); first[is] == "" || name < first[is] {
				first[is] = name
			}
		}
	}
	for _, e := range all {
		is := plain{e.Role, e.Scope}
		if name, ok := first[is]; ok && e.Binding&grants.Special == 0 && x.ns.names.Is(e.Binding, name) {
			x.OmittedBindings--
			x.binding(key, e)
			delete(first, is)
		}
	}
}

// binding tells of one role that a binding gives to a key.
func (x *explanation) binding(key *authz.ExplainedKey, e grants.Entry) {
	number := e.Number()
	b := authz.ExplainedBinding{
		Subject: authz.ObjectField{
			Kind: "RoleBinding", Name: x.ns.names.At(number), Generation: x.generation(number),
			Field: itemOf("spec.subjects", keyOf(key)),
		},
		Role: x.ns.roleNames.At(e.Role), Scope: x.ns.scopeNames.At(e.Scope), Counts: authz.CountsNot,
	}
	var object *Binding
	if e.Binding&grants.Special != 0 {
		object, _ = x.ns.special.Get(number)
	}
	if b.Because = x.outside(e, object); b.Because == "" {
		x.held(&b, key, object)
	}
	x.Bindings = append(x.Bindings, b)
}

// generation returns that of a binding's object.
func (x *explanation) generation(number uint32) int64 {
	if generation, changed := x.ns.generations.Get(number); changed {
		return generation
	}
	return 1
}

// outside returns why a binding has nothing to do with the check, if it has not.
func (x *explanation) outside(e grants.Entry, b *Binding) authz.Because {
	switch {
	case x.scopes.covers(e.Scope) == 0:
		return authz.BecauseOtherScope
	case b != nil && !b.NotBefore.IsZero() && x.request.Time.Before(b.NotBefore):
		return authz.BecauseNotYetValid
	case b != nil && !b.validAt(x.request.Time):
		return authz.BecauseExpired
	case b != nil && !b.names(x.request.Resource.Type, x.request.Resource.ID):
		return authz.BecauseOtherResource
	case x.role(e.Role) == 0:
		return authz.BecauseRoleNotFound
	}
	return ""
}

// held tells for what a binding counts that has to do with the check.
func (x *explanation) held(b *authz.ExplainedBinding, key *authz.ExplainedKey, object *Binding) {
	w := way{gate: certain(isTrue), denyOnly: key.DenyOnly}
	b.Counts, b.Because = authz.CountsFully, ""
	if key.DenyOnly {
		b.Counts, b.Because = authz.CountsForDeny, key.Because
	}
	if object != nil && object.Deleting {
		w.denyOnly, b.Counts, b.Because = true, authz.CountsForDeny, authz.BecauseDeleting
	}
	if object != nil && object.Gate != nil {
		w.gate = x.verdict(object.Gate)
		b.Condition = x.condition(object.Gate, false)
		if w.gate.deny != w.gate.allow {
			b.Condition.DenyValue = truthOf(w.gate.deny)
		}
		switch {
		case w.gate.deny == isFalse:
			b.Counts, b.Because = authz.CountsNot, authz.BecauseConditionFalse
		case w.gate.allow == isFalse:
			b.Counts, b.Because = authz.CountsForDeny, authz.BecauseConditionFalse
		case w.gate.allow == failed:
			b.Counts, b.Because = authz.CountsForDeny, authz.BecauseConditionError
		}
	}
	x.ways[b.Role] = append(x.ways[b.Role], w)
}
