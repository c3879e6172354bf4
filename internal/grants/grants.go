// SPDX-License-Identifier: Apache-2.0

package grants

import (
	"github.com/rolecall/rolecall/internal/persist"
)

// Everywhere is the number of the scope that covers every check.
const Everywhere = 0

// Special marks, in Entry.Binding, a binding that is not simply in force: the
// caller has to look at it.
const Special = 1 << 31

// Limited marks, beside Special, a binding that is about some instances only: the
// caller knows which bindings are about the one that matters.
const Limited = 1 << 30

// marks are what Entry.Binding has beside the number.
const marks = Special | Limited

// Entry gives a role in a scope by a binding.
type Entry struct {
	Role    uint32
	Scope   uint32
	Binding uint32
}

// Number returns the number of the binding, which is below Limited.
func (e Entry) Number() uint32 { return e.Binding &^ marks }

// Key is what bindings are filed under: an id, of at most MaxID bytes, of a kind.
type Key struct {
	Kind uint32
	ID   string
}

// MaxID is how many bytes an id may have.
const MaxID = 1<<16 - 1

// Hash returns the hash by which a key is found, in this process.
func (k Key) Hash() uint64 {
	return mix(persist.Hash(k.ID), k.Kind)
}

func mix(h uint64, kind uint32) uint64 {
	return h ^ (uint64(kind)+1)*0x9e3779b97f4a7c15 // 2^64 divided by the golden ratio
}

// List is what a table holds under a key. It is empty, or short and can be gone
// through, or kept apart in Fat.
type List struct {
	raw  string
	n    uint32
	wide bool
	fat  *Fat
}

// newList returns the entries that stand in a page.
func newList(raw string, head slotHead, wide bool) List {
	return List{raw: raw, n: uint32(head.count()), wide: wide}
}

// Len returns the number of entries of a list that is not kept apart.
func (l List) Len() int { return int(l.n) }

// At returns an entry of a list that is not kept apart.
func (l List) At(i int) Entry {
	if l.wide {
		both := persist.Uint64(l.raw, i*wideSize)
		return Entry{Role: uint32(both), Scope: uint32(both >> 32), Binding: persist.Uint32(l.raw, i*wideSize+8)}
	}
	e := Packed(persist.Uint64(l.raw, i*narrowSize))
	return Entry{Role: e.Role(), Scope: e.Scope(), Binding: uint32(e >> 32)}
}

// Narrow reports whether the entries are as small as they nearly always are, which
// is when they are Packed.
func (l List) Narrow() bool { return !l.wide }

// Packed returns the entries of a list that is Narrow, of PackedSize bytes each, to
// be read by persist.Uint64. There are fewer than 64.
func (l List) Packed() string { return l.raw }

// PackedSize is how many bytes an entry takes in a list that is Narrow.
const PackedSize = narrowSize

// Packed is an Entry in one number.
type Packed uint64

// Role returns Entry.Role.
func (p Packed) Role() uint32 { return uint32(uint16(p)) }

// Scope returns Entry.Scope.
func (p Packed) Scope() uint32 { return uint32(uint16(p >> 16)) }

// Special is 1 if the binding is Special, else 0.
func (p Packed) Special() uint64 { return uint64(p >> 63) }

// Fat returns the entries if they are kept apart, or nil.
func (l List) Fat() *Fat { return l.fat }

// Fat is the entries of a key that has a great many. It is immutable.
type Fat struct {
	// byScope is ordered by scope, then the plain ones before the special ones and
	// these before the limited ones, then role.
	byScope *persist.Triples
	// byBinding finds the entries of a binding that is taken away.
	byBinding *persist.Triples
}

var noFat = &Fat{byScope: &persist.Triples{}, byBinding: &persist.Triples{}}

func (e Entry) byScope() persist.Triple {
	return persist.Triple{e.Scope, e.Role | e.Binding&marks, e.Binding}
}

func (e Entry) byBinding() persist.Triple {
	return persist.Triple{e.Binding, e.Role, e.Scope}
}

func fromScope(t persist.Triple) Entry {
	return Entry{Role: t[1] &^ marks, Scope: t[0], Binding: t[2]}
}

