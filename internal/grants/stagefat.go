// SPDX-License-Identifier: Apache-2.0

package grants

import (
	"encoding/binary"
	"slices"

	"github.com/rolecall/rolecall/internal/persist"
)

// fatChange is what is to be changed in a key that is kept apart.
type fatChange struct {
	base *Fat
	add  []Entry
	drop []uint32 // bindings
}

// settleFat makes the changes to a key that is kept apart, and takes it back if
// it has become short.
func (s *stage) settleFat(x *staged) {
	var removed []Entry
	for _, binding := range x.fat.drop {
		removed = append(removed, x.fat.base.of(binding)...)
	}
	slices.SortFunc(removed, compareEntries)
	removed = slices.Compact(removed)
	for _, e := range removed {
		s.edit.released(x.key(), e)
	}
	fat := x.fat.base.with(s.onlyNew(x, removed), removed)
	if fat.Len() <= maxInline/2 {
		if x.head.count() == apart {
			s.edit.fat.Remove(persist.Uint32(x.raw, 0))
		}
		x.fat, x.entries = nil, fat.All()
		return
	}
	if x.head.count() != apart {
		s.edit.nextFat++
		x.head.setCount(apart)
		x.raw = string(binary.LittleEndian.AppendUint32(nil, s.edit.nextFat))
	}
	s.edit.fat.Set(persist.Uint32(x.raw, 0), fat)
}

func compareEntries(a, b Entry) int { return a.byScope().Compare(b.byScope()) }

// onlyNew returns the additions to a key that is kept apart, without those that
// are there already and stay.
func (s *stage) onlyNew(x *staged, removed []Entry) []Entry {
	add := x.fat.add
	slices.SortFunc(add, compareEntries)
	var out []Entry
	for i, e := range add {
		_, gone := slices.BinarySearchFunc(removed, e, compareEntries)
		if (i > 0 && e == add[i-1]) || (!gone && x.fat.base.has(e)) {
			s.edit.released(x.key(), e)
			continue
		}
		out = append(out, e)
	}
	return out
}
