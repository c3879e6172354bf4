// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"cmp"
	"maps"
	"slices"

	"github.com/rolecall/rolecall/internal/expr"
)

// Link makes the vocabulary of one namespace of all its resources and roles. The
// order of its arguments means nothing.
func Link(resources []*Resource, roles []*Role) *Vocabulary {
	l := newLinker(resources)
	nodes := l.nodes(roles)
	l.number(nodes)
	for number := range l.v.roles[1:] {
		l.role(uint32(number+1), nodes)
	}
	return l.v
}

// linker expands the permissions of one namespace against its resources.
type linker struct {
	v *Vocabulary
	// places are the numbers from 0: a part of them is the expansion of an exact
	// name.
	places []uint32
	// shared holds each expansion of a pattern once: roles repeat each other.
	shared map[expansion][]uint32
}

// expansion is the key of a shared list: one resource and one action, of which
// at least one is a pattern.
type expansion struct{ resource, action string }

func newLinker(resources []*Resource) *linker {
	l := &linker{v: &Vocabulary{ids: make([]string, 1)}, shared: make(map[expansion][]uint32)}
	owners := owners(resources)
	l.v.types = newDict(slices.Sorted(maps.Keys(owners)))
	l.v.actions = newDict(actionNames(owners))
	for number, name := range l.v.types.names {
		l.declare(uint32(number), owners[name])
	}
	l.fillSlots()
	l.places = make([]uint32, len(l.v.pairs))
	for i := range l.places {
		l.places[i] = uint32(i)
	}
	return l
}

