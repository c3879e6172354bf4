// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"cmp"
	"slices"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/grants"
)

// Holding is one way in which a subject comes to hold a role: the item Subject of
// spec.subjects and the item Role of spec.roles, in the RoleBinding of that name.
type Holding struct {
	Binding string
	Role    string
	Subject Key
}

// Holdings returns the ways in which bindings give roles to the subject of a
// request, at its scope, its time and its resource, sorted; what it asks to do
// does not matter. Gates are not evaluated, roles that no Role declares are left
// out, and so are asserted ones. The errors are those of Check.
func (s *Snapshot) Holdings(r *authz.Request) ([]Holding, error) {
	if err := r.Validate(); err != nil {
		return nil, err
	}
	ns, err := s.namespace(r.Namespace)
	if err != nil {
		return nil, err
	}
	c := check{r: r, ns: ns, v: ns.vocabulary}
	c.scopes.find(ns.scopes, r.Scope)
	var out []Holding
	c.eachKey(func(k *kind, id string, _ bool) {
		c.eachEntry(k, id, func(e grants.Entry) {
			if role := c.role(e.Role); role != 0 && c.applies(e) {
				out = append(out, Holding{
					Binding: ns.names.At(e.Number()),
					Role:    c.v.ids[role],
					Subject: Key{Type: k.typ, Connection: k.connection, ID: id},
				})
			}
		})
	})
	if c.walk != nil {
		c.walk.release()
	}
	slices.SortFunc(out, func(a, b Holding) int {
		return cmp.Or(cmp.Compare(a.Binding, b.Binding), cmp.Compare(a.Role, b.Role), compareKeys(a.Subject, b.Subject))
	})
	return out, nil
}

func compareKeys(a, b Key) int {
	return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Connection, b.Connection), cmp.Compare(a.ID, b.ID))
}

// eachEntry calls do with every entry under a key whose scope covers the check.
func (c *check) eachEntry(k *kind, id string, do func(grants.Entry)) {
	list := c.ns.table.Find(k.number, id)
	for i := range list.Len() {
		if e := list.At(i); c.scopes.covers(e.Scope) != 0 {
			do(e)
		}
	}
	if fat := list.Fat(); fat != nil {
		fat.Each(grants.Everywhere, do)
		for i := range c.scopes.n {
			fat.Each(c.scopes.at(i), do)
		}
	}
}

// applies reports whether the binding of an entry is valid now and names the
// resource, if it names any.
func (c *check) applies(e grants.Entry) bool {
	if e.Binding&grants.Special == 0 {
		return true
	}
	b, _ := c.ns.special.Get(e.Number())
	return b.validAt(c.r.Time) && b.names(c.r.Resource.Type, c.r.Resource.ID)
}
