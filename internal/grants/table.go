// SPDX-License-Identifier: Apache-2.0

package grants

import (
	"slices"

	"github.com/rolecall/rolecall/internal/persist"
)

// Table is the bindings of a namespace by key. NewTable makes one. It is
// immutable and safe for any number of readers.
type Table struct {
	directory
	fat     *persist.Map[uint32, *Fat]
	nextFat uint32
}

// NewTable returns an empty table.
func NewTable() *Table {
	return &Table{
		directory: directory{pages: []page{emptyPage(0)}, leaves: 1, deepest: 1},
		fat:       persist.NewMap[uint32, *Fat](persist.HashNumber),
	}
}

// Find returns what is filed under a key.
func (t *Table) Find(kind uint32, id string) List {
	h := Key{kind, id}.Hash()
	p := t.page(h)
	head, raw := p.find(h, kind, id)
	if head.count() == apart {
		fat, _ := t.fat.Get(persist.Uint32(raw, 0))
		return List{fat: fat}
	}
	return newList(raw, head, p.wide())
}

// directory finds the page of a hash by its first bits, as in extendible
// hashing: where pages have fewer bits in common than the directory looks at,
// several places hold the same page. A large one is a tree of three levels, so that
// a change copies one node of each, which are of about one size at a million keys.
type directory struct {
	depth uint8 // how many bits it looks at
	// pages are those of a small directory, and branches the root of any other.
	pages    []page
	branches []*branch
	// leaves is the number of pages, and deepest of those that need all bits.
	leaves, deepest int
}

// branch and chunk are the lower levels of a directory.
type (
	branch [1 << branchBits]*chunk
	chunk  [1 << chunkBits]page
)

const (
	// flatBits is how many bits a directory looks at that is one list.
	flatBits   = 7
	branchBits = 6
	chunkBits  = 5
	// maxDepth bounds the directory, whatever the hashes are.
	maxDepth = 30
)

func (d *directory) page(h uint64) page { return *d.place(h >> 1 >> (63 - d.depth&63)) }

func (d *directory) place(i uint64) *page {
	if d.depth <= flatBits {
		return &d.pages[i]
	}
	return &d.branches[i>>(branchBits+chunkBits)][i>>chunkBits%(1<<branchBits)][i%(1<<chunkBits)]
}

// directoryEdit changes a copy of a directory; it copies each node at most once.
type directoryEdit struct {
	directory
	base *directory
}

func (d *directory) edit() directoryEdit {
	e := directoryEdit{directory: *d, base: d}
	e.pages, e.branches = slices.Clone(d.pages), slices.Clone(d.branches)
	return e
}

// put makes p the page of all hashes that begin like prefix, as far as its depth
// goes. The counts are the caller's.
func (d *directoryEdit) put(prefix uint64, p page) {
	for p.depth() > d.depth {
		d.resize(d.depth + 1)
		d.deepest = 0
	}
	if p.depth() == d.depth {
		d.deepest++
	}
	first, n := prefix>>(64-d.depth), uint64(1)<<(d.depth-p.depth())
	for i := first; i < first+n; i++ {
		d.own(i)
		*d.place(i) = p
	}
}

// own makes sure that the nodes above a place are not the base's.
func (d *directoryEdit) own(i uint64) {
	if d.depth <= flatBits || d.depth != d.base.depth {
		return
	}
	top, c := i>>(branchBits+chunkBits), i>>chunkBits%(1<<branchBits)
	before := d.base.branches[top]
	if d.branches[top] == before {
		d.branches[top] = new(*before)
	}
	if b := d.branches[top]; b[c] == before[c] {
		b[c] = new(*before[c])
	}
}

// taken accounts for a page that will be put anew.
func (d *directoryEdit) taken(p page) {
	if p.depth() == d.depth {
		d.deepest--
	}
}

// shrink gives back the bits that no page needs any more.
func (d *directoryEdit) shrink() {
	for d.deepest == 0 && d.depth > 0 {
		d.resize(d.depth - 1)
		d.deepest = d.countDeepest()
	}
}

func (d *directoryEdit) countDeepest() int {
	n := 0
	for i := range uint64(1) << d.depth {
		if d.place(i).depth() == d.depth {
			n++
		}
	}
	return n
}

// resize makes the directory look at more bits, or at fewer if no page needs
// them.
func (d *directoryEdit) resize(depth uint8) {
	size := uint64(1) << depth
	next := directory{depth: depth, leaves: d.leaves, deepest: d.deepest}
	if depth <= flatBits {
		next.pages = make([]page, size)
	} else {
		next.branches = make([]*branch, max(1, size>>(branchBits+chunkBits)))
		for i := range size >> chunkBits {
			at := &next.branches[i>>branchBits]
			if *at == nil {
				*at = new(branch)
			}
			(*at)[i%(1<<branchBits)] = new(chunk)
		}
	}
	for i := range size {
		*next.place(i) = d.page(i << (64 - depth))
	}
	d.directory = next
}
