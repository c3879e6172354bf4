// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"slices"

	"github.com/rolecall/rolecall/internal/authz"
)

// Policy returns what the roles of a namespace allow for certain; see
// authz.Enumerator. It takes time in proportion to the roles times what they allow.
func (s *Snapshot) Policy(namespace string) (*authz.Policy, error) {
	ns, err := s.namespace(namespace)
	if err != nil {
		return nil, err
	}
	v := ns.vocabulary
	p := &authz.Policy{}
	allows := make([][]authz.PolicyAllow, len(v.ids)) // by role
	for _, typ := range v.Types() {
		number, _ := v.types.find(typ)
		r := authz.PolicyResource{Type: typ}
		for _, a := range v.declared[number].actions {
			pair := v.pairOf(number, a)
			action := v.actions.names[a]
			r.Actions = append(r.Actions, action)
			r.ScopeRequired = pair.scopeRequired
			pair.eachCertain(func(role uint32) { allows[role] = withAction(allows[role], typ, action) })
		}
		slices.Sort(r.Actions)
		p.Resources = append(p.Resources, r)
	}
	for _, id := range v.sortedIDs() {
		role, _ := v.roles.Get(id)
		for _, a := range allows[role.number] {
			slices.Sort(a.Actions)
		}
		p.Roles = append(p.Roles, authz.PolicyRole{ID: id, Assertable: role.assertable, Allows: allows[role.number]})
	}
	return p, nil
}

// eachCertain calls do with every role that allows a pair whatever else is held.
func (p *pair) eachCertain(do func(role uint32)) {
	if !p.covered(deny) && !p.covered(condDeny) {
		p.each(allow, do)
	}
}

// withAction adds an action of a type, the last of the list or a new one.
func withAction(to []authz.PolicyAllow, typ, action string) []authz.PolicyAllow {
	if n := len(to); n > 0 && to[n-1].Type == typ {
		to[n-1].Actions = append(to[n-1].Actions, action)
		return to
	}
	return append(to, authz.PolicyAllow{Type: typ, Actions: []string{action}})
}
