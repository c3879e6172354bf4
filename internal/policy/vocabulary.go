// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"slices"

	"github.com/rolecall/rolecall/internal/expr"
	"github.com/rolecall/rolecall/internal/persist"
)

// Vocabulary is the linked resources and roles of one namespace: which roles
// allow and deny each (type, action) pair, inheritance and patterns included.
// It is immutable.
//
// Types, actions, pairs and roles have numbers, for as long as somebody declares
// them; see Linker. What stands by number has gaps where a number is free.
type Vocabulary struct {
	types, actions dict
	// declared is what there is of each type, by number.
	declared []resourceType
	pairs    pairTable
	// names are those of the pairs, by place.
	names []pairName
	// ids and conditionals are of roles, by number. Nobody has the number 0.
	ids          []string
	conditionals [][]conditional
	roles        *persist.Map[string, *role]
	// sortedIDs returns the ids in use, sorted. They are sorted when somebody asks.
	sortedIDs func() []string
	// size is how many types and roles there are.
	size int
	// described says that more is said of some type than what is declared, and judges
	// that some requests are to fit a schema.
	described, judges bool
}

// emptyVocabulary declares nothing.
var emptyVocabulary = &Vocabulary{
	types: newDict(&numbering[string]{}), actions: newDict(&numbering[string]{}),
	pairs: make(pairTable, tableSize(0)), ids: make([]string, 1), conditionals: make([][]conditional, 1),
	roles: persist.NewMap[string, *role](persist.Hash), sortedIDs: func() []string { return nil },
}

// resourceType is what there is of a type: its actions, by number, and its owner if
// that says more than what is declared.
type resourceType struct {
	actions   []uint32
	described *Resource
}

// pairName is a type and an action, both by number.
type pairName struct{ typ, action uint32 }

// role is what a role id amounts to, beside the rows that it is in.
type role struct {
	number     uint32
	assertable bool
	// inherits is what all claimants inherit, sorted, for reports.
	inherits []string
	// claimants are the Roles with the id, the owner first, for explanations.
	claimants []*Role
}

// conditional is a permission with a condition, expanded: the place of the pair
// that it covers, or the places of all if they are several, sorted.
type conditional struct {
	condition *expr.Program
	places    []uint32
	place     uint32
	deny      bool
}

func (c *conditional) covers(place uint32) bool {
	if c.places == nil {
		return c.place == place
	}
	_, found := slices.BinarySearch(c.places, place)
	return found
}

// equal reports whether both are the same permission.
func (c conditional) equal(o conditional) bool {
	return c.condition == o.condition && c.deny == o.deny && c.place == o.place && slices.Equal(c.places, o.places)
}

// pair returns a declared pair, or nil.
func (v *Vocabulary) pair(typ, action string) *pair {
	if len(typ) > persist.GistLen || len(action) > persist.GistLen {
		return v.longPair(typ, action)
	}
	return v.pairs.find(persist.GistOf(typ), persist.GistOf(action))
}

// longPair is pair for names of which the gists say not everything.
func (v *Vocabulary) longPair(typ, action string) (found *pair) {
	v.pairs.each(persist.GistOf(typ), persist.GistOf(action), func(p *pair) bool {
		if name := v.names[p.place()]; v.types.names[name.typ] == typ && v.actions.names[name.action] == action {
			found = p
		}
		return found == nil
	})
	return found
}

// pairOf returns the pair of a type and one of its actions, both by number.
func (v *Vocabulary) pairOf(typ, action uint32) *pair {
	return v.pair(v.types.names[typ], v.actions.names[action])
}

// Covers reports whether a resource, which is a type or a pattern, means a
// declared type, and whether an action, a name or a pattern, is declared by one
// of those that it means.
func (v *Vocabulary) Covers(resource, action string) (typ, declared bool) {
	if IsPattern(resource) {
		for number, name := range v.types.each() {
			if Match(resource, name) {
				typ = true
				if v.declares(number, action) {
					return true, true
				}
			}
		}
		return typ, false
	}
	number, ok := v.types.find(resource)
	return ok, ok && v.declares(number, action)
}

// declares reports whether a type has an action that a name or a pattern means.
func (v *Vocabulary) declares(typ uint32, action string) bool {
	if !IsPattern(action) {
		return v.pair(v.types.names[typ], action) != nil
	}
	return slices.ContainsFunc(v.declared[typ].actions, func(number uint32) bool {
		return Match(action, v.actions.names[number])
	})
}

// Actions returns the actions that the type's owner declares, sorted, and
// whether anything declares the type.
func (v *Vocabulary) Actions(resourceType string) ([]string, bool) {
	number, ok := v.types.find(resourceType)
	if !ok {
		return nil, false
	}
	var names []string
	for _, action := range v.declared[number].actions {
		names = append(names, v.actions.names[action])
	}
	slices.Sort(names)
	return names, true
}

// Types returns the declared types, sorted.
func (v *Vocabulary) Types() []string {
	var names []string
	for _, name := range v.types.each() {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// HasRole reports whether a Role claims the id.
func (v *Vocabulary) HasRole(id string) bool {
	_, ok := v.roles.Get(id)
	return ok
}

// RoleIDs returns the ids of the roles, sorted.
func (v *Vocabulary) RoleIDs() []string {
	return slices.Clone(v.sortedIDs())
}

// Inherits returns what the Roles that claim the id inherit, sorted.
func (v *Vocabulary) Inherits(id string) []string {
	if r, ok := v.roles.Get(id); ok {
		return r.inherits
	}
	return nil
}

// empty reports whether nothing is declared.
func (v *Vocabulary) empty() bool { return v.size == 0 }
