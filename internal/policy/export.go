// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"cmp"
	"slices"

	"github.com/rolecall/rolecall/internal/authz"
)

var _ authz.Exporter = (*Snapshot)(nil)

// Policy returns what the roles of a namespace allow for certain; see
// authz.Exporter. It takes time in proportion to the roles times what they allow.
func (s *Snapshot) Policy(namespace string) (*authz.Policy, error) {
	ns, err := s.namespace(namespace)
	if err != nil {
		return nil, err
	}
	v := ns.vocabulary
	p := &authz.Policy{}
	allows := make([][]authz.PolicyAllow, len(v.roles)) // by role
	for number, typ := range v.types.names {
		t := v.declared[number]
		r := authz.PolicyResource{Type: typ}
		for place := t.first; place < t.first+t.actions; place++ {
			pair := &v.pairs[place]
			action := v.actions.names[pair.action]
			r.Actions = append(r.Actions, action)
			r.ScopeRequired = pair.scopeRequired
			v.eachCertain(pair, func(role uint32) { allows[role] = allow(allows[role], typ, action) })
		}
		slices.Sort(r.Actions)
		p.Resources = append(p.Resources, r)
	}
	for number := 1; number < len(v.roles); number++ {
		for _, a := range allows[number] {
			slices.Sort(a.Actions)
		}
		p.Roles = append(p.Roles, authz.PolicyRole{ID: v.ids[number], Assertable: v.roles[number].assertable, Allows: allows[number]})
	}
	slices.SortFunc(p.Roles, func(a, b authz.PolicyRole) int { return cmp.Compare(a.ID, b.ID) })
	return p, nil
}

// eachCertain calls do with every role that allows a pair whatever else is held.
func (v *Vocabulary) eachCertain(p *pair, do func(role uint32)) {
	if v.any(p.deny) || v.any(p.condDeny) {
		return
	}
	for role := range v.roles {
		if v.has(p.allow, uint32(role)) {
			do(uint32(role))
		}
	}
}

// any reports whether any role is in a row.
func (v *Vocabulary) any(r row) bool {
	return slices.ContainsFunc(v.rows[int(r):int(r)+v.words], func(word uint64) bool { return word != 0 })
}

// allow adds an action of a type, the last of the list or a new one.
func allow(to []authz.PolicyAllow, typ, action string) []authz.PolicyAllow {
	if n := len(to); n > 0 && to[n-1].Type == typ {
		to[n-1].Actions = append(to[n-1].Actions, action)
		return to
	}
	return append(to, authz.PolicyAllow{Type: typ, Actions: []string{action}})
}
