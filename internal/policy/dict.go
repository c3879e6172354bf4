// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"iter"
	"slices"

	"github.com/rolecall/rolecall/internal/persist"
)

// dict finds the numbers of names. It never changes once it is made. A built-in
// map would take three times as long to read: here, a name of up to
// persist.GistLen bytes is compared without being looked at.
type dict struct {
	names []string   // by number; a number may be free
	slots []dictSlot // see tableSize
}

type dictSlot struct {
	gist   persist.Gist
	number uint32 // plus 1; 0 is an empty slot
	marked bool
}

// newDict returns the names that somebody holds.
func newDict(n *numbering[string]) dict {
	return newMarkedDict(n, func(string) bool { return false })
}

// newMarkedDict is newDict with a mark on some names.
func newMarkedDict(n *numbering[string], mark func(name string) bool) dict {
	d := dict{names: slices.Clone(n.names), slots: make([]dictSlot, tableSize(len(n.numbers)))}
	mask := uint64(len(d.slots) - 1)
	for number, name := range d.names {
		if n.refs[number] == 0 {
			continue
		}
		gist := persist.GistOf(name)
		at := gist.Hash()
		for d.slots[at&mask].number != 0 {
			at++
		}
		d.slots[at&mask] = dictSlot{gist, uint32(number + 1), mark(name)}
	}
	return d
}

// each yields the numbers and the names, in no particular order.
func (d *dict) each() iter.Seq2[uint32, string] {
	return func(yield func(uint32, string) bool) {
		for i := range d.slots {
			if n := d.slots[i].number; n != 0 && !yield(n-1, d.names[n-1]) {
				return
			}
		}
	}
}

// tableSize returns how large a hash table of n things is: a power of two, and at
// least a third of it stays empty.
func tableSize(n int) int {
	size := 2
	for 2*size < 3*n {
		size *= 2
	}
	return size
}

// find returns the number of a name.
func (d *dict) find(name string) (number uint32, ok bool) {
	slot := d.slot(name)
	return slot.number - 1, slot.number != 0
}

// slot returns where a name stands, or an empty slot.
func (d *dict) slot(name string) *dictSlot {
	mask := uint64(len(d.slots) - 1)
	gist := persist.GistOf(name)
	for at := gist.Hash(); ; at++ {
		slot := &d.slots[at&mask]
		if slot.number == 0 || (slot.gist == gist && (len(name) <= persist.GistLen || d.names[slot.number-1] == name)) {
			return slot
		}
	}
}
