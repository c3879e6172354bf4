// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"maps"
	"math/rand/v2"
	"testing"
)

// TestHAMTAgreesWithAMap makes random batches of changes and holds every version,
// old ones included, to a built-in map of the same moment.
func TestHAMTAgreesWithAMap(t *testing.T) {
	const keys = 3000
	rng := rand.New(rand.NewPCG(1, 2))
	type version struct {
		trie *hamt[int, int]
		want map[int]int
	}
	versions := []version{{newHAMT[int, int](), map[int]int{}}}
	for range 60 {
		last := versions[len(versions)-1]
		edit, want := last.trie.edit(), maps.Clone(last.want)
		for range rng.IntN(200) {
			k := rng.IntN(keys)
			if rng.IntN(3) == 0 {
				edit.remove(k)
				delete(want, k)
				continue
			}
			v := rng.Int()
			edit.set(k, v)
			want[k] = v
		}
		versions = append(versions, version{edit.done(), want})
	}
	for i, v := range versions {
		for k := range keys {
			got, ok := v.trie.get(k)
			want, wantOK := v.want[k]
			if got != want || ok != wantOK {
				t.Fatalf("version %d, key %d: got %d, %v; want %d, %v", i, k, got, ok, want, wantOK)
			}
		}
	}
}

// TestHAMTGivesMemoryBack removes all keys and expects the empty root.
func TestHAMTGivesMemoryBack(t *testing.T) {
	edit := newHAMT[int, int]().edit()
	for k := range 1000 {
		edit.set(k, k)
	}
	full := edit.done()
	edit = full.edit()
	for k := range 1000 {
		edit.remove(k)
	}
	root := edit.done().root
	if len(root.leaves) != 0 || len(root.children) != 0 {
		t.Errorf("the root keeps %d leaves and %d children, want none", len(root.leaves), len(root.children))
	}
	if _, ok := full.get(7); !ok {
		t.Error("removing a key from a later version removed it from an earlier one")
	}
}

// TestHAMTCollisions drives the lists below the last bit of the hash, which real
// hashes hardly ever reach.
func TestHAMTCollisions(t *testing.T) {
	edit := newHAMT[int, int]().edit()
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
