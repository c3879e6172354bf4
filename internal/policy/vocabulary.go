// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"math/bits"
	"slices"

	"github.com/rolecall/rolecall/internal/expr"
)

// Vocabulary is the linked resources and roles of one namespace: which roles
// allow and deny each (type, action) pair, inheritance and patterns included.
// It is immutable.
type Vocabulary struct {
	types, actions dict
	// declared is what there is of each type, by number.
	declared []resourceType
	pairs    []pair
	// slots finds a pair by the numbers of its names: its place in pairs, plus 1.
	slots []uint32
	// rows are sets of roles, of `words` words each. The first one is empty.
	rows  []uint64
	words int
	// roles are by number, and numbers by id. Nobody has the number 0.
	roles   []role
	ids     []string
	numbers map[string]uint32
}

// resourceType is the pairs of a type, which stand together.
type resourceType struct {
	first, actions int
}

// pair is a type with one of its actions, both by number.
type pair struct {
	typ, action uint32
	// The roles that cover it without a condition, and those that do by a
	// conditional permission.
	allow, deny, condAllow, condDeny row

	scopeRequired bool
	// closed says that the Resource is being deleted: an Allow no longer covers
	// the pair.
	closed bool
	// simple says that nothing but Allows without a condition cover it.
	simple bool
}

// row is where a set of roles begins; the zero row is the empty set.
type row uint32

// role is what holding a role id amounts to, beside its bits in the rows.
type role struct {
	assertable bool
	// inherits is what all claimants inherit, for the linker's reports.
	inherits    []string
	conditional []conditional
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
	mask := uint64(len(v.slots) - 1)
	for i := pairHash(t, a); ; i++ {
		place := v.slots[i&mask]
		if place == 0 {
			return nil, 0
		}
		if p := &v.pairs[place-1]; p.typ == t && p.action == a {
			return p, place - 1
		}
	}
}

// has reports whether a role is in a row.
func (v *Vocabulary) has(r row, role uint32) bool {
	return v.rows[int(r)+int(role>>6)]&(1<<(role&63)) != 0
}

// concerned returns how many roles have a permission that covers a pair. A role
// with permissions of two sorts counts twice.
func (v *Vocabulary) concerned(p *pair) int {
	n := 0
	for _, r := range [...]row{p.allow, p.deny, p.condAllow, p.condDeny} {
		for _, word := range v.rows[r : int(r)+v.words] {
			n += bits.OnesCount64(word)
		}
	}
	return n
}

// eachConcerned calls do with every role that has a permission that covers a pair.
func (v *Vocabulary) eachConcerned(p *pair, do func(role uint32)) {
	for i := range row(v.words) {
		word := v.rows[p.allow+i] | v.rows[p.deny+i] | v.rows[p.condAllow+i] | v.rows[p.condDeny+i]
		for ; word != 0; word &= word - 1 {
			do(uint32(i)*64 + uint32(bits.TrailingZeros64(word)))
		}
	}
}

// Covers reports whether a resource, which is a type or a pattern, means a
// declared type, and whether an action, a name or a pattern, is declared by one
// of those that it means.
func (v *Vocabulary) Covers(resource, action string) (typ, declared bool) {
	if IsPattern(resource) {
		for number, name := range v.types.names {
			if Match(resource, name) {
				typ = true
				if v.declares(uint32(number), action) {
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
	t := v.declared[typ]
	return slices.ContainsFunc(v.pairs[t.first:t.first+t.actions], func(p pair) bool {
		return Match(action, v.actions.names[p.action])
	})
}

// Actions returns the actions that the type's owner declares, sorted, and
// whether anything declares the type.
func (v *Vocabulary) Actions(resourceType string) ([]string, bool) {
	number, ok := v.types.find(resourceType)
	if !ok {
		return nil, false
	}
	t := v.declared[number]
	var names []string
	for _, p := range v.pairs[t.first : t.first+t.actions] {
		names = append(names, v.actions.names[p.action])
	}
	slices.Sort(names)
	return names, true
}

// Types returns the declared types, sorted.
func (v *Vocabulary) Types() []string {
	return slices.Clone(v.types.names)
}

// HasRole reports whether a Role claims the id.
func (v *Vocabulary) HasRole(id string) bool {
	return v.numbers[id] != 0
}

// RoleIDs returns the ids of the roles, sorted.
func (v *Vocabulary) RoleIDs() []string {
	return slices.Clone(v.ids[1:])
}

// Inherits returns what the Roles that claim the id inherit, sorted.
func (v *Vocabulary) Inherits(id string) []string {
	return v.roles[v.numbers[id]].inherits
}

// empty reports whether nothing is declared.
func (v *Vocabulary) empty() bool {
	return len(v.declared) == 0 && len(v.numbers) == 0
}
