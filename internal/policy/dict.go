// SPDX-License-Identifier: Apache-2.0

package policy

import "github.com/rolecall/rolecall/internal/persist"

// dict numbers some names, from 0. It never changes once it is made. A built-in
// map would take three times as long to read: here, a name of up to
// persist.GistLen bytes is compared without being looked at.
type dict struct {
	names []string
	slots []dictSlot // at most half full
}

type dictSlot struct {
	gist   persist.Gist
	number uint32 // plus 1; 0 is an empty slot
}

func newDict(names []string) dict {
	d := dict{names: names, slots: make([]dictSlot, tableSize(len(names)))}
	mask := uint64(len(d.slots) - 1)
	for i, name := range names {
		gist := persist.GistOf(name)
		at := gist.Hash()
		for d.slots[at&mask].number != 0 {
			at++
		}
		d.slots[at&mask] = dictSlot{gist, uint32(i + 1)}
	}
	return d
}

// tableSize returns how large a hash table of n things is: a power of two, and at
// least one place stays empty.
func tableSize(n int) int {
	size := 2
	for size < 2*n {
		size *= 2
	}
	return size
}

// find returns the number of a name. Long names that agree in their gists are
// gone through one by one: only the owner of the policy can choose them.
func (d *dict) find(name string) (number uint32, ok bool) {
	mask := uint64(len(d.slots) - 1)
	gist := persist.GistOf(name)
	for at := gist.Hash(); ; at++ {
		slot := &d.slots[at&mask]
		if slot.number == 0 {
			return 0, false
		}
		if slot.gist == gist && (len(name) <= persist.GistLen || d.names[slot.number-1] == name) {
			return slot.number - 1, true
		}
	}
}
