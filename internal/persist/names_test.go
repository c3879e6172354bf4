// SPDX-License-Identifier: Apache-2.0

package persist

import (
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestNamesAgreeWithAMap makes random batches of changes and holds every version,
// old ones included, to a map of the same moment.
func TestNamesAgreeWithAMap(t *testing.T) {
	const numbers = 20_000
	rng := rand.New(rand.NewPCG(5, 6))
	type version struct {
		names Names
		want  map[uint32]string
	}
	versions := []version{{want: map[uint32]string{}}}
	for range 40 {
		last := versions[len(versions)-1]
		edit, want := last.names.Edit(), maps.Clone(last.want)
		for range rng.IntN(500) {
			n := rng.Uint32N(numbers)
			name := strings.Repeat("x", rng.IntN(300))
			if rng.IntN(2) == 0 {
				name = ""
			}
			edit.Set(n, name)
			want[n] = name
			if edit.At(n) != name {
				t.Fatalf("the batch has %q under %d, want %q", edit.At(n), n, name)
			}
		}
		agree(t, edit, want)
		versions = append(versions, version{edit.Done(), want})
		agree(t, edit, want)
	}
	for i, v := range versions {
		for n := range uint32(numbers) {
			if got := v.names.At(n); got != v.want[n] {
				t.Fatalf("version %d has %q under %d, want %q", i, got, n, v.want[n])
			}
		}
	}
}

// agree holds all names of a batch but the last ones to a map.
func agree(t *testing.T, edit *NamesEdit, names map[uint32]string) {
	t.Helper()
	const n = 15_001
	got, want := maps.Collect(edit.All(n)), maps.Clone(names)
	maps.DeleteFunc(want, func(number uint32, name string) bool { return number >= n || name == "" })
	if !maps.Equal(got, want) {
		t.Fatalf("All yields %d names, want %d; or some differ", len(got), len(want))
	}
}

// TestNamesGiveMemoryBack takes all names out and expects nothing to be left.
func TestNamesGiveMemoryBack(t *testing.T) {
	edit := Names{}.Edit()
	for n := range uint32(30_000) {
		edit.Set(n, "name")
	}
	full := edit.Done()
	for n := range uint32(30_000) {
		edit.Set(n, "")
	}
	if left := edit.Done(); len(left.chunks) != 0 {
		t.Errorf("%d chunks are left", len(left.chunks))
	}
	if full.At(29_999) != "name" {
		t.Error("a later batch changed an earlier version")
	}
}
