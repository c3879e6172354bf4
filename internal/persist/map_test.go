// SPDX-License-Identifier: Apache-2.0

package persist

import (
	"maps"
	"math/rand/v2"
	"testing"
)

// spread is a hash for tests: a bijection that mixes all bits.
func spread(k int) uint64 {
	h := uint64(k) * 0x9e3779b97f4a7c15
	return h ^ h>>29
}

// TestMapAgreesWithAMap makes random batches of changes and holds every version,
// old ones included, to a built-in map of the same moment.
func TestMapAgreesWithAMap(t *testing.T) {
	const keys = 3000
	rng := rand.New(rand.NewPCG(1, 2))
	type version struct {
		trie *Map[int, int]
		want map[int]int
	}
	versions := []version{{NewMap[int, int](spread), map[int]int{}}}
	for range 60 {
		last := versions[len(versions)-1]
		edit, want := last.trie.Edit(), maps.Clone(last.want)
		for range rng.IntN(200) {
			k := rng.IntN(keys)
			if rng.IntN(3) == 0 {
				edit.Remove(k)
				delete(want, k)
				continue
			}
			v := rng.Int()
			edit.Set(k, v)
			want[k] = v
		}
		versions = append(versions, version{edit.Done(), want})
	}
	for i, v := range versions {
		if got := maps.Collect(v.trie.All()); !maps.Equal(got, v.want) {
			t.Fatalf("version %d yields %d keys, want %d, with their values", i, len(got), len(v.want))
		}
		for k := range keys {
			got, ok := v.trie.Get(k)
			want, wantOK := v.want[k]
			if got != want || ok != wantOK {
				t.Fatalf("version %d, key %d: got %d, %v; want %d, %v", i, k, got, ok, want, wantOK)
			}
		}
	}
}

// TestMapGivesMemoryBack removes all keys and expects the empty root.
func TestMapGivesMemoryBack(t *testing.T) {
	edit := NewMap[int, int](spread).Edit()
	for k := range 1000 {
		edit.Set(k, k)
	}
	full := edit.Done()
	edit = full.Edit()
	for k := range 1000 {
		edit.Remove(k)
	}
	n := 0
	for range full.All() {
		if n++; n == 500 {
			break // somewhere in the depths
		}
	}
	if n != 500 {
		t.Errorf("%d keys were yielded to who wants 500", n)
	}
	root := edit.Done().root
	if len(root.leaves) != 0 || len(root.children) != 0 {
		t.Errorf("the root keeps %d leaves and %d children, want none", len(root.leaves), len(root.children))
	}
	if _, ok := full.Get(7); !ok {
		t.Error("removing a key from a later version removed it from an earlier one")
	}
}

// TestMapCollisions drives the lists below the last bit of the hash, which real
// hashes hardly ever reach.
func TestMapCollisions(t *testing.T) {
	edit := NewMap[int, int](spread).Edit()
	edit.begin()
	const hash = 42
	root := edit.root
	for k := range 3 {
		root = edit.insert(root, hleaf[int, int]{k, 10 * k}, hash, hashBits)
	}
	root = edit.insert(root, hleaf[int, int]{1, 11}, hash, hashBits)
	root = edit.without(root, 2, hash, hashBits)
	root = edit.without(root, 9, hash, hashBits)
	want := map[int]int{0: 0, 1: 11}
	for k := range 3 {
		got, ok := root.getCollided(k)
		w, wantOK := want[k]
		if got != w || ok != wantOK {
			t.Errorf("key %d: got %d, %v; want %d, %v", k, got, ok, w, wantOK)
		}
	}
}
