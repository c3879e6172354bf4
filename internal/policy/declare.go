// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"maps"
	"slices"

	"github.com/rolecall/rolecall/internal/persist"
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
		k.renamed = true
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
		place, fresh := k.placeFor(typ, action, slices.Contains(was.actions, action))
		p := k.change(place)
		p.scopeRequired = is.scopeRequired
		if fresh || p.closed != is.closed {
			p.closed = is.closed
			k.takeAllows(place)
			k.fresh = append(k.fresh, place)
			c.actions = append(c.actions, action)
		}
		t.actions = append(t.actions, k.pairNames.names[place].action)
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

// placeFor returns the place of a pair, and whether it is a new one, which it is
// unless it is there already.
func (k *linking) placeFor(typ, action string, there bool) (place uint32, fresh bool) {
	number := k.types.numbers[typ]
	if there {
		return k.pairNames.numbers[pairName{number, k.actions.numbers[action]}], false
	}
	named, _ := k.actions.hold(action)
	place, _ = k.pairNames.hold(pairName{number, named})
	if int(place) == len(k.pairs) {
		k.pairs = append(k.pairs, pair{})
	}
	k.pairs[place] = pair{typ: persist.GistOf(typ), action: persist.GistOf(action), number: place + 1, simple: true}
	return place, true
}

// takeAllows takes the Allows of all roles from a pair.
func (k *linking) takeAllows(place uint32) {
	for i := range k.pairs[place].row() {
		for _, how := range []coverage{allow, condAllow} {
			if k.pairs[place].word(how, i) != 0 {
				k.setWord(place, how, i, 0)
			}
		}
	}
}

// drop takes a pair out, and with it what roles have of it.
func (k *linking) drop(typ uint32, action string) {
	number := k.actions.numbers[action]
	place := k.pairNames.numbers[pairName{typ, number}]
	k.pairs[place] = pair{}
	k.pairNames.release(place)
	k.actions.release(number)
}
