// SPDX-License-Identifier: Apache-2.0

package grants

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/rolecall/rolecall/internal/persist"
)

// journal is what an Edit has been told, in the order in which it was told, as
// text without pointers: millions of changes cost the garbage collector nothing.
// A long one is spread over parts by the first bits of the hashes, each small
// enough for the caches of a core. The zero value is empty.
type journal struct {
	n    int
	size int
	// few are all the changes, unless they stand in many.
	few  part
	many []part
}

const (
	// spreadAt is how many bytes a journal has when it is spread.
	spreadAt = 1 << 18
	partBits = 8
	// blockSize is how many bytes a block of a part has, unless one change takes
	// more.
	blockSize = 1 << 13
	// loneSize is enough for a binding that gives one subject another role.
	loneSize = 128
)

// part is some of the changes, in blocks that never move.
type part struct {
	full []string
	last strings.Builder
	// removes says that some of them are removals.
	removes bool
}

// op is one change: an entry that is added under a key, or all entries of a
// binding that are removed from the keys with the hash.
type op struct {
	hash   uint64
	key    Key
	entry  Entry
	remove bool
}

// A change is written as the hash (8 bytes), the kind, the role, the scope and the
// binding (4 bytes each), the length of the id (4 bytes), and the id. All bits of
// the length say that it is a removal.
const (
	opSize    = 28
	lengthAt  = 24
	isRemoval = 1<<32 - 1
)

func (j *journal) add(o op) {
	var head [opSize]byte
	length := uint32(len(o.key.ID))
	if o.remove {
		length = isRemoval
	}
	binary.LittleEndian.PutUint64(head[0:], o.hash)
	binary.LittleEndian.PutUint32(head[8:], o.key.Kind)
	binary.LittleEndian.PutUint32(head[12:], o.entry.Role)
	binary.LittleEndian.PutUint32(head[16:], o.entry.Scope)
	binary.LittleEndian.PutUint32(head[20:], o.entry.Binding)
	binary.LittleEndian.PutUint32(head[lengthAt:], length)
	size := len(head) + len(o.key.ID)
	p := j.part(o.hash)
	p.makeRoom(size)
	p.last.Write(head[:])
	p.last.WriteString(o.key.ID)
	p.removes = p.removes || o.remove
	j.n, j.size = j.n+1, j.size+size
	if j.many == nil && j.size > spreadAt {
		j.spread()
	}
}

func (j *journal) part(hash uint64) *part {
	if j.many == nil {
		return &j.few
	}
	return &j.many[hash>>(64-partBits)]
}

func (j *journal) spread() {
	all := j.few
	*j = journal{many: make([]part, 1<<partBits)}
	for _, block := range all.blocks() {
		for at := 0; at < len(block); at = opEnd(block, at) {
			j.add(readOp(block, at))
		}
	}
}

func (p *part) makeRoom(n int) {
	switch length := p.last.Len(); {
	case length == 0 && len(p.full) == 0:
		p.last.Grow(max(n, loneSize))
	case length+n > blockSize:
		p.full = append(p.full, p.last.String())
		p.last = strings.Builder{}
		p.last.Grow(max(n, blockSize))
	}
}

func (p *part) blocks() []string { return append(p.full, p.last.String()) }

// readOp returns the change at a place.
func readOp(block string, at int) (o op) {
	o.hash = persist.Uint64(block, at)
	o.key.Kind = persist.Uint32(block, at+8)
	o.entry = Entry{
		Role: persist.Uint32(block, at+12), Scope: persist.Uint32(block, at+16), Binding: persist.Uint32(block, at+20),
	}
	if o.remove = persist.Uint32(block, at+lengthAt) == isRemoval; !o.remove {
		o.key.ID = block[at+opSize : opEnd(block, at)]
	}
	return o
}

// opEnd returns the place behind a change.
func opEnd(block string, at int) int {
	if length := persist.Uint32(block, at+lengthAt); length != isRemoval {
		at += int(length)
	}
	return at + opSize
}

// changes are some of a journal's, ordered by hash; those of one hash stand as
// they came.
type changes struct {
	blocks []string
	marks  []mark
	// removes says that there may be removals.
	removes bool
}

// mark is where a change stands.
type mark struct {
	hash      uint64
	block, at uint32
}

func (c changes) op(i int) op {
	m := &c.marks[i]
	return readOp(c.blocks[m.block], int(m.at))
}

// cut returns the first n and the others.
func (c changes) cut(n int) (first, others changes) {
	return changes{c.blocks, c.marks[:n], c.removes}, changes{c.blocks, c.marks[n:], c.removes}
}

// moreKeys reports whether the changes add to more than n different hashes.
func (c changes) moreKeys(n int) bool {
	if len(c.marks) <= n {
		return false
	}
	keys := 0
	for i, m := range c.marks {
		if i > 0 && m.hash == c.marks[i-1].hash {
			continue
		}
		if !c.removes || !c.op(i).remove { // a bulk has no removals, and its changes are far apart
			keys++
			if keys > n {
				return true
			}
		}
	}
	return false
}

// sorted returns the changes of a part in order, in memory of the workspace.
func (p *part) sorted(w *Workspace) changes {
	blocks, marks := p.blocks(), w.marks[:0]
	for i, block := range blocks {
		for at := 0; at < len(block); at = opEnd(block, at) {
			marks = append(marks, mark{persist.Uint64(block, at), uint32(i), uint32(at)})
		}
	}
	w.marks, w.spareMarks = sortMarks(marks, w.spareMarks)
	return changes{blocks, w.marks, p.removes}
}

// fewMarks is how many changes are sorted by comparing them.
const fewMarks = 1 << 8

// sortMarks orders marks by hash, and leaves those of one hash in their order. It
// may return them in the memory that it is given, and then that of the marks as
// the other.
func sortMarks(from, to []mark) (sorted, other []mark) {
	if len(from) < fewMarks {
		slices.SortStableFunc(from, func(a, b mark) int { return cmp.Compare(a.hash, b.hash) })
		return from, to
	}
	// A radix sort, byte by byte, is many times as fast. The upper half of the hash
	// is more than the directory ever looks at.
	to = slices.Grow(to[:0], len(from))[:len(from)]
	for shift := 32; shift < 64; shift += 8 {
		var next [257]int
		for i := range from {
			next[from[i].hash>>shift&0xff+1]++
		}
		for i := 1; i < len(next); i++ {
			next[i] += next[i-1]
		}
		for _, m := range from {
			at := &next[m.hash>>shift&0xff]
			to[*at] = m
			*at++
		}
		from, to = to, from
	}
	return from, to
}
