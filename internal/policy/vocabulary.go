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
	// pairs is a hash table, by the numbers of their names. It is never full.
	pairs []*pair
	// ids and conditionals are of roles, by number. Nobody has the number 0.
	ids          []string
	conditionals [][]conditional
	roles        *persist.Map[string, *role]
	// sortedIDs returns the ids in use, sorted. They are sorted when somebody asks.
	sortedIDs func() []string
	// size is how many types and roles there are.
	size int
	// described is what is said of the types beside what is declared.
	described described
}

// emptyVocabulary declares nothing.
var emptyVocabulary = &Vocabulary{
	types: newDict(&numbering[string]{}), actions: newDict(&numbering[string]{}),
	pairs: make([]*pair, tableSize(0)), ids: make([]string, 1), conditionals: make([][]conditional, 1),
	roles: persist.NewMap[string, *role](persist.Hash), sortedIDs: func() []string { return nil },
}

// resourceType is what there is of a type: its actions, by number.
type resourceType struct {
	actions []uint32
}

// pair is a type with one of its actions, both by number. It never changes once a
// vocabulary has it. What nearly every check reads stands together, and fills a
// cache line with the row that conditions need.
type pair struct {
	typ, action uint32
	// place is its own number.
	place uint32

	scopeRequired bool
	// closed says that the Resource is being deleted: an Allow no longer covers
	// the pair.
	closed bool
	// simple says that nothing but Allows without a condition cover it.
	simple bool

	// The roles that cover it without a condition, and those that do by a
	// conditional permission.
	allow, condAllow, deny, condDeny row

	_ [16]byte // up to two lines
}

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

func pairHash(typ, action uint32) uint64 {
	h := (uint64(typ)<<32 | uint64(action)) * 0x9e3779b97f4a7c15 // 2^64 divided by the golden ratio
	return h ^ h>>32
}

// pair returns a declared pair and its place, or nil.
func (v *Vocabulary) pair(typ, action string) (*pair, uint32) {
	t, ok := v.types.find(typ)
	if !ok {
		return nil, 0
	}
	a, ok := v.actions.find(action)
	if !ok {
		return nil, 0
	}
	return v.pairOf(t, a)
}

func (v *Vocabulary) pairOf(t, a uint32) (*pair, uint32) {
	if p := *slotOf(v.pairs, t, a); p != nil {
		return p, p.place
	}
	return nil, 0
}

// slotOf returns where a pair stands in a hash table, or would.
func slotOf(table []*pair, typ, action uint32) **pair {
	mask := uint64(len(table) - 1)
	for i := pairHash(typ, action); ; i++ {
		slot := &table[i&mask]
		if p := *slot; p == nil || (p.typ == typ && p.action == action) {
			return slot
		}
	}
}

// kinds is how many rows a pair has.
const kinds = 4

// row returns a row of a pair by its kind.
func (p *pair) row(kind uint32) *row {
	return [kinds]*row{&p.allow, &p.deny, &p.condAllow, &p.condDeny}[kind]
}

// simplify finds out whether the pair is simple.
func (p *pair) simplify() {
	p.simple = len(p.deny)+len(p.condAllow)+len(p.condDeny) == 0
}

// kindOf returns the kind of row that a permission puts a role into.
func kindOf(deny, conditional bool) uint32 {
	switch {
	case deny && conditional:
		return 3
	case conditional:
		return 2
	case deny:
		return 1
	}
	return 0
}

// others returns a word of the roles that cover the pair not simply by an Allow. It is
// small enough to be inlined.
func (p *pair) others(i int) uint64 { return p.deny.word(i) | p.condAllow.word(i) | p.condDeny.word(i) }

// concerned returns how many roles have a permission that covers a pair. A role
// with permissions of two sorts counts twice.
func (p *pair) concerned() int {
	return p.allow.count() + p.deny.count() + p.condAllow.count() + p.condDeny.count()
}

// eachConcerned calls do with every role that has a permission that covers a pair.
func (p *pair) eachConcerned(do func(role uint32)) {
	for i := range max(len(p.allow), len(p.deny), len(p.condAllow), len(p.condDeny)) {
		word := p.allow.word(i) | p.others(i)
		eachMember(i, word, do)
	}
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
		number, ok := v.actions.find(action)
		if !ok {
			return false
		}
		p, _ := v.pairOf(typ, number)
		return p != nil
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
