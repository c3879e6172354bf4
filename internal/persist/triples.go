// SPDX-License-Identifier: Apache-2.0

package persist

import (
	"cmp"
	"slices"
)

// Triple is three numbers, ordered by the first, then the second, then the
// third.
type Triple [3]uint32

// Compare returns -1, 0 or +1 as t comes before o, is o or comes after it.
func (t Triple) Compare(o Triple) int {
	switch {
	case t[0] != o[0]:
		return cmp.Compare(t[0], o[0])
	case t[1] != o[1]:
		return cmp.Compare(t[1], o[1])
	}
	return cmp.Compare(t[2], o[2])
}

// Triples is a persistent sorted set. The zero value is the empty set. It is
// immutable and safe for any number of readers.
//
// The members stand in runs; a change copies a run or two and the list of the
// runs, so it costs time in proportion to the square root of the size, with a
// small factor: some microseconds at 100,000 members.
type Triples struct {
	// first holds the first member of each run, apart from the runs, so that a
	// search stays in one piece of memory.
	first []Triple
	runs  [][]Triple
	size  int
}

// maxRun is how long a run may be. A run that becomes longer is cut into halves,
// and one that becomes shorter than a quarter joins its neighbour.
const maxRun = 256

// Len returns how many members there are.
func (s *Triples) Len() int { return s.size }

// Cursor is a place in a set, and the member that stands there.
type Cursor struct {
	set *Triples
	run []Triple // what is left of the run, the member included
	at  int      // the number of the run
}

// Seek returns the place of the first member that does not come before t.
func (s *Triples) Seek(t Triple) Cursor {
	i := s.runOf(t)
	c := Cursor{set: s, at: i}
	if i < len(s.runs) {
		at, _ := slices.BinarySearchFunc(s.runs[i], t, Triple.Compare)
		c.run = s.runs[i][at:]
	}
	if len(c.run) == 0 {
		c.nextRun()
	}
	return c
}

// runOf returns the number of the run that t belongs to.
func (s *Triples) runOf(t Triple) int {
	i, found := slices.BinarySearchFunc(s.first, t, Triple.Compare)
	if !found && i > 0 {
		i--
	}
	return i
}

// Member returns the member at the place, or false beyond the last one.
func (c *Cursor) Member() (Triple, bool) {
	if len(c.run) == 0 {
		return Triple{}, false
	}
	return c.run[0], true
}

// Next goes to the next place.
func (c *Cursor) Next() {
	if len(c.run) > 0 {
		c.run = c.run[1:]
	}
	if len(c.run) == 0 {
		c.nextRun()
	}
}

func (c *Cursor) nextRun() {
	c.at++
	c.run = nil
	if c.at < len(c.set.runs) {
		c.run = c.set.runs[c.at]
	}
}

// Map returns the set of what change makes of each member. It must keep their
// order.
func (s *Triples) Map(change func(Triple) Triple) *Triples {
	next := &Triples{size: s.size}
	for _, run := range s.runs {
		mapped := make([]Triple, len(run))
		for i, t := range run {
			mapped[i] = change(t)
		}
		next.first, next.runs = append(next.first, mapped[0]), append(next.runs, mapped)
	}
	return next
}

// With returns the set with members added and others removed; both lists may be
// in any order and name members that are there, or not there, already. What is
// in both lists is in the result.
func (s *Triples) With(add, remove []Triple) *Triples {
	add, remove = sorted(add), sorted(remove)
	e := triplesEdit{base: s, next: &Triples{
		first: make([]Triple, 0, len(s.first)+1), runs: make([][]Triple, 0, len(s.runs)+1), size: s.size,
	}}
	for len(s.runs) > 0 && len(add)+len(remove) > 0 {
		at := min(s.runOf(least(add, remove)), len(s.runs)-1)
		e.keep(at)
		a, r := len(add), len(remove)
		if at+1 < len(s.runs) {
			a, r = before(add, s.first[at+1]), before(remove, s.first[at+1])
		}
		e.take(at, add[:a], remove[:r])
		add, remove = add[a:], remove[r:]
	}
	e.keep(len(s.runs))
	e.open = append(e.open, add...)
	e.flush()
	return e.next
}

// least returns the first member of two sorted lists, of which one may be empty.
func least(a, b []Triple) Triple {
	if len(b) == 0 || (len(a) > 0 && a[0].Compare(b[0]) < 0) {
		return a[0]
	}
	return b[0]
}

func sorted(ts []Triple) []Triple {
	ts = slices.Clone(ts)
	slices.SortFunc(ts, Triple.Compare)
	return slices.Compact(ts)
}

// before returns how many members of a sorted list come before t.
func before(ts []Triple, t Triple) int {
	i, _ := slices.BinarySearchFunc(ts, t, Triple.Compare)
	return i
}

// triplesEdit builds a set run by run. What it has changed waits in open until
// there is enough for a run.
type triplesEdit struct {
	base, next *Triples
	done       int // how many runs of the base are taken over
	open       []Triple
}

// keep takes over the runs before a place as they are. The first one takes in
// what is open.
func (e *triplesEdit) keep(until int) {
	if len(e.open) > 0 && e.done < until {
		e.take(e.done, nil, nil)
	}
	if len(e.open) > 0 && e.done < until {
		e.flush()
	}
	if e.done < until {
		e.next.first = append(e.next.first, e.base.first[e.done:until]...)
		e.next.runs = append(e.next.runs, e.base.runs[e.done:until]...)
		e.done = until
	}
}

// take takes a run over, with its share of the changes.
func (e *triplesEdit) take(at int, add, remove []Triple) {
	run := e.base.runs[at]
	e.next.size -= len(run)
	e.open = merge(e.open, run, add, remove)
	e.done = at + 1
	if len(e.open) >= maxRun/4 {
		e.flush()
	}
}

// merge appends to out the members of a run with some added and some removed.
func merge(out, run, add, remove []Triple) []Triple {
	for len(run) > 0 || len(add) > 0 {
		var t Triple
		switch {
		case len(add) == 0 || (len(run) > 0 && run[0].Compare(add[0]) < 0):
			t, run = run[0], run[1:]
			for len(remove) > 0 && remove[0].Compare(t) < 0 {
				remove = remove[1:]
			}
			if len(remove) > 0 && remove[0] == t {
				continue
			}
		case len(run) > 0 && run[0] == add[0]:
			t, run, add = add[0], run[1:], add[1:]
		default:
			t, add = add[0], add[1:]
		}
		out = append(out, t)
	}
	return out
}

// flush makes runs of what is open.
func (e *triplesEdit) flush() {
	if len(e.open) == 0 {
		return
	}
	runs := (len(e.open) + maxRun - 1) / maxRun
	for left := runs; left > 0; left-- {
		n := (len(e.open) + left - 1) / left
		e.put(slices.Clone(e.open[:n]))
		e.open = e.open[n:]
	}
	e.open = e.open[:0]
}

func (e *triplesEdit) put(run []Triple) {
	e.next.first = append(e.next.first, run[0])
	e.next.runs = append(e.next.runs, run)
	e.next.size += len(run)
}