// actionNames returns the names of all actions, sorted.
func actionNames(owners map[string]*Resource) []string {
	names := make(map[string]bool)
	for _, r := range owners {
		for _, a := range r.Actions {
			names[a] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// owners returns, of the resources that claim a type, the one that owns it.
func owners(resources []*Resource) map[string]*Resource {
	m := make(map[string]*Resource, len(resources))
	for _, r := range resources {
		if o := m[r.Type]; o == nil || r.CompareClaims(o.Meta) < 0 {
			m[r.Type] = r
		}
	}
	return m
}

func (l *linker) declare(number uint32, r *Resource) {
	t := resourceType{first: len(l.v.pairs)}
	seen := make(map[string]bool, len(r.Actions))
	for _, name := range r.Actions {
		if !seen[name] {
			seen[name] = true
			action, _ := l.v.actions.find(name)
			l.v.pairs = append(l.v.pairs, pair{
				typ: number, action: action, scopeRequired: r.ScopeRequired, closed: r.Deleting, simple: true,
			})
		}
	}
	t.actions = len(l.v.pairs) - t.first
	l.v.declared = append(l.v.declared, t)
}

// fillSlots makes the hash table of the pairs.
func (l *linker) fillSlots() {
	l.v.slots = make([]uint32, tableSize(len(l.v.pairs)))
	mask := uint64(len(l.v.slots) - 1)
	for place := range l.v.pairs {
		i := pairHash(l.v.pairs[place].typ, l.v.pairs[place].action)
		for l.v.slots[i&mask] != 0 {
			i++
		}
		l.v.slots[i&mask] = uint32(place + 1)
	}
}

// node is one role id before inheritance: what its claimants say. Allows come
// from the owner alone, and only while it is not being deleted; Denies come from
// all.
type node struct {
	assertable    bool
	grants        []grant // in a fixed order: owner first, then by claim and index
	allowInherits []string
	denyInherits  []string
}

func (n *node) allows() []string { return n.allowInherits }
func (n *node) denies() []string { return n.denyInherits }

// grant is a permission, expanded. The places that it covers are sorted.
type grant struct {
	covers    []uint32
	deny      bool
	condition *expr.Program
}

func (l *linker) nodes(roles []*Role) map[string]*node {
	byClaim := slices.Clone(roles)
	slices.SortFunc(byClaim, func(a, b *Role) int { return cmp.Or(cmp.Compare(a.ID, b.ID), a.CompareClaims(b.Meta)) })
	nodes := make(map[string]*node, len(roles))
	for len(byClaim) > 0 {
		id, n := byClaim[0].ID, 1
		for n < len(byClaim) && byClaim[n].ID == id {
			n++
		}
		nodes[id] = l.node(byClaim[:n])
		l.v.ids = append(l.v.ids, id)
		byClaim = byClaim[n:]
	}
	return nodes
}

func (l *linker) node(claimants []*Role) *node {
	owner := claimants[0]
	n := &node{assertable: owner.Assertable}
	if !owner.Deleting {
		n.allowInherits = owner.Inherits
	}
	permissions := 0
	for _, r := range claimants {
		permissions += len(r.Permissions)
	}
	n.grants = make([]grant, 0, permissions)
	for i, r := range claimants {
		grants := i == 0 && !r.Deleting
		for j := range r.Permissions {
			if p := &r.Permissions[j]; p.Deny || grants {
				l.addPermission(n, p)
			}
		}
		n.denyInherits = append(n.denyInherits, r.Inherits...)
	}
	if len(n.denyInherits) > 1 {
		slices.Sort(n.denyInherits)
		n.denyInherits = slices.Compact(n.denyInherits)
	}
	return n
}

func (l *linker) addPermission(n *node, p *Permission) {
	if covers := l.expand(p); len(covers) > 0 {
		n.grants = append(n.grants, grant{covers: covers, deny: p.Deny, condition: p.Condition})
	}
}

// expand returns the places of the pairs that a permission covers, sorted.
func (l *linker) expand(p *Permission) []uint32 {
	if len(p.Actions) == 1 {
		return l.expandOne(p.Resource, p.Actions[0])
	}
	var covers []uint32
	for _, a := range p.Actions {
		covers = append(covers, l.expandOne(p.Resource, a)...)
	}
	slices.Sort(covers)
	return slices.Compact(covers)
}

func (l *linker) expandOne(resource, action string) []uint32 {
	if !IsPattern(resource) && !IsPattern(action) {
		if p, place := l.v.pair(resource, action); p != nil {
			return l.places[place : place+1 : place+1]
		}
		return nil
	}
	e := expansion{resource, action}
	covers, ok := l.shared[e]
	if !ok {
		covers = l.match(resource, action)
		l.shared[e] = covers
	}
	return covers
}

func (l *linker) match(resource, action string) []uint32 {
	var covers []uint32
	for number, name := range l.v.types.names {
		if !Match(resource, name) {
			continue
		}
		t := l.v.declared[number]
		for place := t.first; place < t.first+t.actions; place++ {
			if Match(action, l.v.actions.names[l.v.pairs[place].action]) {
				covers = append(covers, uint32(place))
			}
		}
	}
	return covers
}

// number gives the roles numbers, in the order of their ids.
func (l *linker) number(nodes map[string]*node) {
	l.v.numbers = make(map[string]uint32, len(nodes))
	l.v.roles = make([]role, len(l.v.ids))
	for i, id := range l.v.ids[1:] {
		l.v.numbers[id] = uint32(i + 1)
		l.v.roles[i+1] = role{assertable: nodes[id].assertable, inherits: nodes[id].denyInherits}
	}
	l.v.words = len(l.v.roles)/64 + 1
	// Nearly every pair is allowed to somebody.
	l.v.rows = make([]uint64, l.v.words, l.v.words*(len(l.v.pairs)+1))
}

// role links one role: what its node says and what it inherits. Inheritance is
// reachability, so a cycle changes nothing.
func (l *linker) role(number uint32, nodes map[string]*node) {
	id := l.v.ids[number]
	for _, reached := range reach(id, nodes, (*node).allows) {
		l.addGrants(number, reached, false)
	}
	for _, reached := range reach(id, nodes, (*node).denies) {
		l.addGrants(number, reached, true)
	}
}

// addGrants gives a role the Allows or the Denies of a node.
func (l *linker) addGrants(number uint32, n *node, deny bool) {
	for i := range n.grants {
		g := &n.grants[i]
		if g.deny != deny {
			continue
		}
		if g.condition != nil {
			r := &l.v.roles[number]
			r.conditional = append(r.conditional, newConditional(g))
		}
		for _, place := range g.covers {
			p := &l.v.pairs[place]
			if deny || !p.closed {
				l.add(p.row(deny, g.condition != nil), number)
				p.simple = p.simple && !deny && g.condition == nil
			}
		}
	}
}

func newConditional(g *grant) conditional {
	c := conditional{place: g.covers[0], deny: g.deny, condition: g.condition}
	if len(g.covers) > 1 {
		c.places = g.covers
	}
	return c
}

// row returns the set that a permission puts a role into.
func (p *pair) row(deny, conditional bool) *row {
	switch {
	case deny && conditional:
		return &p.condDeny
	case deny:
		return &p.deny
	case conditional:
		return &p.condAllow
	}
	return &p.allow
}

// add puts a role into a row, which it makes if it is the empty one.
func (l *linker) add(r *row, number uint32) {
	if *r == 0 {
		*r = row(len(l.v.rows))
		l.v.rows = slices.Grow(l.v.rows, l.v.words)[:len(l.v.rows)+l.v.words]
	}
	l.v.rows[int(*r)+int(number>>6)] |= 1 << (number & 63)
}

// reach returns the nodes that can be reached from an id, itself included, in
// the order of their ids: the order in which conditions are evaluated must
// depend on the objects alone.
func reach(id string, nodes map[string]*node, next func(*node) []string) []*node {
	if len(next(nodes[id])) == 0 {
		return []*node{nodes[id]}
	}
	seen := map[string]bool{id: true}
	todo := []string{id}
	for i := 0; i < len(todo); i++ {
		for _, n := range next(nodes[todo[i]]) {
			if nodes[n] != nil && !seen[n] {
				seen[n] = true
				todo = append(todo, n)
			}
		}
	}
	slices.Sort(todo)
	reached := make([]*node, len(todo))
	for i, id := range todo {
		reached[i] = nodes[id]
	}
	return reached
}
