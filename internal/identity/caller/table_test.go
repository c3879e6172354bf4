// SPDX-License-Identifier: Apache-2.0

package caller

import (
	"encoding/binary"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/rolecall/rolecall/internal/door"
)

// places is how many entries a table holds at the most.
const places = ways * 1024

func TestTable(t *testing.T) {
	tab, now := new(table), time.Now()
	var keys []digest
	for i := range 2000 {
		var d digest
		binary.BigEndian.PutUint16(d[:], uint16(i%1024)) // two to a set
		d[31], d[30] = byte(i), byte(i>>8)
		keys = append(keys, d)
		tab.put(&entry{key: d, caller: door.Caller{Name: fmt.Sprint(i)}, lapses: now.Add(time.Hour)}, now)
	}
	for i, d := range keys {
		if e := tab.get(d); e == nil || e.caller.Name != fmt.Sprint(i) {
			t.Fatalf("entry %d is %v", i, e)
		}
		other := d
		other[17]++
		if e := tab.get(other); e != nil {
			t.Fatalf("another digest finds entry %d", i)
		}
	}
	again := &entry{key: keys[7], lapses: now.Add(time.Hour)}
	tab.put(again, now)
	if tab.get(keys[7]) != again {
		t.Error("an entry does not take the place of the one before")
	}
}

// TestATableIsBounded, and no flood of refusals takes the place of who was let
// in, as long as that may count.
func TestATableIsBounded(t *testing.T) {
	tab, now, h := new(table), time.Now(), newHasher()
	const admitted = 1000
	key := func(kind string, i int) digest { return h.sum(kind, fmt.Sprint(i)) }
	for i := range admitted {
		tab.put(&entry{key: key("in", i), lapses: now.Add(time.Hour)}, now)
	}
	for i := range 50 * places {
		tab.put(&entry{key: key("out", i), until: now.Add(time.Second), refusal: errRefused}, now)
	}
	held := 0
	for i := range tab.sets {
		for j := range tab.sets[i] {
			if tab.sets[i][j].Load() != nil {
				held++
			}
		}
	}
	if held != places {
		t.Errorf("the table holds %d entries, want %d", held, places)
	}
	for i := range admitted {
		if tab.get(key("in", i)) == nil {
			t.Fatalf("entry %d is gone", i)
		}
	}
	now = now.Add(2 * time.Hour)
	for i := range 50 * places {
		tab.put(&entry{key: key("later", i), refusal: errRefused}, now)
	}
	if tab.get(key("later", 50*places-1)) == nil {
		t.Error("entries that mean nothing any more keep others out")
	}
}

// TestFullSet: among those who were let in the one that counts longest stays.
func TestFullSet(t *testing.T) {
	tab, now := new(table), time.Now()
	entryOf := func(i int, lapses time.Duration) *entry {
		e := &entry{lapses: now.Add(lapses)}
		e.key[31] = byte(i)
		return e
	}
	for i := range ways {
		tab.put(entryOf(i, time.Duration(10+i)*time.Minute), now)
	}
	tab.put(entryOf(100, time.Minute), now)
	if tab.get(entryOf(100, 0).key) != nil {
		t.Error("an entry that counts least takes a place")
	}
	tab.put(entryOf(101, time.Hour), now)
	if tab.get(entryOf(101, 0).key) == nil || tab.get(entryOf(0, 0).key) != nil {
		t.Error("the entry that counts least does not make place")
	}
}

func TestTableAtOnce(t *testing.T) {
	tab, now, h := new(table), time.Now(), newHasher()
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range 2000 {
				d := h.sum("x", fmt.Sprint((i+g)%500))
				if e := tab.get(d); e != nil && e.key != d {
					t.Error("an entry of another digest")
				}
				tab.put(&entry{key: d, lapses: now.Add(time.Duration(i))}, now)
			}
		})
	}
	all.Wait()
}

// TestDigests: texts that join to the same one differ, and so do processes.
func TestDigests(t *testing.T) {
	h := newHasher()
	seen := map[digest]string{}
	for _, texts := range [][]string{{}, {""}, {"", ""}, {"ab"}, {"a", "b"}, {"", "ab"}, {"ab", ""}, {"a", "", "b"}} {
		d := h.sum(texts...)
		if other, ok := seen[d]; ok {
			t.Errorf("%q has the digest of %s", texts, other)
		}
		seen[d] = fmt.Sprintf("%q", texts)
		if h.sum(texts...) != d {
			t.Errorf("%q has two digests", texts)
		}
	}
	if h.sum("a") == newHasher().sum("a") {
		t.Error("two hashers agree")
	}
}