func fromBinding(t persist.Triple) Entry {
	return Entry{Role: t[1], Scope: t[2], Binding: t[0]}
}

// Len returns the number of entries.
func (f *Fat) Len() int { return f.byScope.Len() }

// Plain returns the first entry in a scope that is not special and whose role is
// not below the one given, if there is one.
func (f *Fat) Plain(scope, role uint32) (Entry, bool) {
	c := f.byScope.Seek(persist.Triple{scope, role})
	t, ok := c.Member()
	if !ok || t[0] != scope || t[1]&marks != 0 {
		return Entry{}, false
	}
	return fromScope(t), true
}

// Each calls do with every entry in a scope.
func (f *Fat) Each(scope uint32, do func(Entry)) { f.between(scope, 0, lastRole, do) }

// EachSpecial calls do with every special entry in a scope, limited or not.
func (f *Fat) EachSpecial(scope uint32, do func(Entry)) { f.between(scope, Special, lastRole, do) }

// EachUnlimited calls do with every special entry in a scope that is not limited.
func (f *Fat) EachUnlimited(scope uint32, do func(Entry)) {
	f.between(scope, Special, Special|Limited-1, do)
}

// EachLimited calls do with every limited entry in a scope.
func (f *Fat) EachLimited(scope uint32, do func(Entry)) { f.between(scope, marks, lastRole, do) }

const lastRole = 1<<32 - 1

// between calls do with the entries in a scope from a role to another one, both with
// their marks.
func (f *Fat) between(scope, first, last uint32, do func(Entry)) {
	for c := f.byScope.Seek(persist.Triple{scope, first}); ; c.Next() {
		t, ok := c.Member()
		if !ok || t[0] != scope || t[1] > last {
			return
		}
		do(fromScope(t))
	}
}

// EachLimitedOf calls do with the entries of a binding that is limited.
func (f *Fat) EachLimitedOf(binding uint32, do func(Entry)) { f.eachOf(binding|marks, do) }

// eachOf calls do with the entries of a binding, which is given with its marks.
func (f *Fat) eachOf(binding uint32, do func(Entry)) {
	for c := f.byBinding.Seek(persist.Triple{binding}); ; c.Next() {
		t, ok := c.Member()
		if !ok || t[0] != binding {
			return
		}
		do(fromBinding(t))
	}
}

// of returns the entries of the binding with a number, whatever its marks are.
func (f *Fat) of(number uint32) []Entry {
	var out []Entry
	for _, b := range []uint32{number, number | Special, number | marks} {
		f.eachOf(b, func(e Entry) { out = append(out, e) })
	}
	return out
}

// All returns all entries, in an order of their own.
func (f *Fat) All() []Entry {
	out := make([]Entry, 0, f.Len())
	for c := f.byScope.Seek(persist.Triple{}); ; c.Next() {
		t, ok := c.Member()
		if !ok {
			return out
		}
		out = append(out, fromScope(t))
	}
}

func (f *Fat) has(e Entry) bool {
	c := f.byScope.Seek(e.byScope())
	t, ok := c.Member()
	return ok && t == e.byScope()
}

// with returns the set with entries added and others removed.
func (f *Fat) with(add, remove []Entry) *Fat {
	return &Fat{
		byScope:   f.byScope.With(triples(add, Entry.byScope), triples(remove, Entry.byScope)),
		byBinding: f.byBinding.With(triples(add, Entry.byBinding), triples(remove, Entry.byBinding)),
	}
}

// renumbered returns the set of what change makes of each entry.
func (f *Fat) renumbered(change func(Entry) Entry) *Fat {
	return &Fat{
		byScope:   f.byScope.Map(func(t persist.Triple) persist.Triple { return change(fromScope(t)).byScope() }),
		byBinding: f.byBinding.Map(func(t persist.Triple) persist.Triple { return change(fromBinding(t)).byBinding() }),
	}
}

func triples(entries []Entry, of func(Entry) persist.Triple) []persist.Triple {
	out := make([]persist.Triple, len(entries))
	for i, e := range entries {
		out[i] = of(e)
	}
	return out
}
