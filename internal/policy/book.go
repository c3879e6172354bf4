// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"iter"
	"slices"

	"github.com/rolecall/rolecall/internal/persist"
)

// book is what the writer knows of each binding of a namespace: its number, and
// what is needed to take it out again. There may be millions, so it is arrays by
// number, and places, which finds them by name.
type book struct {
	names   *persist.NamesEdit
	records records
	// many holds the bindings that do not list exactly one subject.
	many   map[uint32]*filed
	places places
	free   []uint32
	live   int
}

// record is one binding.
type record struct {
	// digest is the caller's, of the object.
	digest uint64
	// subject is the hash of the key of the only subject; see many.
	subject uint64
}

// records are by number. They stand in pieces, because a list that grows keeps
// room that many records never fill; only the last piece grows.
type records struct {
	pieces [][]record
	n      uint32
}

const pieceRecords = 256

func (r *records) at(number uint32) *record {
	return &r.pieces[number/pieceRecords][number%pieceRecords]
}

// add makes room for one more and returns its number.
func (r *records) add() uint32 {
	if r.n%pieceRecords == 0 {
		r.pieces = append(r.pieces, nil)
	}
	last := &r.pieces[len(r.pieces)-1]
	*last = append(*last, record{})
	r.n++
	return r.n - 1
}

// filed is how a binding stands in the table.
type filed struct {
	roles   []uint32
	scope   uint32
	special bool
	limited bool
	// subjects are the hashes of the keys, in the order of the object. Two keys
	// with one hash of 64 secret bits are taken for the same.
	subjects []uint64
}

// sameEntries reports whether both give the same to each of their subjects.
func (f *filed) sameEntries(o *filed) bool {
	return f.scope == o.scope && f.special == o.special && f.limited == o.limited && slices.Equal(f.roles, o.roles)
}

// repeats reports whether a key in a part of the list stands outside of it too:
// subjects may differ and be one key, such as domains in two spellings.
func (f *filed) repeats(from, to int) bool {
	return slices.ContainsFunc(f.subjects[from:to], func(hash uint64) bool {
		return slices.Contains(f.subjects[:from], hash) || slices.Contains(f.subjects[to:], hash)
	})
}

func newBook() *book {
	return &book{names: persist.Names{}.Edit(), many: make(map[uint32]*filed), places: newPlaces(minPlaces)}
}

// find returns the number of a binding.
func (b *book) find(name string) (number uint32, found bool) {
	place, found := b.places.find(b.names, name)
	if !found {
		return 0, false
	}
	return b.places.numbers[place], true
}

// enter returns the number of a binding, which it gives one if it is not there.
func (b *book) enter(name string) (number uint32, known bool) {
	b.places.makeRoom(b.live+1, b.all())
	place, known := b.places.find(b.names, name)
	if known {
		return b.places.numbers[place], true
	}
	if last := len(b.free) - 1; last >= 0 {
		number, b.free = b.free[last], b.free[:last]
	} else {
		number = b.records.add()
	}
	b.places.put(place, name, number)
	b.names.Set(number, name)
	b.live++
	return number, false
}

// keep records how a binding is filed, in memory of its own.
func (b *book) keep(number uint32, digest uint64, f *filed) {
	r := b.records.at(number)
	r.digest = digest
	if len(f.subjects) == 1 {
		r.subject = f.subjects[0]
		delete(b.many, number)
		return
	}
	b.many[number] = &filed{
		roles: slices.Clone(f.roles), scope: f.scope, special: f.special, limited: f.limited, subjects: slices.Clone(f.subjects),
	}
}

// subjects returns the hashes of the keys that a binding is filed under.
func (b *book) subjects(number uint32) []uint64 {
	if f, ok := b.many[number]; ok {
		return f.subjects
	}
	return []uint64{b.records.at(number).subject}
}

// remove takes a binding out.
func (b *book) remove(name string) {
	place, found := b.places.find(b.names, name)
	if !found {
		return
	}
	number := b.places.numbers[place]
	b.places.close(b.names, place)
	b.names.Set(number, "")
	*b.records.at(number) = record{}
	delete(b.many, number)
	b.free = append(b.free, number)
	b.live--
	b.places.makeRoom(b.live, b.all())
}

// all yields the names of the bindings with their numbers.
func (b *book) all() iter.Seq2[uint32, string] { return b.names.All(b.records.n) }
