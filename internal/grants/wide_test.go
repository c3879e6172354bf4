// SPDX-License-Identifier: Apache-2.0

package grants

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestNumbersOfAnySize puts a few large numbers among many small ones, so that
// pages with short and with long entries meet, split, join and become the other.
func TestNumbersOfAnySize(t *testing.T) {
	numbers := []uint32{0, 1, 255, 256, 1<<16 - 1, 1 << 16, 1<<16 + 1, 1<<17 + 255, 1<<31 - 1}
	c := newChurn(4, 600)
	number := func() uint32 {
		if c.rng.IntN(500) > 0 {
			return numbers[c.rng.IntN(5)]
		}
		return numbers[c.rng.IntN(len(numbers))]
	}
	table, formats := NewTable(), map[bool]int{}
	for batch := range 160 {
		e := table.Edit(new(Workspace), func(Key, Entry) { c.held-- })
		for range c.rng.IntN(80) {
			k := c.key()
			entry := Entry{Role: number(), Scope: number(), Binding: c.rng.Uint32N(400)}
			if batch%80 < 30 || (batch%80 < 50 && c.rng.IntN(2) == 0) {
				e.Add(k.Hash(), k, entry)
				c.model.add(k, entry)
				c.held++
				continue
			}
			for removed := range c.model[k] {
				entry = removed
			}
			e.Remove(k.Hash(), entry.Binding)
			c.model.remove(k, entry.Binding)
		}
		table = e.Commit()
		for i := batch % 5; i < len(c.keys); i += 5 {
			k := c.keys[i]
			if diff := cmp.Diff(c.model.entries(k), entries(table, k)); diff != "" {
				t.Fatalf("batch %d, key %d/%.20q (-want +got):\n%s", batch, k.Kind, k.ID, diff)
			}
		}
		if got := c.model.total(); got != c.held {
			t.Fatalf("batch %d: %d entries by what was released, want %d", batch, c.held, got)
		}
		consistent(t, table)
		for i := range uint64(1) << table.depth {
			formats[table.place(i).wide()]++
		}
	}
	if formats[true] < 50 || formats[false] < 50 {
		t.Errorf("%d wide pages and %d others: too few to prove something", formats[true], formats[false])
	}
}

// TestAKeyBecomesFatAndThinAgain goes up and down over the limits, one entry at a
// time, and in both directions within one batch.
func TestAKeyBecomesFatAndThinAgain(t *testing.T) {
	k := Key{Kind: 1, ID: "everyone"}
	entry := func(i int) Entry {
		return Entry{Role: uint32(i % 7), Scope: uint32(i % 3), Binding: uint32(i) | uint32(i%5/4)*Special}
	}
	c := &churn{model: model{}}
	table, fat := NewTable(), 0
	change := func(add bool, from, to int) {
		e := table.Edit(new(Workspace), func(Key, Entry) { c.held-- })
		for i := from; i < to; i++ {
			if add {
				e.Add(k.Hash(), k, entry(i))
				c.model.add(k, entry(i))
				c.held++
				continue
			}
			e.Remove(k.Hash(), entry(i).Binding)
			c.model.remove(k, entry(i).Binding)
		}
		table = e.Commit()
		what := fmt.Sprintf("add %v, from %d to %d", add, from, to)
		if diff := cmp.Diff(c.model.entries(k), entries(table, k)); diff != "" {
			t.Fatalf("%s (-want +got):\n%s", what, diff)
		}
		l := table.Find(k.Kind, k.ID)
		if n := c.model.total(); n != c.held || (l.Fat() == nil && n > maxInline) || (l.Fat() != nil && n <= maxInline/2) {
			t.Errorf("%s: %d entries by what was released, %d are there, fat %v", what, c.held, n, l.Fat() != nil)
		}
		if l.Fat() != nil {
			fat++
		}
	}
	for range 3 {
		for i := range 40 {
			change(true, i, i+1)
			change(true, i, i+1) // is there
		}
		for i := range 40 {
			change(false, i, i+1)
			change(false, i, i+1) // is gone
		}
		change(true, 0, maxInline)
		change(true, maxInline, maxInline+1)
		change(false, 0, 100)
		change(true, 0, 1000)
		change(false, 10, 1000)
		change(false, 0, 10)
	}
	if fat < 100 || !table.page(0).empty() {
		t.Errorf("the key was fat %d times; the table is empty: %v", fat, table.page(0).empty())
	}
}

