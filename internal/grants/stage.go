// SPDX-License-Identifier: Apache-2.0

package grants

import (
	"encoding/binary"
	"slices"

	"github.com/rolecall/rolecall/internal/persist"
)

// stage is a page taken apart in order to be written anew.
type stage struct {
	edit  *Edit
	slots [buckets][]*staged
	wide  bool
}

// staged is one key of it. Until something changes, its entries stay as they
// were written.
type staged struct {
	slot
	wide bool // as the entries were written
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

// newStage takes a page apart, in memory that the next one takes over.
func newStage(e *Edit, p page) *stage {
	s := &stage{edit: e}
	e.workspace.clear()
	s.load(p)
	return s
}

func (s *stage) load(p page) {
	if p.empty() {
		return
	}
	s.wide = s.wide || p.wide()
	w := s.edit.workspace
	for b := range s.slots {
		first := len(w.places)
		for i, end := p.bucket(b); i < end; {
			x := s.slot()
			x.slot, i = p.slot(i)
			x.wide = p.wide()
			w.places = append(w.places, x)
		}
		places := w.places[first:len(w.places):len(w.places)]
		if len(s.slots[b]) == 0 {
			s.slots[b] = places
		} else {
			s.slots[b] = append(s.slots[b], places...)
		}
	}
}

// slot returns room for one key. When there is none left, it makes more and
// leaves the old one to those who have it.
func (s *stage) slot() *staged {
	w := s.edit.workspace
	if len(w.slots) == cap(w.slots) {
		w.slots = make([]staged, 0, 2*buckets)
	}
	w.slots = w.slots[:len(w.slots)+1]
	return &w.slots[len(w.slots)-1]
}

func (x *staged) key() Key { return Key{x.head.kind(), x.id} }

func (s *stage) apply(ops []op) {
	var last *staged // several changes of one key come together
	for i := range ops {
		o := &ops[i]
		if o.remove {
			s.remove(o)
			continue
		}
		if last == nil || i == 0 || o.hash != ops[i-1].hash || o.key != last.key() {
			last = s.find(o)
			s.open(last)
		}
		s.add(last, o)
	}
}

func (s *stage) remove(o *op) {
	for _, x := range s.slots[bucketOf(o.hash)] {
		if x.head.tag() == tagOf(o.hash) && x.key().Hash() == o.hash {
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
		s.edit.released(x.key(), e)
		return true
	}
	if x.fat == nil {
		x.entries = slices.DeleteFunc(x.entries, gone)
		return
	}
	x.fat.add = slices.DeleteFunc(x.fat.add, gone)
	x.fat.drop = append(x.fat.drop, binding)
}

func (s *stage) add(x *staged, o *op) {
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
	b, head := bucketOf(o.hash), newHead(o.hash, o.key.Kind, len(o.key.ID))
	for _, x := range s.slots[b] {
		if x.head.key() == head && x.id == o.key.ID {
			return x
		}
	}
	x := s.slot()
	x.slot = slot{head: head, id: o.key.ID}
	s.slots[b] = append(s.slots[b], x)
	return x
}

// open makes a key ready to be changed.
func (s *stage) open(x *staged) {
	if x.changed {
		return
	}
	x.changed = true
	if x.head.count() == apart {
		base, _ := s.edit.fat.Get(persist.Uint32(x.raw, 0))
		x.fat = &fatChange{base: base}
		return
	}
	l := List{raw: x.raw, wide: x.wide}
	x.entries = make([]Entry, 0, l.Len()+3)
	for i := range l.Len() {
		x.entries = append(x.entries, l.At(i))
	}
}

// settle writes what has changed, and takes out the keys that have nothing left.
func (s *stage) settle() {
	for b := range s.slots {
		for _, x := range s.slots[b] {
			if x.fat != nil {
				s.settleFat(x)
			}
			s.wide = s.wide || slices.ContainsFunc(x.entries, Entry.needsWide)
		}
	}
	for b := range s.slots {
		for _, x := range s.slots[b] {
			s.write(x)
		}
		s.slots[b] = slices.DeleteFunc(s.slots[b], func(x *staged) bool { return x.raw == "" })
	}
}

// renumber changes every entry. Smaller numbers may make a wide page narrow.
func (s *stage) renumber(change func(Entry) Entry) {
	s.wide = false
	for b := range s.slots {
		for _, x := range s.slots[b] {
			s.open(x)
			if x.fat != nil {
				s.edit.fat.Set(persist.Uint32(x.raw, 0), x.fat.base.renumbered(change))
				x.fat, x.changed = nil, false
				continue
			}
			for i := range x.entries {
				x.entries[i] = change(x.entries[i])
			}
		}
	}
	s.settle()
}

// write writes the entries of a key, if they have changed or the page has become
// wide.
func (s *stage) write(x *staged) {
	if x.wide != s.wide && x.head.count() != apart {
		s.open(x)
	}
	if !x.changed || x.fat != nil {
		return
	}
	var room [maxInline * wideSize]byte
	raw := room[:0]
	for _, e := range x.entries {
		raw = e.appendRaw(raw, s.wide)
	}
	x.head.setCount(byte(len(x.entries)))
	x.raw, x.wide = string(raw), s.wide
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
		x.fat, x.entries = nil, fat.all()
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
		s.edit.dir.put(prefix, encode(depth, s.wide, &s.slots, size))
		return
	}
	s.edit.dir.leaves++
	left, right := s.split(depth)
	left.emit(prefix, depth+1)
	right.emit(prefix|1<<(63-depth), depth+1)
}

// split parts the keys by the bit behind the first ones.
func (s *stage) split(depth uint8) (left, right *stage) {
	left, right = &stage{edit: s.edit, wide: s.wide}, &stage{edit: s.edit, wide: s.wide}
	for b := range s.slots {
		for _, x := range s.slots[b] {
			half := left
			if x.key().Hash()>>(63-depth)&1 != 0 {
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
	left = leaf{prefix: prefix, page: encode(depth+1, s.wide, &a.slots, a.size())}
	right = leaf{prefix: prefix | 1<<(63-depth), page: encode(depth+1, s.wide, &b.slots, b.size())}
	return left, right
}
