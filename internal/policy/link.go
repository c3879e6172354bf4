// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"slices"

	"github.com/rolecall/rolecall/internal/expr"
)

// node is one role id before inheritance: what its claimants say. Allows come
// from the owner alone, and only while it is not being deleted; Denies come from
// all.
type node struct {
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

// node returns the node of an id, or nil if nobody claims it.
func (k *linking) node(id string) *node {
	number, known := k.ids.numbers[id]
	if !known || len(k.roles[number]) == 0 {
		return nil
	}
	n := k.nodes[number]
	if n == nil {
		n = k.newNode(k.roles[number])
		if len(k.mentions.heirs[id]) > 0 {
			k.nodes[number] = n
		}
	}
	return n
}

func (k *linking) newNode(claimants []*Role) *node {
	owner := claimants[0]
	n := &node{denyInherits: inherited(claimants)}
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
				k.addPermission(n, p)
			}
		}
	}
	return n
}

func (k *linking) addPermission(n *node, p *Permission) {
	if covers := k.expand(p); len(covers) > 0 {
		n.grants = append(n.grants, grant{covers: covers, deny: p.Deny, condition: p.Condition})
	}
}

// expand returns the places of the pairs that a permission covers, sorted.
func (k *linking) expand(p *Permission) []uint32 {
	var covers []uint32
	actions := 0
	for a := range p.Actions.All() {
		if actions++; actions == 1 {
			covers = k.expandOne(p.Resource, a)
		} else {
			covers = append(slices.Clip(covers), k.expandOne(p.Resource, a)...)
		}
	}
	if actions == 1 {
		return covers // not this permission's own memory
	}
	slices.Sort(covers)
	return slices.Compact(covers)
}

func (k *linking) expandOne(resource, action string) []uint32 {
	if !IsPattern(resource) && !IsPattern(action) {
		return k.exact(resource, action)
	}
	m := k.mentions.at(resource, action)
	if !m.known {
		m.places, m.known = k.match(resource, action), true
	}
	return m.places
}

func (k *linking) exact(typ, action string) []uint32 {
	t, ok := k.v.types.find(typ)
	if !ok {
		return nil
	}
	a, ok := k.v.actions.find(action)
	if !ok {
		return nil
	}
	if place, ok := k.pairNames.numbers[pairName{t, a}]; ok {
		return k.places[place : place+1 : place+1]
	}
	return nil
}

// match returns the places of the pairs that a pattern covers, sorted.
func (k *linking) match(resource, action string) []uint32 {
	var covers []uint32
	for number, name := range k.v.types.each() {
		if !Match(resource, name) {
			continue
		}
		for _, a := range k.v.declared[number].actions {
			if Match(action, k.v.actions.names[a]) {
				covers = append(covers, k.pairNames.numbers[pairName{number, a}])
			}
		}
	}
	slices.Sort(covers)
	return covers
}

// cover says which pairs a role covers: by what its node says and by what it
// inherits. Inheritance is reachability, so a cycle changes nothing.
func (k *linking) cover(number uint32) {
	var conditions []conditional
	id := k.ids.names[number]
	if own := k.node(id); own != nil {
		for _, reached := range k.reach(id, own, (*node).allows) {
			conditions = k.coverBy(number, reached, false, conditions)
		}
		for _, reached := range k.reach(id, own, (*node).denies) {
			conditions = k.coverBy(number, reached, true, conditions)
		}
	}
	k.setConditions(number, conditions)
}

// coverBy gives a role the Allows or the Denies of a node.
func (k *linking) coverBy(number uint32, n *node, denies bool, conditions []conditional) []conditional {
	for i := range n.grants {
		g := &n.grants[i]
		if g.deny != denies {
			continue
		}
		if g.condition != nil {
			conditions = append(conditions, newConditional(g))
		}
		how := coverageOf(denies, g.condition != nil)
		for _, place := range g.covers {
			if denies || !k.pairs[place].closed {
				k.wanted(place)[how] |= 1 << (number & 63)
			}
		}
	}
	return conditions
}

func newConditional(g *grant) conditional {
	c := conditional{place: g.covers[0], deny: g.deny, condition: g.condition}
	if len(g.covers) > 1 {
		c.places = g.covers
	}
	return c
}

// setConditions gives a role its conditional permissions.
func (k *linking) setConditions(number uint32, conditions []conditional) {
	if slices.EqualFunc(k.v.conditionals[number], conditions, conditional.equal) {
		return
	}
	if !k.conditioned {
		k.v.conditionals, k.conditioned = slices.Clone(k.v.conditionals), true
	}
	k.v.conditionals[number] = slices.Clip(conditions)
}

// reach returns the nodes that can be reached from an id, itself included, in
// the order of their ids: the order in which conditions are evaluated must
// depend on the objects alone.
func (k *linking) reach(id string, own *node, next func(*node) []string) []*node {
	if len(next(own)) == 0 {
		return []*node{own}
	}
	nodes := map[string]*node{id: own}
	todo := []string{id}
	for i := 0; i < len(todo); i++ {
		for _, n := range next(nodes[todo[i]]) {
			if _, seen := nodes[n]; seen {
				continue
			}
			if reached := k.node(n); reached != nil {
				nodes[n] = reached
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
