// SPDX-License-Identifier: Apache-2.0

package persist

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// tally is postings as plainly as can be.
type tally map[Triple]int32

func (n tally) list() []Posting {
	var out []Posting
	for _, t := range slices.SortedFunc(maps.Keys(n), Triple.Compare) {
		out = append(out, Posting{t, n[t]})
	}
	return out
}

// change counts some changes, in the order in which With does.
func (n tally) change(changes []Posting) {
	sums := tally{}
	for _, c := range changes {
		sums[c.Triple] += c.N
	}
	for t, by := range sums {
		if n[t] += by; n[t] <= 0 {
			delete(n, t)
		}
	}
}

func (p *Postings) all() []Posting {
	var out []Posting
	for _, n := range p.branches {
		for _, l := range n.leaves {
			out = l.appendTo(out)
		}
	}
	return out
}

// sound fails unless every piece is as long as it should be, and where it should
// be.
func (p *Postings) sound(t *testing.T) {
	t.Helper()
	small := 0
	for i, n := range p.branches {
		if len(n.leaves) == 0 || len(n.leaves) > maxBranch || len(n.leaves) != len(n.first) || p.first[i] != n.first[0] {
			t.Fatalf("branch %d has %d leaves", i, len(n.leaves))
		}
		if len(n.leaves) < minBranch {
			small++
		}
		for j, l := range n.leaves {
			list := l.appendTo(nil)
			if len(l) > maxLeaf || len(list) == 0 || list[0].Triple != n.first[j] || len(l) != sizeOfLeaf(list) {
				t.Fatalf("leaf %d of branch %d has %d bytes", j, i, len(l))
			}
		}
	}
	if small > 1+len(p.branches)/2 {
		t.Fatalf("%d of %d branches are small", small, len(p.branches))
	}
}

// TestPostingsAgreeWithASortedList makes random batches of changes, small and large
// ones, that let the postings grow and shrink again, and holds versions, old ones
// included, to the counts of that moment.
func TestPostingsAgreeWithASortedList(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	type version struct {
		postings *Postings
		want     []Posting
	}
	there, versions, last := tally{}, []version(nil), &Postings{}
	for batch := range 200 {
		grows := batch%100 < 60
		changes := make([]Posting, []int{0, 1, 3, 64, 3000}[rng.IntN(5)])
		for i := range changes {
			c := &changes[i]
			c.Triple = Triple{rng.Uint32N(3), []uint32{rng.Uint32N(5), 300 + rng.Uint32N(3000)}[rng.IntN(2)], rng.Uint32N(1 << (2 + rng.Uint32N(12)))}
			if c.N = 1; !grows && rng.IntN(3) > 0 {
				c.N = -1
			}
		}
		there.change(changes)
		next := last.With(changes)
		next.sound(t)
		last = next
		if batch%10 == 0 {
			versions = append(versions, version{next, there.list()})
		}
	}
	for i, v := range versions {
		if got := v.postings.all(); !slices.Equal(v.want, got) {
			t.Fatalf("version %d (-want +got):\n%s", i, cmp.Diff(v.want, got))
		}
		for _, pair := range [][2]uint32{{0, 0}, {1, 4}, {2, 300 + rng.Uint32N(3000)}, {2, 3300}, {3, 0}} {
			want, got := []uint32(nil), []uint32(nil)
			for _, p := range v.want {
				if p.Triple[0] == pair[0] && p.Triple[1] == pair[1] {
					want = append(want, p.Triple[2])
				}
			}
			v.postings.Each(pair[0], pair[1], func(c uint32) bool { got = append(got, c); return true })
			if !slices.Equal(want, got) {
				t.Fatalf("version %d, pair %v (-want +got):\n%s", i, pair, cmp.Diff(want, got))
			}
		}
	}
	gone := there.list()
	for i := range gone {
		gone[i].N = -gone[i].N
	}
	if empty := last.With(gone); len(empty.branches) != 0 {
		t.Errorf("without any of them there are %d branches", len(empty.branches))
	}
}

// TestPostingsStop: who has found enough is not told more.
func TestPostingsStop(t *testing.T) {
	var changes []Posting
	for i := range uint32(3000) {
		changes = append(changes, Posting{Triple{1, 2, i}, 1 + int32(i%2)})
	}
	n := 0
	(&Postings{}).With(changes).Each(1, 2, func(uint32) bool { n++; return n < 700 })
	if n != 700 {
		t.Errorf("%d numbers, want 700", n)
	}
}

// TestPostingsAreRenumbered: the second of the pairs stays, the first grows.
func TestPostingsAreRenumbered(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	there := tally{}
	var changes []Posting
	for range 5000 {
		changes = append(changes, Posting{Triple{rng.Uint32N(9), rng.Uint32N(70), rng.Uint32N(300)}, 1})
	}
	there.change(changes)
	mapped := (&Postings{}).With(changes).Map(func(t Triple) Triple { return Triple{1000 * t[0], t[1], t[2]} })
	mapped.sound(t)
	want := there.list()
	for i := range want {
		want[i].Triple[0] *= 1000
	}
	if diff := cmp.Diff(want, mapped.all()); diff != "" {
		t.Errorf("renumbered (-want +got):\n%s", diff)
	}
}
