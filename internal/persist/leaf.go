// SPDX-License-Identifier: Apache-2.0

package persist

import (
	"encoding/binary"
	"math/bits"
)

// leaf is some postings in order, as text because nothing may ever change in it.
// Those of one pair that stand together are a run: the pair, the number of
// postings and how they are written (as binary.PutUvarint does), and the postings, of
// four bytes each. Where some are there more than once, how many times follows
// each.
type leaf string

// newLeaf writes postings, of which there are some.
func newLeaf(postings []Posting) leaf {
	b := make([]byte, 0, sizeOfLeaf(postings))
	for len(postings) > 0 {
		n := runOf(postings)
		b = appendRun(b, postings[:n])
		postings = postings[n:]
	}
	return leaf(b)
}

// runOf returns how many postings at the beginning make a run.
func runOf(postings []Posting) int {
	first, n := &postings[0], 1
	for ; n < len(postings); n++ {
		p := &postings[n]
		if p.Triple[0] != first.Triple[0] || p.Triple[1] != first.Triple[1] || (p.N > 1) != (first.N > 1) {
			break
		}
	}
	return n
}

func appendRun(b []byte, run []Posting) []byte {
	repeated := run[0].N > 1
	for _, number := range headOf(run) {
		b = binary.AppendUvarint(b, number)
	}
	for i := range run {
		b = binary.LittleEndian.AppendUint32(b, run[i].Triple[2])
		if repeated {
			b = binary.LittleEndian.AppendUint32(b, uint32(run[i].N))
		}
	}
	return b
}

// headOf returns the numbers that a run begins with.
func headOf(run []Posting) [3]uint64 {
	written := uint64(len(run)) << 1
	if run[0].N > 1 {
		written |= 1
	}
	return [3]uint64{uint64(run[0].Triple[0]), uint64(run[0].Triple[1]), written}
}

// sizeOfLeaf returns how many bytes postings take in a leaf.
func sizeOfLeaf(postings []Posting) int {
	size := 0
	for len(postings) > 0 {
		n := runOf(postings)
		for _, number := range headOf(postings[:n]) {
			size += max(1, (bits.Len64(number)+6)/7)
		}
		size += n * sizeIn(postings[0].N > 1)
		postings = postings[n:]
	}
	return size
}

// sizeIn returns how many bytes a posting takes in a run.
func sizeIn(repeated bool) int {
	if repeated {
		return 8
	}
	return 4
}

// run is the next run of a leaf: its pair, and its postings as they are written.
type run struct {
	a, b     uint32
	text     leaf
	repeated bool
}

func (l leaf) cut() (run, leaf) {
	a, rest := number(string(l))
	b, rest := number(rest)
	head, rest := number(rest)
	r := run{a: uint32(a), b: uint32(b), repeated: head&1 != 0}
	size := head >> 1 * sizeIn(r.repeated)
	r.text = leaf(rest[:size])
	return r, leaf(rest[size:])
}

// appendTo appends the postings to a list.
func (l leaf) appendTo(list []Posting) []Posting {
	for len(l) > 0 {
		var r run
		r, l = l.cut()
		step := sizeIn(r.repeated)
		for i := 0; i < len(r.text); i += step {
			p := Posting{Triple: Triple{r.a, r.b, Uint32(string(r.text), i)}, N: 1}
			if r.repeated {
				p.N = int32(Uint32(string(r.text), i+4))
			}
			list = append(list, p)
		}
	}
	return list
}

// each calls do with every number in the list of a pair, until it returns false,
// and reports whether it never has.
func (l leaf) each(a, b uint32, do func(uint32) bool) bool {
	for len(l) > 0 {
		var r run
		r, l = l.cut()
		if r.a != a || r.b != b {
			continue
		}
		step := sizeIn(r.repeated)
		for i := 0; i < len(r.text); i += step {
			if !do(Uint32(string(r.text), i)) {
				return false
			}
		}
	}
	return true
}
