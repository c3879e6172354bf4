// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"cmp"
	"maps"
	"slices"
)

// linker expands the permissions of one namespace against its resources.
type linker struct {
	types map[string]*resourceType
	names []string // of the types, sorted
	size  int      // number of (type, action) pairs
	// closed are the pairs of resources that are being deleted: an Allow no
	// longer covers them.
	closed bitset
	// shared holds each expansion once: roles repeat each other.
	shared map[expansion]bitset
}

// expansion is the key of a shared bit set: one resource and one action, each a
// name or a pattern.
type expansion struct{ resource, action string }

func newLinker(resources []*Resource) *linker {
	l := &linker{types: make(map[string]*resourceType), shared: make(map[expansion]bitset)}
	owners := owners(resources)
	l.names = slices.Sorted(maps.Keys(owners))
	for _, name := range l.names {
		l.declare(owners[name])
	}
	l.closed = newBitset(l.size)
	for _, name := range l.names {
		if owners[name].Deleting {
			for _, i := range l.types[name].actions {
				l.closed.set(i)
			}
		}
	}
	return l
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

func (l *linker) declare(r *Resource) {
	t := &resourceType{actions: make(map[string]int32, len(r.Actions)), scopeRequired: r.ScopeRequired}
	for _, a := range r.Actions {
		if _, twice := t.actions[a]; !twice {
			t.actions[a] = int32(l.size)
			l.size++
		}
	}
	l.types[r.Type] = t
}

// node is one role id before inheritance: what its claimants say. Allows come
// from the owner alone, and only while it is not being deleted; Denies come from
// all.
type node struct {
	assertable    bool
	allow, deny   bitset
	conditional   []*conditional // in a fixed order: owner first, then by claim and index
	allowInherits []string
	denyInherits  []string
}

func (l *linker) nodes(roles []*Role) map[string]*node {
	claims := make(map[string][]*Role, len(roles))
	for _, r := range roles {
		claims[r.ID] = append(claims[r.ID], r)
	}
	nodes := make(map[string]*node, len(claims))
	for id, claimants := range claims {
		slices.SortFunc(claimants, func(a, b *Role) int { return a.CompareClaims(b.Meta) })
		nodes[id] = l.node(claimants)
	}
	return nodes
}

func (l *linker) node(claimants []*Role) *node {
	owner := claimants[0]
	n := &node{assertable: owner.Assertable}
	if !owner.Deleting {
		n.allowInherits = owner.Inherits
	}
	for i, r := range claimants {
		grants := i == 0 && !r.Deleting
		for j := range r.Permissions {
			l.addPermission(n, &r.Permissions[j], grants)
		}
		n.denyInherits = append(n.denyInherits, r.Inherits...)
	}
	slices.Sort(n.denyInherits)
	n.denyInherits = slices.Compact(n.denyInherits)
	return n
}

func (l *linker) addPermission(n *node, p *Permission, grants bool) {
	if !p.Deny && !grants {
		return
	}
	covers := l.expand(p)
	switch {
	case covers.empty():
	case p.Condition != nil:
		n.conditional = append(n.conditional, &conditional{covers: covers, deny: p.Deny, condition: p.Condition})
	case p.Deny:
		n.deny = l.union(n.deny, covers)
	default:
		n.allow = l.union(n.allow, covers)
	}
}

// expand returns the pairs that a permission covers.
func (l *linker) expand(p *Permission) bitset {
	var covers bitset
	for _, a := range p.Actions {
		covers = l.union(covers, l.expandOne(expansion{p.Resource, a}))
	}
	if p.Deny || l.closed.empty() {
		return covers
	}
	open := slices.Clone(covers)
	for i := range open {
		open[i] &^= l.closed[i]
	}
	return open
}

func (l *linker) expandOne(e expansion) bitset {
	if b, ok := l.shared[e]; ok {
		return b
	}
	b := newBitset(l.size)
	for _, name := range l.matching(e.resource) {
		for action, i := range l.types[name].actions {
			if Match(e.action, action) {
				b.set(i)
			}
		}
	}
	l.shared[e] = b
	return b
}

// matching returns the declared types that a name or a pattern means.
func (l *linker) matching(pattern string) []string {
	if !IsPattern(pattern) {
		if _, ok := l.types[pattern]; ok {
			return []string{pattern}
		}
		return nil
	}
	var names []string
	for _, name := range l.names {
		if Match(pattern, name) {
			names = append(names, name)
		}
	}
	return names
}

// union returns a with b in it. It may change neither if they are shared, so it
// copies; the nil set is a cheap start.
func (l *linker) union(a, b bitset) bitset {
	if a == nil {
		return b
	}
	u := slices.Clone(a)
	u.add(b)
	return u
}

// role links one id: what its node says and what it inherits. Inheritance is
// reachability, so a cycle changes nothing.
func (l *linker) role(id string, n *node, nodes map[string]*node) *role {
	r := &role{id: id, assertable: n.assertable, inherits: n.denyInherits}
	for _, reached := range reach(id, nodes, func(n *node) []string { return n.allowInherits }) {
		r.allow = l.union(r.allow, reached.allow)
		r.addConditional(reached, false)
	}
	for _, reached := range reach(id, nodes, func(n *node) []string { return n.denyInherits }) {
		r.deny = l.union(r.deny, reached.deny)
		r.addConditional(reached, true)
	}
	for _, c := range r.conditional {
		if c.deny {
			r.condDeny = l.union(r.condDeny, c.covers)
		} else {
			r.condAllow = l.union(r.condAllow, c.covers)
		}
	}
	return r
}

func (r *role) addConditional(n *node, deny bool) {
	for _, c := range n.conditional {
		if c.deny == deny {
			r.conditional = append(r.conditional, c)
		}
	}
}

// reach returns the nodes that can be reached from an id, itself included, in
// the order of their ids: the order in which conditions are evaluated must
// depend on the objects alone.
func reach(id string, nodes map[string]*node, next func(*node) []string) []*node {
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
	slices.SortFunc(todo, cmp.Compare)
	reached := make([]*node, len(todo))
	for i, id := range todo {
		reached[i] = nodes[id]
	}
	return reached
}
