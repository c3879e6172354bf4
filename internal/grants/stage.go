// SPDX-License-Identifier: Apache-2.0

package grants

import (
	"encoding/binary"
	"slices"

	"github.com/rolecall/rolecall/internal/persist"
)

// stage is a page in the making. The buckets in which something changes are opened,
// which is to take them apart; the others are copied as they stand.
type stage struct {
	edit   *Edit
	page   page
	wide   bool
	opened uint32           // by bucket
	first  [buckets]*staged // of those that are opened
}

// staged is one key of a bucket that is opened. Until something changes, its
// entries stay as they were written.
type staged struct {
	slot
	next *staged
	wide bool // as the entries were written
	// entries are those of a key that has changed and is not kept apart.
	entries []Entry
	changed bool
	fat     *fatChange
}

// stage begins a page that replaces p. Its memory is that of the one before.
func (e *Edit) stage(p page) stage {
	e.workspace.reset()
	return stage{edit: e, page: p, wide: p.wide()}
}

// openBucket takes a bucket apart, unless it is.
func (s *stage) openBucket(b int) {
	if s.opened>>b&1 == 0 {
		s.opened |= 1 << b
		s.load(s.page, b)
	}
}

func (s *stage) openAll() {
	for b := range buckets {
		s.openBucket(b)
	}
}

// absorb adds the keys of another page.
func (s *stage) absorb(p page) {
	s.wide = s.wide || p.wide()
	s.openAll()
	for b := range buckets {
		s.load(p, b)
	}
}

func (s *stage) load(p page, b int) {
	if p.empty() {
		return
	}
	for i, end := p.bucket(b); i < end; {
		x := s.edit.workspace.slot()
		x.slot, i = p.slot(i)
		x.wide = p.wide()
		s.push(b, x)
	}
}

func (s *stage) push(b int, x *staged) { s.first[b], x.next = x, s.first[b] }

// each calls do with every key of the buckets that are opened.
func (s *stage) each(do func(*staged)) {
	for _, x := range s.first {
		for ; x != nil; x = x.next {
			do(x)
		}
	}
}

func (x *staged) key() Key { return Key{x.head.kind(), x.id} }

func (s *stage) apply(c changes) {
	var last *staged // several changes of one key come together
	var hash uint64
	for i := range c.marks {
		o := c.op(i)
		if o.remove {
			s.remove(&o)
			continue
		}
		if last == nil || o.hash != hash || o.key != last.key() {
			last, hash = s.find(&o), o.hash
			s.open(last)
		}
		s.add(last, &o)
	}
}

func (s *stage) remove(o *op) {
	b := bucketOf(o.hash)
	s.openBucket(b)
	for x := s.first[b]; x != nil; x = x.next {
		if x.head.tag() == tagOf(o.hash) && x.key().Hash() == o.hash {
			s.open(x)
			s.drop(x, o.entry.Binding)
		}
	}
}

