// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"slices"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/grants"
	"github.com/rolecall/rolecall/internal/persist"
)

// roster is what the writer keeps of the Groups of one namespace, and the changes
// to them since the last publication.
type roster struct {
	// members files each Group under its members, as a binding is filed under its
	// subjects: it gives them its name as if that were a role, everywhere. So a
	// change touches the members that come and go, and nobody else.
	members *space
	ids     numbering[string]
	// claims are the Groups by name, and claimants by the ids that they claim.
	claims    map[string]*claim
	claimants map[string][]*claim

	memberships *persist.MapEdit[uint32, *membership]
	numbers     *persist.MapEdit[string, uint32]
	owners      *persist.MapEdit[uint32, uint32]
}

// claim is a Group without its members.
type claim struct {
	Meta
	id       string
	denyOnly bool
	// number is that of the name among the roles of the members.
	number uint32
}

func newRoster(w *grants.Workspace) *roster {
	return &roster{
		members:     newSpace(w),
		claims:      make(map[string]*claim),
		claimants:   make(map[string][]*claim),
		memberships: persist.NewMap[uint32, *membership](persist.HashNumber).Edit(),
		numbers:     persist.NewMap[string, uint32](persist.Hash).Edit(),
		owners:      persist.NewMap[uint32, uint32](persist.HashNumber).Edit(),
	}
}

// put takes a Group in, in place of what had its name.
func (r *roster) put(g *Group) {
	c := r.claims[g.Name]
	if c != nil && c.id != g.ID {
		r.unclaim(c)
		c = nil
	}
	if c == nil {
		c = &claim{id: g.ID}
		c.number = r.members.holdRole(g.Name)
		number, fresh := r.ids.hold(g.ID)
		if fresh {
			r.numbers.Set(g.ID, number)
		}
		r.claims[g.Name] = c
		r.claimants[g.ID] = append(r.claimants[g.ID], c)
	}
	c.Meta, c.denyOnly = g.Meta, g.DenyOnly
	r.members.put(&Binding{
		Meta: Meta{Name: g.Name}, Roles: []string{g.Name}, Subjects: g.Members, Scope: authz.Wildcard,
	}, 0)
	r.judge(g.ID)
}

// remove takes a Group out, and reports whether it was there.
func (r *roster) remove(name string) bool {
	c := r.claims[name]
	if c == nil {
		return false
	}
	number, _ := r.members.book.find(name)
	r.members.remove(name, number)
	r.unclaim(c)
	return true
}

func (r *roster) unclaim(c *claim) {
	delete(r.claims, c.Name)
	r.memberships.Remove(c.number)
	r.members.releaseRole(c.number)
	rest := slices.DeleteFunc(r.claimants[c.id], func(other *claim) bool { return other == c })
	r.claimants[c.id] = rest
	if len(rest) == 0 {
		delete(r.claimants, c.id)
	}
	number, _ := r.numbers.Get(c.id)
	if _, gone := r.ids.release(number); gone {
		r.numbers.Remove(c.id)
		r.owners.Remove(number)
	}
	r.judge(c.id)
}

// judge says what the Groups that claim an id make of their members: the owner
// puts them into the group, unless it is being deleted, and the others do so for
// Deny only.
func (r *roster) judge(id string) {
	claimants := r.claimants[id]
	if len(claimants) == 0 {
		return
	}
	number, _ := r.numbers.Get(id)
	owner := slices.MinFunc(claimants, func(a, b *claim) int { return a.CompareClaims(b.Meta) })
	for _, c := range claimants {
		is := membership{group: number, id: id, denyOnly: c != owner || c.Deleting || c.denyOnly}
		if was, ok := r.memberships.Get(c.number); !ok || *was != is {
			r.memberships.Set(c.number, &is)
		}
	}
	switch was, known := r.owners.Get(number); {
	case owner.Deleting || owner.denyOnly:
		r.owners.Remove(number)
	case !known || was != owner.number:
		r.owners.Set(number, owner.number)
	}
}

// publish ends the batch and begins the next one. There is some Group.
func (r *roster) publish() *groups {
	g := &groups{
		members: r.members.publish(), memberships: r.memberships.Done(),
		numbers: r.numbers.Done(), owners: r.owners.Done(), count: len(r.ids.names),
	}
	g.nested, _ = g.members.kinds.Get(kindName{typ: authz.TypeGroup})
	return g
}

// PutGroup takes a Group in, in place of the one with its name if there is one.
func (x *Index) PutGroup(namespace string, g *Group) {
	s := x.space(namespace)
	if s.roster == nil {
		s.roster = newRoster(&x.workspace)
	}
	s.roster.put(g)
}

// DeleteGroup takes a Group out, if it is there.
func (x *Index) DeleteGroup(namespace, name string) {
	s := x.spaces[namespace]
	if s == nil || s.roster == nil || !s.roster.remove(name) {
		return
	}
	x.changed[namespace] = s
	if len(s.roster.claims) == 0 {
		s.roster = nil
	}
}
