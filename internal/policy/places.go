// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"iter"

	"github.com/rolecall/rolecall/internal/persist"
)

// places finds numbers by names that are kept elsewhere: a hash table with a byte
// of each name's hash, so that hardly ever a wrong name is looked at. Names are
// written in a way that takes time to read.
type places struct {
	numbers []uint32
	tags    []uint8 // 0 is free
}

const minPlaces = 4

func newPlaces(n int) places {
	return places{numbers: make([]uint32, n), tags: make([]uint8, n)}
}

// tagOf returns what a place has of a hash: bits that do not choose the place.
func tagOf(hash uint64) uint8 { return uint8(hash>>56) | 1 }

// find returns where the number of a name stands, or would.
func (p *places) find(names *persist.NamesEdit, name string) (place uint64, found bool) {
	hash, mask := persist.Hash(name), uint64(len(p.tags)-1)
	for i := hash & mask; ; i = (i + 1) & mask {
		switch p.tags[i] {
		case 0:
			return i, false
		case tagOf(hash):
			if names.Is(p.numbers[i], name) {
				return i, true
			}
		}
	}
}

func (p *places) put(place uint64, name string, number uint32) {
	p.numbers[place], p.tags[place] = number, tagOf(persist.Hash(name))
}

// close empties a place and moves up what stood behind it only because it was
// taken.
func (p *places) close(names *persist.NamesEdit, place uint64) {
	mask := uint64(len(p.tags) - 1)
	for i := (place + 1) & mask; p.tags[i] != 0; i = (i + 1) & mask {
		home := persist.Hash(names.At(p.numbers[i])) & mask
		if (i-home)&mask >= (i-place)&mask {
			p.numbers[place], p.tags[place] = p.numbers[i], p.tags[i]
			place = i
		}
	}
	p.tags[place] = 0
}

// makeRoom makes a table of the right size for n names, if it is not: at most four
// fifths of it are taken, and not much less than an eighth. Those that are in it
// are given.
func (p *places) makeRoom(n int, all iter.Seq2[uint32, string]) {
	size := len(p.tags)
	switch {
	case 5*n > 4*size:
		size *= 2
	case 8*n < size && size > minPlaces:
		size /= 2
	default:
		return
	}
	*p = newPlaces(size)
	mask := uint64(size - 1)
	for number, name := range all {
		at := persist.Hash(name) & mask
		for p.tags[at] != 0 {
			at = (at + 1) & mask
		}
		p.put(at, name, number)
	}
}