// drop takes the entries of a binding out of a key.
func (s *stage) drop(x *staged, binding uint32) {
	gone := func(e Entry) bool {
		if e.Number() != binding {
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
	s.openBucket(b)
	for x := s.first[b]; x != nil; x = x.next {
		if x.head.key() == head && x.id == o.key.ID {
			return x
		}
	}
	x := s.edit.workspace.slot()
	x.slot = slot{head: head, id: o.key.ID}
	s.push(b, x)
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
	l := newList(x.raw, x.head, x.wide)
	x.entries = s.edit.workspace.list(l.Len() + addedAtOnce)
	for i := range l.Len() {
		x.entries = append(x.entries, l.At(i))
	}
}

// addedAtOnce is how many entries a key has room for that is changed.
const addedAtOnce = 4

// settle makes up the changes, and takes out the keys that have nothing left.
func (s *stage) settle() {
	s.each(func(x *staged) {
		if x.fat != nil {
			s.settleFat(x)
		}
		s.wide = s.wide || slices.ContainsFunc(x.entries, Entry.needsWide)
	})
	if s.wide != s.page.wide() {
		s.openAll()
	}
	for b := range s.first {
		for at := &s.first[b]; *at != nil; {
			if x := *at; s.settled(x) {
				at = &x.next
			} else {
				*at = x.next
			}
		}
	}
}

// settled makes up the head of a key, and reports whether there is anything left.
func (s *stage) settled(x *staged) bool {
	if x.wide != s.wide && x.head.count() != apart {
		s.open(x)
	}
	if !x.changed || x.fat != nil {
		return true
	}
	x.head.setCount(byte(len(x.entries)))
	return len(x.entries) > 0
}

// renumber changes every entry. Smaller numbers may make a wide page narrow.
func (s *stage) renumber(change func(Entry) Entry) {
	s.openAll()
	s.wide = false
	s.each(func(x *staged) {
		s.open(x)
		if x.fat != nil {
			s.edit.fat.Set(persist.Uint32(x.raw, 0), x.fat.base.renumbered(change))
			x.fat, x.changed = nil, false
			return
		}
		for i := range x.entries {
			x.entries[i] = change(x.entries[i])
		}
	})
	s.settle()
}

// size returns how many bytes the key takes in a page.
func (x *staged) size(wide bool) int { return headSize + len(x.id) + x.head.rawSize(wide) }

// size returns how many bytes the page takes.
func (s *stage) size() int {
	size := headerSize
	for b := range buckets {
		if s.opened>>b&1 == 0 {
			size += len(s.page.text(b))
		}
	}
	s.each(func(x *staged) { size += x.size(s.wide) })
	return size
}

// emit writes the stage as the page of a prefix, or as several if it is large.
func (s *stage) emit(prefix uint64, depth uint8) {
	size := s.size()
	if size <= maxPage || !s.edit.splits(depth) {
		s.edit.dir.put(prefix, s.encode(depth, size))
		return
	}
	s.edit.dir.leaves++
	left, right := s.split(depth)
	left.emit(prefix, depth+1)
	right.emit(prefix|1<<(63-depth), depth+1)
}

// split parts the keys by the bit behind the first ones.
func (s *stage) split(depth uint8) (left, right stage) {
	s.openAll()
	left = stage{edit: s.edit, wide: s.wide, opened: s.opened}
	right = left
	for b, x := range s.first {
		for x != nil {
			next := x.next
			if x.key().Hash()>>(63-depth)&1 != 0 {
				right.push(b, x)
			} else {
				left.push(b, x)
			}
			x = next
		}
	}
	return left, right
}

// halves writes both halves of a page that will be changed much.
func (s *stage) halves(prefix uint64, depth uint8) (left, right leaf) {
	a, b := s.split(depth)
	left = leaf{prefix: prefix, page: a.encode(depth+1, a.size())}
	right = leaf{prefix: prefix | 1<<(63-depth), page: b.encode(depth+1, b.size())}
	return left, right
}

// encode writes the page.
func (s *stage) encode(depth uint8, size int) page {
	if size == headerSize {
		return emptyPage(depth)
	}
	out := s.edit.workspace.bytes(size)
	if out = append(out, depth); s.wide {
		out[0] |= wideBit
	}
	out = out[:headerSize]
	for b := range buckets {
		binary.LittleEndian.PutUint32(out[1+4*b:], uint32(len(out)))
		if s.opened>>b&1 == 0 {
			out = append(out, s.page.text(b)...)
		}
		for x := s.first[b]; x != nil; x = x.next {
			out = x.appendTo(out, s.wide)
		}
	}
	binary.LittleEndian.PutUint32(out[1+4*buckets:], uint32(len(out)))
	return page(out)
}

func (x *staged) appendTo(out []byte, wide bool) []byte {
	out = binary.LittleEndian.AppendUint64(out, uint64(x.head))
	out = append(out, x.id...)
	if !x.changed || x.fat != nil {
		return append(out, x.raw...)
	}
	for _, e := range x.entries {
		out = e.appendRaw(out, wide)
	}
	return out
}
