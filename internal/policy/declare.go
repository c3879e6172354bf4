// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"maps"
	"slices"
)

// declaration is what the owner of a type declares.
type declaration struct {
	declared              bool
	actions               []string // sorted
	scopeRequired, closed bool
}

// declarationOf returns what some claimants of a type come to.
func declarationOf(claimants []*Resource) declaration {
	if len(claimants) == 0 {
		return declaration{}
	}
	owner := claimants[0]
	actions := slices.Clone(owner.Actions)
	slices.Sort(actions)
	return declaration{true, slices.Compact(actions), owner.ScopeRequired, owner.Deleting}
}

// change is how a type is declared in another way.
type change struct {
	typ string
	// appears says that the type is declared and was not, or the reverse.
	appears bool
	// actions are those that have come or gone, or are closed or open again.
	actions []string
}

// concerns reports whether an action, a name or a pattern, that is named of the
// type may mean other pairs than before, or be missed in another way.
func (c *change) concerns(action string) bool {
	return c.appears || slices.ContainsFunc(c.actions, func(a string) bool { return Match(action, a) })
}

// declareAll takes in who claims the types that others have claimed before, and
// returns what roles have to be told of.
func (k *linking) declareAll() []change {
	if len(k.formerResources) == 0 {
		return nil
	}
	k.v.declared = slices.Clone(k.v.declared)
	var changes []change
	for _, typ := range slices.Sorted(maps.Keys(k.formerResources)) {
		c := k.declare(typ, declarationOf(k.formerResources[typ]), declarationOf(k.resources[typ]))
		if c.appears || len(c.actions) > 0 {
			changes = append(changes, c)
		}
	}
	if len(changes) > 0 {
		k.v.types, k.v.actions = newDict(&k.types), newDict(&k.actions)
		k.v.pairs, k.tabled = make([]*pair, tableSize(len(k.pairNames.numbers))), true
	}
	for len(k.places) < len(k.pairs) {
		k.places = append(k.places, uint32(len(k.places)))
	}
	return changes
}

// declare makes the pairs of a type what is declared now.
func (k *linking) declare(typ string, was, is declaration) change {
	c := change{typ: typ, appears: was.declared != is.declared}
	if !was.declared {
		k.types.hold(typ)
	}
	number := k.types.numbers[typ]
	for _, action := range was.actions {
		if !slices.Contains(is.actions, action) {
			k.drop(number, action)
			c.actions = append(c.actions, action)
		}
	}
	t := resourceType{}
	for _, action := range is.actions {
		p, fresh := k.pairFor(number, action, slices.Contains(was.actions, action))
		p.scopeRequired = is.scopeRequired
		if fresh || p.closed != is.closed {
			p.closed, p.allow, p.condAllow = is.closed, nil, nil
			p.simplify()
			k.fresh = append(k.fresh, p.place)
			c.actions = append(c.actions, action)
		}
		t.actions = append(t.actions, p.action)
	}
	if missing := int(number) + 1 - len(k.v.declared); missing > 0 {
		k.v.declared = append(k.v.declared, make([]resourceType, missing)...)
	}
	k.v.declared[number] = t
	if !is.declared {
		k.types.release(number)
	}
	return c
}

// pairFor returns a pair in order to change it, and whether it is a new one, which
// it is unless it is there already.
func (k *linking) pairFor(typ uint32, action string, there bool) (p *pair, fresh bool) {
	if there {
		return k.own(k.pairNames.numbers[pairName{typ, k.actions.numbers[action]}]), false
	}
	number, _ := k.actions.hold(action)
	place, _ := k.pairNames.hold(pairName{typ, number})
	if int(place) == len(k.pairs) {
		k.pairs = append(k.pairs, nil)
	}
	k.pairs[place] = &pair{typ: typ, action: number, place: place}
	k.owned.add(place)
	return k.pairs[place], true
}

// drop takes a pair out, and with it the rows of all roles.
func (k *linking) drop(typ uint32, action string) {
	number := k.actions.numbers[action]
	place := k.pairNames.numbers[pairName{typ, number}]
	k.pairs[place] = nil
	k.pairNames.release(place)
	k.actions.release(number)
}
