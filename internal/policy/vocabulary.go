// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"hash/maphash"
	"maps"
	"slices"

	"github.com/rolecall/rolecall/internal/expr"
)

// Vocabulary is the linked resources and roles of one namespace: which roles
// allow and deny each (type, action) pair, inheritance and patterns included.
// It is immutable.
type Vocabulary struct {
	types map[string]resourceType
	pairs []pair
	// slots finds a pair by the hash of its names: its place in pairs, plus 1.
	slots []uint32
	// rows are sets of roles, of `words` words each. The first one is empty.
	rows  []uint64
	words int
	// roles are by number, and numbers by id. Nobody has the number 0.
	roles   []role
	numbers map[string]uint32
}

// resourceType is what the owner of a type declares: some pairs that stand
// together.
type resourceType struct {
	first, actions int
}

// pair is a type with one of its actions.
type pair struct {
	typ, action string
	// The roles that cover it without a condition, and those that do by a
	// conditional permission.
	allow, deny, condAllow, condDeny row

	scopeRequired bool
	// closed says that the Resource is being deleted: an Allow no longer covers
	// the pair.
	closed bool
}

// row is where a set of roles begins; the zero row is the empty set.
type row int

// role is what holding a role id amounts to, beside its bits in the rows.
type role struct {
	id         string
	assertable bool
	// inherits is what all claimants inherit, for the linker's reports.
	inherits    []string
	conditional []*conditional
}

// conditional is a permission with a condition, expanded: the places of the pairs
// that it covers, sorted.
type conditional struct {
	covers    []uint32
	deny      bool
	condition *expr.Program
}

func (c *conditional) coversPair(place uint32) bool {
	_, found := slices.BinarySearch(c.covers, place)
	return found
}

// vocabularySeed makes the hashes of a process its own.
var vocabularySeed = maphash.MakeSeed()

func pairHash(typ, action string) uint64 {
	return maphash.String(vocabularySeed, typ) + 3*maphash.String(vocabularySeed, action)
}

// pair returns a declared pair and its place, or nil.
func (v *Vocabulary) pair(typ, action string) (*pair, uint32) {
	mask := uint64(len(v.slots) - 1)
	for i := pairHash(typ, action); ; i++ {
		place := v.slots[i&mask]
		if place == 0 {
			return nil, 0
		}
		if p := &v.pairs[place-1]; p.action == action && p.typ == typ {
			return p, place - 1
		}
	}
}

// has reports whether a role is in a row.
func (v *Vocabulary) has(r row, role uint32) bool {
	return v.rows[int(r)+int(role>>6)]&(1<<(role&63)) != 0
}

// Actions returns the actions that the type's owner declares, sorted, and
// whether anything declares the type.
func (v *Vocabulary) Actions(resourceType string) ([]string, bool) {
	t, ok := v.types[resourceType]
	if !ok {
		return nil, false
	}
	var names []string
	for _, p := range v.pairs[t.first : t.first+t.actions] {
		names = append(names, p.action)
	}
	slices.Sort(names)
	return names, true
}

// Types returns the declared types, sorted.
func (v *Vocabulary) Types() []string {
	return slices.Sorted(maps.Keys(v.types))
}

// HasRole reports whether a Role claims the id.
func (v *Vocabulary) HasRole(id string) bool {
	return v.numbers[id] != 0
}

// RoleIDs returns the ids of the roles, sorted.
func (v *Vocabulary) RoleIDs() []string {
	return slices.Sorted(maps.Keys(v.numbers))
}

// Inherits returns what the Roles that claim the id inherit, sorted.
func (v *Vocabulary) Inherits(id string) []string {
	return v.roles[v.numbers[id]].inherits
}

// empty reports whether nothing is declared.
func (v *Vocabulary) empty() bool {
	return len(v.types) == 0 && len(v.numbers) == 0
}