// TestOneBatchManyMinds adds and removes the same in one batch.
func TestOneBatchManyMinds(t *testing.T) {
	for _, others := range []int{0, maxInline - 1, maxInline, 100} {
		t.Run(fmt.Sprint(others), func(t *testing.T) {
			k, held := Key{ID: "k"}, 0
			e := NewTable().Edit(new(Workspace), func(Key, Entry) { held-- })
			add := func(entry Entry) {
				e.Add(k.Hash(), k, entry)
				held++
			}
			for i := range others {
				add(Entry{Binding: uint32(i + 10)})
			}
			one, two := Entry{Role: 1, Binding: 1}, Entry{Role: 2, Binding: 1 | Special}
			add(one)
			e.Commit()
			e.Remove(k.Hash(), 1) // takes what was there
			add(two)
			e.Remove(k.Hash(), 1) // takes what has just come, and is special
			add(one)
			add(one)
			table := e.Commit()
			got := entries(table, k)
			if len(got) != others+1 || held != len(got) {
				t.Errorf("%d entries, %d by what was released; want %d", len(got), held, others+1)
			}
			for _, entry := range got {
				if entry.Binding&^Special == 1 && entry != one {
					t.Errorf("binding 1 gives %+v, want %+v", entry, one)
				}
			}
		})
	}
}

// TestKeysThatLookAlike: keys of one kind and one length, so many that in some
// pages there are two of which only the ids differ, share one binding. The ids differ
// at their ends or at their beginnings, and short ones anywhere.
func TestKeysThatLookAlike(t *testing.T) {
	for _, form := range []string{"user-%04d", "the-user-%04d", "%04d-the-user", "%05d"} {
		t.Run(form, func(t *testing.T) { testKeysThatLookAlike(t, form) })
	}
}

func testKeysThatLookAlike(t *testing.T, form string) {
	t.Helper()
	const keys = 8000
	key := func(i int) Key { return Key{ID: fmt.Sprintf(form, i)} }
	e := NewTable().Edit(new(Workspace), func(Key, Entry) {})
	for i := range keys {
		e.Add(key(i).Hash(), key(i), Entry{Role: uint32(i), Binding: 7})
	}
	all := e.Commit()
	for i := range keys {
		if i%2 == 0 {
			e.Remove(key(i).Hash(), 7)
		}
	}
	half := e.Commit()
	for i := range keys {
		if got := entries(all, key(i)); len(got) != 1 || got[0].Role != uint32(i) {
			t.Fatalf("%s has %+v", key(i).ID, got)
		}
		if got := entries(half, key(i)); len(got) != i%2 {
			t.Fatalf("after half of them are gone, %s has %+v", key(i).ID, got)
		}
	}
}

// TestANumberStaysItself files each number alone, where nothing else makes its
// page a wide one.
func TestANumberStaysItself(t *testing.T) {
	k := Key{ID: "k"}
	for _, n := range []uint32{0, 1, 255, 256, 1<<16 - 1, 1 << 16, 1<<16 + 1, 1 << 24, 1<<31 - 1} {
		for _, entry := range []Entry{{Role: n, Binding: 1}, {Scope: n, Binding: 2}, {Role: 1, Binding: n}} {
			e := NewTable().Edit(new(Workspace), nil)
			e.Add(k.Hash(), k, entry)
			if got := entries(e.Commit(), k); len(got) != 1 || got[0] != entry {
				t.Errorf("%+v becomes %+v", entry, got)
			}
		}
	}
}
