// SPDX-License-Identifier: Apache-2.0

package grants

import (
	"encoding/binary"
	"slices"
)

// stage is a page taken apart in order to be written anew.
type stage struct {
	edit  *Edit
	slots [buckets][]*staged
}

// staged is one key of it. Until something changes, its entries stay as they
// were written.
type staged struct {
	slot
	// entries are those of a key that has changed and is not kept apart.
	entries []Entry
	changed bool
	fat     *fatChange
}

// fatChange is what is to be changed in a key that is kept apart.
type fatChange struct {
	base *Fat
	add  []Entry
	drop []uint32 // bindings
}

func newStage(e *Edit, p page) *stage {
	s := &stage{edit: e}
	s.load(p)
	return s
}

func (s *stage) load(p page) {
	if p.empty() {
		return
	}
	n := p.count()
	all, places := make([]staged, n), make([]*staged, n)
	next := 0
	for b := range s.slots {
		first := next
		for i, end := p.bucket(b); i < end; next++ {
			all[next].slot, i = p.slot(i)
			places[next] = &all[next]
		}
		if s.slots[b] == nil {
			s.slots[b] = places[first:next:next]
		} else {
			s.slots[b] = append(s.slots[b], places[first:next]...)
		}
	}
}

// count returns the number of keys in a page.
func (p page) count() int {
	n := 0
	for i := headerSize; i < len(p); n++ {
		_, i = p.slot(i)
	}
	return n
}

func (x *staged) hash() uint64 { return Key{x.kind, x.id}.Hash() }

// apply makes the changes to the keys of one hash.
func (s *stage) apply(ops []op) {
	for i := range ops {
		if o := &ops[i]; o.remove {
			s.remove(o)
		} else {
			s.add(o)
		}
	}
}

func (s *stage) remove(o *op) {
	for _, x := range s.slots[bucketOf(o.hash)] {
		if x.tag == tagOf(o.hash) && x.hash() == o.hash {
			s.open(x)
			s.drop(x, o.entry.Binding)
		}
	}
}

// drop takes the entries of a binding out of a key.
func (s *stage) drop(x *staged, binding uint32) {
	gone := func(e Entry) bool {
		if e.Binding&^Special != binding {
			return false
		}
		s.edit.released(Key{x.kind, x.id}, e)
		return true
	}
	if x.fat == nil {
		x.entries = slices.DeleteFunc(x.entries, gone)
		return
	}
	x.fat.add = slices.DeleteFunc(x.fat.add, gone)
	x.fat.drop = append(x.fat.drop, binding)
}

func (s *stage) add(o *op) {
	x := s.find(o)
	s.open(x)
	if x.fat != nil {
		x.fat.add = append(x.fat.add, o.entry)
		return
	}
	if slices.Contains(x.entries, o.entry) {
		s.edit.released(o.key, o.entry)
		return
	}
	x.entries = append(x.entries, o.entry)
	if len(x.entries) > maxInline {
		x.fat, x.entries = &fatChange{base: noFat, add: x.entries}, nil
	}
}

// find returns the slot of an addition, which it makes if there is none.
func (s *stage) find(o *op) *staged {
	b := bucketOf(o.hash)
	for _, x := range s.slots[b] {
		if x.tag == tagOf(o.hash) && x.kind == o.key.Kind && x.id == o.key.ID {
			return x
		}
	}
	x := &staged{slot: slot{tag: tagOf(o.hash), kind: o.key.Kind, id: o.key.ID}}
	s.slots[b] = append(s.slots[b], x)
	return x
}

// open makes a key ready to be changed.
func (s *stage) open(x *staged) {
	if x.changed {
		return
	}
	x.changed = true
	if x.count == apart {
		base, _ := s.edit.fat.Get(u32(x.raw, 0))
		x.fat = &fatChange{base: base}
		return
	}
	l := List{raw: x.raw}
	x.entries = make([]Entry, 0, l.Len()+3)
	for i := range l.Len() {
		x.entries = append(x.entries, l.At(i))
	}
}

// settle writes what has changed, and takes out the keys that have nothing left.
func (s *stage) settle() {
	for b := range s.slots {
		s.slots[b] = slices.DeleteFunc(s.slots[b], func(x *staged) bool {
			if !x.changed {
				return false
			}
			if x.fat != nil {
				s.settleFat(x)
			}
			if x.fat == nil {
				x.count, x.raw = byte(len(x.entries)), rawEntries(x.entries)
			}
			return x.raw == ""
		})
	}
}

func rawEntries(entries []Entry) string {
	raw := make([]byte, 0, maxInline*entrySize)
	for _, e := range entries {
		raw = binary.LittleEndian.AppendUint32(raw, e.Role)
		raw = binary.LittleEndian.AppendUint32(raw, e.Scope)
		raw = binary.LittleEndian.AppendUint32(raw, e.Binding)
	}
	return string(raw)
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
		s.edit.released(Key{x.kind, x.id}, e)
	}
	fat := x.fat.base.with(s.onlyNew(x, removed), removed)
	if fat.Len() <= maxInline/2 {
		if x.count == apart {
			s.edit.fat.Remove(u32(x.raw, 0))
		}
		x.fat, x.entries = nil, fat.all()
		return
	}
	if x.count != apart {
		s.edit.nextFat++
		x.count, x.raw = apart, string(binary.LittleEndian.AppendUint32(nil, s.edit.nextFat))
	}
	s.edit.fat.Set(u32(x.raw, 0), fat)
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
			s.edit.released(Key{x.kind, x.id}, e)
			continue
		}
		out = append(out, e)
	}
	return out
}

func (s *stage) size() int {
	size := headerSize
	for b := range s.slots {
		for _, x := range s.slots[b] {
			size += x.size()
		}
	}
	return size
}

// emit writes the stage as the page of a prefix, or as several if it is large.
func (s *stage) emit(prefix uint64, depth uint8) {
	size := s.size()
	if size <= maxPage || !s.edit.splits(depth) {
		s.edit.dir.put(prefix, encode(depth, &s.slots, size))
		return
	}
	s.edit.dir.leaves++
	left, right := s.split(depth)
	left.emit(prefix, depth+1)
	right.emit(prefix|1<<(63-depth), depth+1)
}

// split parts the keys by the bit behind the first ones.
func (s *stage) split(depth uint8) (left, right *stage) {
	left, right = &stage{edit: s.edit}, &stage{edit: s.edit}
	for b := range s.slots {
		for _, x := range s.slots[b] {
			half := left
			if x.hash()>>(63-depth)&1 != 0 {
				half = right
			}
			half.slots[b] = append(half.slots[b], x)
		}
	}
	return left, right
}

// halves writes both halves of a page that will be changed much.
func (s *stage) halves(prefix uint64, depth uint8) (left, right leaf) {
	a, b := s.split(depth)
	left = leaf{prefix: prefix, page: encode(depth+1, &a.slots, a.size())}
	right = leaf{prefix: prefix | 1<<(63-depth), page: encode(depth+1, &b.slots, b.size())}
	return left, right
}
