// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"cmp"
	"slices"
	"strings"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/grants"
)

var _ authz.Enumerator = (*Snapshot)(nil)

// Permissions returns what a subject may do; see authz.Enumerator. It goes once
// over what the subject holds, and then over the pairs.
func (s *Snapshot) Permissions(r *authz.Request) ([]authz.Permission, error) {
	x, err := s.enumeration(r)
	if err != nil {
		return nil, err
	}
	v := x.v
	all := make([]authz.Permission, 0, len(v.names))
	for number, typ := range v.types.each() {
		for _, action := range v.declared[number].actions {
			p := authz.Permission{Resource: typ, Action: v.actions.names[action]}
			if !x.elsewhere {
				x.turnTo(v.pairOf(number, action), &p)
				p.Outlook = x.outlook()
				p.Roles = x.grantors(p.Outlook)
			}
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(a, b authz.Permission) int {
		return cmp.Or(cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.Action, b.Action))
	})
	return all, nil
}

// Held returns the roles that a subject holds for Allows; see authz.Enumerator.
// Those that no Role declares are left out.
func (s *Snapshot) Held(r *authz.Request) ([]authz.HeldRole, error) {
	x, err := s.enumeration(r)
	if err != nil || x.elsewhere {
		return nil, err
	}
	slices.SortFunc(x.held, func(a, b authz.HeldRole) int {
		return cmp.Or(cmp.Compare(a.Role, b.Role), cmp.Compare(a.Scope, b.Scope), truth(a.Conditional)-truth(b.Conditional), truth(a.Asserted)-truth(b.Asserted))
	})
	return slices.Compact(x.held), nil
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

// enumeration is what a subject holds, whatever is asked.
type enumeration struct {
	check
	// request is that of the check, about the pair that is looked at.
	request authz.Request
	// doubtful says that the subject may be in fewer groups than the request says:
	// then sure are those that it is in.
	doubtful bool
	sure     []string
	// elsewhere says that the subject's session is not good here.
	elsewhere bool
	// full are the roles that are held, and forDeny those whose Denies alone count.
	full, forDeny row
	// special are those that are held under a condition, or for some resources.
	special []hold
	held    []authz.HeldRole
	judge
}

// enumeration collects what the subject of a request holds.
func (s *Snapshot) enumeration(r *authz.Request) (*enumeration, error) {
	x := &enumeration{request: *r}
	x.request.Action, x.request.Resource = authz.Action{Name: authz.Wildcard}, authz.Resource{Type: authz.Wildcard}
	if err := x.request.Validate(); err != nil {
		return nil, err
	}
	ns, err := s.namespace(r.Namespace)
	if err != nil {
		return nil, err
	}
	x.r, x.ns, x.v = &x.request, ns, ns.vocabulary
	x.store()
	home := r.Subject.SessionScope
	if x.elsewhere = home != "" && !authz.ScopeCovers(home, r.Scope); x.elsewhere {
		return x, nil
	}
	x.scopes.find(ns.scopes, r.Scope)
	for _, id := range r.Subject.Roles {
		if role, ok := x.v.roles.Get(id); ok && role.assertable {
			x.full.add(role.number)
			x.held = append(x.held, authz.HeldRole{Role: id, Scope: cmp.Or(home, r.Scope), Asserted: true})
		}
	}
	names := x.scopeNames()
	x.eachKey(func(k *kind, id string, denyOnly bool) {
		x.eachOfKey(k, id, func(e grants.Entry) { x.take(e, names[e.Scope], denyOnly) })
	})
	if ns.groups != nil {
		x.join(r)
	}
	return x, nil
}

// join lets conditions see the groups that Groups put the subject into.
func (x *enumeration) join(r *authz.Request) {
	with, without := x.walked().requests(r)
	x.request.Subject.Groups = slices.Clone(with.Subject.Groups)
	if x.doubtful = without != nil; x.doubtful {
		x.sure = slices.Clone(without.Subject.Groups)
	}
	x.walk.release()
	x.walk = nil
}

// store lets conditions see what is stored of the subject. Of the resource nothing
// but the type is known.
func (x *enumeration) store() {
	s := &x.request.Subject
	stored, _ := x.v.Instances(s.Type).Properties(s.ID)
	s.Properties = merged(make(map[string]any), s.Captured, stored, s.Properties)
}

// scopeNames are the scopes that cover the check, by number.
func (x *enumeration) scopeNames() map[uint32]string {
	names := map[uint32]string{grants.Everywhere: authz.Wildcard}
	for scope := x.r.Scope; scope != ""; {
		var one scopeSet
		if one.addIfBound(x.ns.scopes, scope); one.n > 0 {
			names[one.at(0)] = scope
		}
		scope = scope[:max(strings.LastIndexByte(scope, '/'), 0)]
	}
	return names
}

// eachOfKey calls do with the entries under a key whose scope covers the check; of
// those of a key with a great many that differ in their binding alone, with one.
func (c *check) eachOfKey(k *kind, id string, do func(grants.Entry)) {
	list := c.ns.table.Find(k.number, id)
	for i := range list.Len() {
		if e := list.At(i); c.scopes.covers(e.Scope) != 0 {
			do(e)
		}
	}
	fat := list.Fat()
	if fat == nil {
		return
	}
	each := func(scope uint32) {
		c.eachFatRole(fat, scope, func(e grants.Entry) bool { do(e); return true })
		fat.EachSpecial(scope, do)
	}
	each(grants.Everywhere)
	for i := range c.scopes.n {
		each(c.scopes.at(i))
	}
}

// take takes account of an entry whose scope has a name.
func (x *enumeration) take(e grants.Entry, scope string, denyOnly bool) {
	h := hold{role: x.role(e.Role), denyOnly: denyOnly}
	if h.role == 0 {
		return
	}
	if e.Binding&grants.Special != 0 {
		h.binding, _ = x.ns.special.Get(e.Number())
		if !h.binding.validAt(x.r.Time) {
			return
		}
		h.denyOnly = denyOnly || h.binding.Deleting
	}
	conditional := h.gate() != nil || h.limited()
	switch {
	case conditional:
		x.special = append(x.special, h)
	case h.denyOnly:
		x.forDeny.add(h.role)
	default:
		x.full.add(h.role)
	}
	if !h.denyOnly {
		x.held = append(x.held, authz.HeldRole{Role: x.v.ids[h.role], Scope: scope, Conditional: conditional})
	}
}

// limited reports whether the role is held for some instances only.
func (h *hold) limited() bool {
	return h.binding != nil && len(h.binding.Resources) > 0
}
