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
	ops      []op
	dir      directoryEdit
	fat      *persist.MapEdit[uint32, *Fat]
	nextFat  uint32
	// room is how many pages the directory may reckon with.
	room      int
	workspace *Workspace
}

// Workspace is memory that the batches of one goroutine use one after the other,
// however many tables they are for. The zero value is ready.
type Workspace struct {
	slots  []staged
	places []*staged
}

// op is one change: an entry that is added under a key, or all entries of a
// binding that are removed from the keys with the hash.
type op struct {
	hash   uint64
	key    Key
	entry  Entry
	remove bool
}

// Edit begins a batch. At Commit, released is called for each entry that is
// removed, and for each that was added although it was there.
func (t *Table) Edit(w *Workspace, released func(Key, Entry)) *Edit {
	return &Edit{base: t, workspace: w, released: released, fat: t.fat.Edit(), nextFat: t.nextFat}
}

// Add files an entry under a key, whose Hash is given.
func (e *Edit) Add(hash uint64, k Key, entry Entry) {
	e.ops = append(e.ops, op{hash: hash, key: k, entry: entry})
}

// Remove takes away what a binding has filed under the keys with a hash. Whether
// the binding is Special does not matter.
func (e *Edit) Remove(hash uint64, binding uint32) {
	e.ops = append(e.ops, op{hash: hash, entry: Entry{Binding: binding &^ Special}, remove: true})
}

const (
	// keptOps is how much room for changes a table keeps from batch to batch: a
	// lone change needs two, and there may be a great many tables.
	keptOps = 4
	// fewOps is how many changes are sorted as they are.
	fewOps = 1 << 10
	// keptSlots is how much room for a page is kept.
	keptSlots = 1 << 10
)

// Commit ends the batch and returns the table that it makes, which is the old one
// if nothing has changed; the next batch goes on from there.
func (e *Edit) Commit() *Table {
	if len(e.ops) == 0 {
		return e.base
	}
	e.dir = e.base.edit()
	ops := sortOps(e.ops)
	e.room = 16 * (e.dir.leaves + len(ops)/buckets + 1)
	for len(ops) > 0 {
		l := e.leafOf(ops[0].hash)
		n := l.share(ops)
		e.dir.taken(l.page)
		e.rebuild(l, ops[:n])
		e.join(l.prefix)
		ops = ops[n:]
	}
	e.dir.shrink()
	e.base = &Table{directory: e.dir.directory, fat: e.fat.Done(), nextFat: e.nextFat}
	e.dir = directoryEdit{}
	clear(e.ops) // the ids belong to somebody else
	if e.ops = e.ops[:0]; cap(e.ops) > keptOps {
		e.ops = nil
	}
	e.workspace.clear()
	return e.base
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
		s := newStage(e, l.page)
		s.renumber(change)
		s.emit(l.prefix, l.page.depth())
		i += 1 << (e.base.depth - l.page.depth())
	}
	e.base = &Table{directory: e.dir.directory, fat: e.fat.Done(), nextFat: e.nextFat}
	e.dir = directoryEdit{}
	return e.base
}

// clear lets go of what the last page was made of.
func (w *Workspace) clear() {
	if cap(w.slots)+cap(w.places) > keptSlots {
		*w = Workspace{}
		return
	}
	clear(w.slots)
	w.slots, w.places = w.slots[:0], w.places[:0]
}

// sortOps orders changes by hash; those of one hash stay in their order.
func sortOps(ops []op) []op {
	if len(ops) < fewOps {
		slices.SortStableFunc(ops, func(a, b op) int { return cmp.Compare(a.hash, b.hash) })
		return ops
	}
	// For millions, sorting numbers is many times as fast. The lower half of the
	// hash gives way to the place, so equal upper halves come in the order of the
	// places, which is what Commit needs.
	order := make([]uint64, len(ops))
	for i := range ops {
		order[i] = ops[i].hash&^(1<<32-1) | uint64(i)
	}
	order = sortUpperHalves(order)
	sorted := make([]op, len(ops))
	for i, o := range order {
		sorted[i] = ops[o&(1<<32-1)]
	}
	return sorted
}

// sortUpperHalves sorts numbers by their upper 32 bits and leaves equal ones in
// their order: a radix sort, byte by byte.
func sortUpperHalves(from []uint64) []uint64 {
	to := make([]uint64, len(from))
	for shift := 32; shift < 64; shift += 8 {
		var next [257]int
		for _, n := range from {
			next[n>>shift&0xff+1]++
		}
		for i := 1; i < len(next); i++ {
			next[i] += next[i-1]
		}
		for _, n := range from {
			at := &next[n>>shift&0xff]
			to[*at] = n
			*at++
		}
		from, to = to, from
	}
	return from
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
func (l leaf) share(ops []op) int {
	shift := 64 - l.page.depth()
	n, _ := slices.BinarySearchFunc(ops, l.prefix>>shift+1, func(o op, end uint64) int {
		return cmp.Compare(o.hash>>shift, end)
	})
	return n
}

const (
	// maxPage is how many bytes a page may have before it is split, and minPage
	// how few before it looks for a sibling to join.
	maxPage = 4096
	minPage = maxPage / 4
	// bulk is how many keys may change in a page before it is split beforehand.
	bulk = 64
)

// rebuild makes the pages that a leaf becomes by some changes.
func (e *Edit) rebuild(l leaf, ops []op) {
	s := newStage(e, l.page)
	if moreKeys(ops, bulk) && e.splits(l.page.depth()) {
		left, right := s.halves(l.prefix, l.page.depth())
		e.dir.leaves++
		n := left.share(ops)
		e.rebuild(left, ops[:n])
		e.rebuild(right, ops[n:])
		return
	}
	s.apply(ops)
	s.settle()
	s.emit(l.prefix, l.page.depth())
}

// splits reports whether a page of this depth may be split. The directory must
// stay in proportion to the pages, also if a few keys are huge.
func (e *Edit) splits(depth uint8) bool {
	return depth < maxDepth && 1<<(depth+1) <= e.room
}

// moreKeys reports whether sorted changes add to more than n different hashes.
func moreKeys(ops []op, n int) bool {
	if len(ops) <= n {
		return false
	}
	keys := 0
	for i := range ops {
		if !ops[i].remove && (i == 0 || ops[i].hash != ops[i-1].hash) {
			keys++
			if keys > n {
				return true
			}
		}
	}
	return false
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
		s := newStage(e, l.page)
		s.load(sibling.page)
		s.settle() // they may differ in their format
		s.emit(min(l.prefix, sibling.prefix), depth-1)
	}
}
