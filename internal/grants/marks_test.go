// SPDX-License-Identifier: Apache-2.0

package grants

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestKeysAreFoundByTheirMarks: whatever a table has been through, each of its keys
// is found by its mark, among few others, and all of a kind are found together.
func TestKeysAreFoundByTheirMarks(t *testing.T) {
	c := newChurn(11, 3000)
	table := NewTable()
	for batch := range 60 {
		share := 90
		if batch > 40 {
			share = 20
		}
		table = c.batch(table, 1500, share)
		if batch%12 != 11 {
			continue
		}
		want := map[uint32][]string{}
		others := 0
		for k, entries := range c.model {
			marked := slices.Collect(table.Marked(MarkOf(k.Hash())))
			if has := slices.Contains(marked, k); has != (len(entries) > 0) {
				t.Fatalf("batch %d: %d entries are found: %v", batch, len(entries), has)
			}
			others += len(marked)
			if len(entries) > 0 {
				want[k.Kind] = append(want[k.Kind], k.ID)
				others--
			}
		}
		if others > len(c.model)/50 {
			t.Errorf("batch %d: %d keys have the marks of others", batch, others)
		}
		for kind := range uint32(201) { // one more than there are
			got := slices.Sorted(table.All(kind))
			slices.Sort(want[kind])
			if diff := cmp.Diff(want[kind], got); diff != "" {
				t.Fatalf("batch %d, kind %d (-want +got):\n%s", batch, kind, diff)
			}
		}
	}
}

// TestMarksOfALargeTable: where pages have more bits in common than a mark keeps,
// all those that may have the key are gone through.
func TestMarksOfALargeTable(t *testing.T) {
	e := NewTable().Edit(new(Workspace), func(Key, Entry) {})
	var keys []Key
	for i := range bulk {
		k := Key{Kind: 1, ID: fmt.Sprintf("user-%d", i)}
		keys = append(keys, k)
		e.Add(k.Hash(), k, Entry{Binding: uint32(i)})
	}
	table := e.Commit()
	const depth = pageBits + 2
	d := table.edit()
	deep := page([]byte{depth}) + d.page(0)[1:]
	for range depth {
		d.resize(d.depth + 1)
	}
	for i := range uint64(1) << depth {
		d.own(i)
		*d.place(i) = deep
	}
	large := &Table{directory: d.directory, fat: table.fat}
	for _, k := range keys {
		n := 0
		for found := range large.Marked(MarkOf(k.Hash())) {
			if found == k {
				n++
			}
		}
		if n != 4 {
			t.Errorf("%s is found in %d pages, want 4", k.ID, n)
		}
	}
	for range large.Marked(MarkOf(keys[0].Hash())) {
		break // who has found enough is not told more
	}
}
