// SPDX-License-Identifier: Apache-2.0

package grants

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// model is a table as simply as can be: the entries of each key.
type model map[Key]map[Entry]bool

func (m model) clone() model {
	c := model{}
	for k, entries := range m {
		c[k] = maps.Clone(entries)
	}
	return c
}

func (m model) add(k Key, e Entry) {
	if m[k] == nil {
		m[k] = map[Entry]bool{}
	}
	m[k][e] = true
}

func (m model) remove(k Key, binding uint32) {
	maps.DeleteFunc(m[k], func(e Entry, _ bool) bool { return e.Binding&^Special == binding&^Special })
}

func (m model) total() int {
	n := 0
	for _, entries := range m {
		n += len(entries)
	}
	return n
}

// entries returns what a table has under a key, sorted.
func entries(t *Table, k Key) []Entry {
	out := []Entry{}
	l := t.Find(k.Kind, k.ID)
	for i := range l.Len() {
		out = append(out, l.At(i))
	}
	if l.Fat() != nil {
		out = append(out, l.Fat().All()...)
	}
	slices.SortFunc(out, compareEntries)
	return out
}

func (m model) entries(k Key) []Entry {
	out := slices.AppendSeq([]Entry{}, maps.Keys(m[k]))
	slices.SortFunc(out, compareEntries)
	return out
}

// churn makes random changes to a table and to its model alike.
type churn struct {
	rng   *rand.Rand
	keys  []Key
	model model
	// held is how many entries the caller of the table believes to be there.
	held int
}

func newChurn(seed uint64, keys int) *churn {
	c := &churn{rng: rand.New(rand.NewPCG(seed, 9)), model: model{}}
	for i := range keys {
		id := fmt.Sprintf("user-%d", i)
		if i%50 == 0 {
			id += string(make([]byte, c.rng.IntN(2000)))
		}
		c.keys = append(c.keys, Key{Kind: c.rng.Uint32N(200), ID: id})
	}
	return c
}

// key favours a few keys, so that some become fat.
func (c *churn) key() Key {
	if c.rng.IntN(3) == 0 {
		return c.keys[c.rng.IntN(3)]
	}
	return c.keys[c.rng.IntN(len(c.keys))]
}

// batch makes up to n changes; share of them, of a hundred, are additions.
func (c *churn) batch(t *Table, n, share int) *Table {
	e := t.Edit(new(Workspace), func(Key, Entry) { c.held-- })
	for range c.rng.IntN(n) {
		k := c.key()
		entry := Entry{Role: c.rng.Uint32N(30), Scope: c.rng.Uint32N(4), Binding: c.rng.Uint32N(300)}
		if c.rng.IntN(8) == 0 {
			entry.Binding |= Special
		}
		if c.rng.IntN(100) < share {
			e.Add(k.Hash(), k, entry)
			c.model.add(k, entry)
			c.held++
			continue
		}
		e.Remove(k.Hash(), entry.Binding)
		c.model.remove(k, entry.Binding)
	}
	return e.Commit()
}

// TestTableAgreesWithAModel holds old and new versions to the model of the same
// moment, through growth and decline.
func TestTableAgreesWithAModel(t *testing.T) {
	type version struct {
		table *Table
		model model
	}
	c := newChurn(1, 4000)
	last := NewTable()
	versions := []version{{last, model{}}}
	for i := range 121 {
		size, share := 400, 75
		if i%10 == 0 {
			size = 4000 // sorted and split as a bulk
		}
		if i == 65 {
			size = 30_000 // spread over parts
		}
		if i > 70 {
			share = 10
		}
		table := c.batch(last, size, share)
		last = table
		if i%8 == 0 {
			versions = append(versions, version{table, c.model.clone()})
		}
		if got := c.model.total(); got != c.held {
			t.Fatalf("batch %d: %d entries by what was released, want %d", i, c.held, got)
		}
	}
	for i, v := range versions {
		for _, k := range c.keys {
			if diff := cmp.Diff(v.model.entries(k), entries(v.table, k)); diff != "" {
				t.Fatalf("version %d, key %d/%.20q (-want +got):\n%s", i, k.Kind, k.ID, diff)
			}
		}
		consistent(t, v.table)
	}
}

