// SPDX-License-Identifier: Apache-2.0

package grants

import (
	"cmp"
	"slices"

	"github.com/rolecall/rolecall/internal/persist"
)

// Edit is a batch of changes to a table, which stays as it is. It is not safe
// for concurrent use. What it is told takes effect with Commit, in the order in
// which it was told.
type Edit struct {
	base     *Table
	released func(Key, Entry)
	journal  journal
	dir      directoryEdit
	fat      *persist.MapEdit[uint32, *Fat]
	nextFat  uint32
	// room is how many pages the directory may reckon with.
	room      int
	workspace *Workspace
}

// Edit begins a batch. At Commit, released is called for each entry that is
// removed, and for each that was added although it was there.
func (t *Table) Edit(w *Workspace, released func(Key, Entry)) *Edit {
	return &Edit{base: t, workspace: w, released: released, fat: t.fat.Edit(), nextFat: t.nextFat}
}

// Add files an entry under a key, whose Hash is given.
func (e *Edit) Add(hash uint64, k Key, entry Entry) {
	e.journal.add(op{hash: hash, key: k, entry: entry})
}

// Remove takes away what a binding has filed under the keys with a hash. Whether
// the binding is Special does not matter.
func (e *Edit) Remove(hash uint64, binding uint32) {
	e.journal.add(op{hash: hash, entry: Entry{Binding: binding &^ marks}, remove: true})
}

// Commit ends the batch and returns the table that it makes, which is the old one
// if nothing has changed; the next batch goes on from there.
func (e *Edit) Commit() *Table {
	if e.journal.n == 0 {
		return e.base
	}
	e.dir = e.base.edit()
	e.room = 16 * (e.dir.leaves + e.journal.n/buckets + 1)
	if e.journal.many == nil {
		e.apply(e.journal.few.sorted(e.workspace))
	}
	for i := range e.journal.many {
		e.apply(e.journal.many[i].sorted(e.workspace))
	}
	e.journal = journal{}
	e.dir.shrink()
	e.done()
	return e.base
}

// apply makes the pages that some changes call for.
func (e *Edit) apply(c changes) {
	for len(c.marks) > 0 {
		l := e.leafOf(c.marks[0].hash)
		var mine changes
		mine, c = c.cut(l.share(c.marks))
		e.dir.taken(l.page)
		e.rebuild(l, mine)
		e.join(l.prefix)
	}
}

// done makes the table of the directory.
func (e *Edit) done() {
	e.base = &Table{directory: e.dir.directory, fat: e.fat.Done(), nextFat: e.nextFat}
	e.dir = directoryEdit{}
	e.workspace.trim()
}

// Renumber gives the scopes and the bindings of all entries other numbers, which
// must be in the order of the old ones. It belongs between batches, and takes time
// in proportion to the table.
func (e *Edit) Renumber(change func(Entry) Entry) *Table {
	e.dir = e.base.edit()
	e.room = 16 * (e.dir.leaves + 1)
	for i, places := uint64(0), uint64(1)<<e.base.depth; i < places; {
		l := e.leafOf(i << (64 - e.base.depth))
		e.dir.taken(l.page)
		s := e.stage(l.page)
		s.renumber(change)
		s.emit(l.prefix, l.page.depth())
		i += 1 << (e.base.depth - l.page.depth())
	}
	e.done()
	return e.base
}

// leaf is a page and the bits that it stands for.
type leaf struct {
	prefix uint64
	page   page
}

func (e *Edit) leafOf(h uint64) leaf {
	p := e.dir.page(h)
	return leaf{prefix: h >> (64 - p.depth()) << (64 - p.depth()), page: p}
}

// share returns how many of the sorted changes belong to the leaf.
func (l leaf) share(marks []mark) int {
	shift := 64 - l.page.depth()
	n, _ := slices.BinarySearchFunc(marks, l.prefix>>shift+1, func(m mark, end uint64) int {
		return cmp.Compare(m.hash>>shift, end)
	})
	return n
}

const (
	// maxPage is how many bytes a page may have before it is split, and minPage
	// how few before it looks for a sibling to join.
	maxPage = 2048
	minPage = maxPage / 4
	// bulk is how many keys may change in a page before it is split beforehand.
	bulk = 32
)

// rebuild makes the pages that a leaf becomes by some changes.
func (e *Edit) rebuild(l leaf, c changes) {
	s := e.stage(l.page)
	if c.moreKeys(bulk) && e.splits(l.page.depth()) {
		left, right := s.halves(l.prefix, l.page.depth())
		e.dir.leaves++
		first, others := c.cut(left.share(c.marks))
		e.rebuild(left, first)
		e.rebuild(right, others)
		return
	}
	s.apply(c)
	s.settle()
	s.emit(l.prefix, l.page.depth())
}

// splits reports whether a page of this depth may be split. The directory must
// stay in proportion to the pages, also if a few keys are huge.
func (e *Edit) splits(depth uint8) bool {
	return depth < maxDepth && 1<<(depth+1) <= e.room
}

// join makes one page of two small ones, as long as there is a sibling.
func (e *Edit) join(h uint64) {
	for {
		l := e.leafOf(h)
		depth := l.page.depth()
		if depth == 0 || len(l.page) > minPage {
			return
		}
		sibling := e.leafOf(l.prefix ^ 1<<(64-depth))
		if sibling.page.depth() != depth || len(l.page)+len(sibling.page) > maxPage/2 {
			return
		}
		e.dir.taken(l.page)
		e.dir.taken(sibling.page)
		e.dir.leaves--
		s := e.stage(l.page)
		s.absorb(sibling.page)
		s.settle() // they may differ in their format
		s.emit(min(l.prefix, sibling.prefix), depth-1)
	}
}
