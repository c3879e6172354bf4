// SPDX-License-Identifier: Apache-2.0

package persist

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestTriplesAgreeWithASortedList makes random batches of changes and holds
// every version, old ones included, to the sorted keys of a map of that moment.
func TestTriplesAgreeWithASortedList(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	random := func() Triple { return Triple{rng.Uint32N(4), rng.Uint32N(40), rng.Uint32N(40)} }
	type version struct {
		set  *Triples
		want []Triple
	}
	present := map[Triple]bool{}
	versions := []version{{set: &Triples{}}}
	for range 200 {
		add, remove := make([]Triple, rng.IntN(60)), make([]Triple, rng.IntN(60))
		for i := range remove {
			remove[i] = random()
			delete(present, remove[i])
		}
		for i := range add {
			add[i] = random()
			present[add[i]] = true
		}
		next := versions[len(versions)-1].set.With(add, remove)
		want := slices.SortedFunc(maps.Keys(present), Triple.Compare)
		versions = append(versions, version{next, want})
	}
	for i, v := range versions {
		for _, from := range []Triple{{}, {1}, {2, 20}, random(), random()} {
			at, _ := slices.BinarySearchFunc(v.want, from, Triple.Compare)
			if got := walk(v.set, from); !slices.Equal(got, v.want[at:]) || v.set.Len() != len(v.want) {
				t.Fatalf("version %d from %v, %d members, want %d (-want +got):\n%s", i, from, v.set.Len(), len(v.want), cmp.Diff(v.want[at:], got))
			}
		}
		for _, run := range v.set.runs {
			if len(run) > maxRun {
				t.Fatalf("version %d has a run of %d members", i, len(run))
			}
		}
	}
}

func walk(s *Triples, from Triple) []Triple {
	var out []Triple
	for c := s.Seek(from); ; c.Next() {
		member, ok := c.Member()
		if !ok {
			return out
		}
		out = append(out, member)
	}
}

// TestTriplesShareRuns: a change copies what it touches and no more.
func TestTriplesShareRuns(t *testing.T) {
	var all []Triple
	for i := range uint32(10_000) {
		all = append(all, Triple{i})
	}
	before := new(Triples).With(all, nil)
	after := before.With([]Triple{{5000, 1}}, []Triple{{9000}})
	shared := 0
	for _, run := range before.runs {
		if slices.ContainsFunc(after.runs, func(o []Triple) bool { return &o[0] == &run[0] }) {
			shared++
		}
	}
	if want := len(before.runs) - 4; shared < want {
		t.Errorf("%d of %d runs are shared, want at least %d", shared, len(before.runs), want)
	}
}

// TestTriplesGiveMemoryBack: what is left of a large set stands in few runs.
func TestTriplesGiveMemoryBack(t *testing.T) {
	var all, odd []Triple
	for i := range uint32(50_000) {
		all = append(all, Triple{i})
		if i%100 != 0 {
			odd = append(odd, Triple{i})
		}
	}
	s := new(Triples).With(all, nil).With(nil, odd)
	if s.Len() != 500 || len(s.runs) > 500/(maxRun/4)+1 {
		t.Errorf("%d members stand in %d runs", s.Len(), len(s.runs))
	}
	if s = s.With(nil, all); s.Len() != 0 || len(s.runs) != 0 {
		t.Errorf("the empty set has %d members in %d runs", s.Len(), len(s.runs))
	}
}