// consistent checks what the directory promises.
func consistent(t *testing.T, table *Table) {
	t.Helper()
	leaves, deepest, places := 0, 0, uint64(1)<<table.depth
	for i := uint64(0); i < places; {
		p := table.page(i << (64 - table.depth))
		width := uint64(1) << (table.depth - p.depth())
		if i%width != 0 {
			t.Fatalf("a page of depth %d begins at place %d of a directory of depth %d", p.depth(), i, table.depth)
		}
		for j := range width {
			if table.page((i+j)<<(64-table.depth)) != p {
				t.Fatalf("place %d does not share the page of place %d", i+j, i)
			}
		}
		leaves++
		if p.depth() == table.depth {
			deepest++
		}
		i += width
	}
	if leaves != table.leaves || deepest != table.deepest {
		t.Fatalf("%d pages, %d deepest; counted %d and %d", leaves, deepest, table.leaves, table.deepest)
	}
	if deepest == 0 {
		t.Fatal("the directory looks at more bits than any page needs")
	}
}

// TestTableGivesMemoryBack removes everything again and expects the empty table.
func TestTableGivesMemoryBack(t *testing.T) {
	c := newChurn(2, 3000)
	table := NewTable()
	for range 50 {
		table = c.batch(table, 1000, 100)
	}
	full := table.leaves
	e := table.Edit(new(Workspace), func(Key, Entry) { c.held-- })
	for k, entries := range c.model {
		for entry := range entries {
			e.Remove(k.Hash(), entry.Binding)
		}
	}
	table = e.Commit()
	consistent(t, table)
	if full < 30 || table.leaves != 1 || table.depth != 0 || !table.page(0).empty() || c.held != 0 {
		t.Errorf("%d pages of %d are left, depth %d, %d entries", table.leaves, full, table.depth, c.held)
	}
	for i := range table.nextFat + 1 {
		if _, ok := table.fat.Get(i); ok {
			t.Errorf("the key kept apart as number %d is still there", i)
		}
	}
}

// TestHugeKeysDoNotBlowUpTheDirectory: pages that no split makes small must not
// make it double for ever.
func TestHugeKeysDoNotBlowUpTheDirectory(t *testing.T) {
	e := NewTable().Edit(new(Workspace), nil)
	for i := range 500 {
		k := Key{ID: fmt.Sprint(i) + string(make([]byte, 3000))}
		e.Add(k.Hash(), k, Entry{})
	}
	table := e.Commit()
	consistent(t, table)
	if places := 1 << table.depth; places > 64*500 {
		t.Errorf("the directory has %d places for 500 keys", places)
	}
}

// TestVersionsOfALargeTable: lone changes, in all branches of a large directory, are
// in their version and those after it, and in none before.
func TestVersionsOfALargeTable(t *testing.T) {
	const changed = 200
	var keys []Key
	e := NewTable().Edit(new(Workspace), nil)
	for i := range 100 * changed {
		k := Key{Kind: 1, ID: fmt.Sprintf("%0100d", i)}
		e.Add(k.Hash(), k, Entry{Binding: uint32(i)})
		if i%100 == 0 {
			keys = append(keys, k)
		}
	}
	versions := []*Table{e.Commit()}
	if got := len(versions[0].branches); got < 2 {
		t.Fatalf("the directory has %d branches", got)
	}
	for i, k := range keys {
		e := versions[i].Edit(new(Workspace), nil)
		e.Add(k.Hash(), k, Entry{Role: 7})
		versions = append(versions, e.Commit())
	}
	for v, table := range versions {
		consistent(t, table)
		for i, k := range keys {
			want := 1
			if i < v {
				want = 2
			}
			if got := table.Find(k.Kind, k.ID).Len(); got != want {
				t.Fatalf("after %d changes, key %d has %d entries, want %d", v, i, got, want)
			}
		}
	}
}

func TestFatKey(t *testing.T) {
	e := NewTable().Edit(new(Workspace), nil)
	k := Key{Kind: 7, ID: "*"}
	for i := range uint32(5000) {
		entry := Entry{Role: i % 10, Scope: i % 3, Binding: i}
		if i%100 == 1 {
			entry.Binding |= Special
		}
		e.Add(k.Hash(), k, entry)
	}
	l := e.Commit().Find(k.Kind, k.ID)
	fat := l.Fat()
	if fat == nil || fat.Len() != 5000 || l.Len() != 0 {
		t.Fatalf("5000 entries are not kept apart: %+v", l)
	}
	if got, ok := fat.Plain(1, 4); !ok || got.Role != 4 || got.Scope != 1 {
		t.Errorf("the first of role 4 in scope 1 is %+v, %v", got, ok)
	}
	if got, ok := fat.Plain(1, 10); ok {
		t.Errorf("there is a role 10: %+v", got)
	}
	n := 0
	fat.EachSpecial(2, func(e Entry) {
		if n++; e.Scope != 2 || e.Binding&Special == 0 || e.Binding&^Special%100 != 1 {
			t.Errorf("%+v is called special in scope 2", e)
		}
	})
	if n != 17 {
		t.Errorf("%d special entries in scope 2, want 17", n)
	}
}
