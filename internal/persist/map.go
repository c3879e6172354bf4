// SPDX-License-Identifier: Apache-2.0

package persist

import (
	"iter"
	"math/bits"
	"slices"
)

// Map is a persistent hash map: a trie over the bits of the keys' hashes, in
// which a change copies the nodes on one path and shares all others. NewMap makes
// one. It is immutable and safe for any number of readers; changes go through
// Edit, which copies each node at most once in a batch.
type Map[K comparable, V any] struct {
	hash func(K) uint64
	root *hnode[K, V]
}

// hnode keeps its leaves and its children apart (as in CHAMP), each packed and
// addressed by a bitmap. Below the last bit of the hash there are only leaves,
// in a list without a bitmap.
type hnode[K comparable, V any] struct {
	owner    *hmark
	leafMap  uint32
	childMap uint32
	leaves   []hleaf[K, V]
	children []*hnode[K, V]
}

type hleaf[K comparable, V any] struct {
	key K
	val V
}

const (
	hashBits  = 64
	levelBits = 5
	levelMask = 1<<levelBits - 1
)

// NewMap returns an empty map whose keys are spread by hash. All 64 bits of it
// must be good; a collision costs time only.
func NewMap[K comparable, V any](hash func(K) uint64) *Map[K, V] {
	return &Map[K, V]{hash: hash, root: &hnode[K, V]{}}
}

// Get returns the value of a key, or the zero value.
func (m *Map[K, V]) Get(key K) (V, bool) {
	return m.Find(key, m.hash(key))
}

// Find is Get for a caller who knows the hash of the key.
func (m *Map[K, V]) Find(key K, h uint64) (V, bool) {
	n := m.root
	for shift := 0; shift < hashBits; shift += levelBits {
		bit := uint32(1) << (h >> shift & levelMask)
		if n.leafMap&bit != 0 {
			l := &n.leaves[index(n.leafMap, bit)]
			return l.valueIf(key)
		}
		if n.childMap&bit == 0 {
			var zero V
			return zero, false
		}
		n = n.children[index(n.childMap, bit)]
	}
	return n.getCollided(key)
}

// All yields every key with its value, in no particular order.
func (m *Map[K, V]) All() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) { m.root.each(yield) }
}

func (n *hnode[K, V]) each(yield func(K, V) bool) bool {
	for i := range n.leaves {
		if !yield(n.leaves[i].key, n.leaves[i].val) {
			return false
		}
	}
	for _, child := range n.children {
		if !child.each(yield) {
			return false
		}
	}
	return true
}

func (l *hleaf[K, V]) valueIf(key K) (V, bool) {
	if l.key == key {
		return l.val, true
	}
	var zero V
	return zero, false
}

func (n *hnode[K, V]) getCollided(key K) (V, bool) {
	for i := range n.leaves {
		if n.leaves[i].key == key {
			return n.leaves[i].val, true
		}
	}
	var zero V
	return zero, false
}

func index(bitmap, bit uint32) int {
	return bits.OnesCount32(bitmap & (bit - 1))
}

// MapEdit is a batch of changes to one version. It owns the nodes it has copied,
// which bear its mark, and changes those in place. It is not safe for concurrent
// use.
type MapEdit[K comparable, V any] struct {
	base *Map[K, V]
	root *hnode[K, V]
	mark *hmark // nil until something changes
}

// hmark identifies a batch by its address. It is apart from the batch so that a
// node that outlives it keeps nothing else alive.
type hmark struct{ _ byte }

// Edit begins a batch.
func (m *Map[K, V]) Edit() *MapEdit[K, V] {
	return &MapEdit[K, V]{base: m, root: m.root}
}

// Done ends the batch and returns the new version, which is the old one if
// nothing has changed; the next batch goes on from there.
func (e *MapEdit[K, V]) Done() *Map[K, V] {
	if e.mark != nil {
		e.base = &Map[K, V]{hash: e.base.hash, root: e.root}
		e.mark = nil
	}
	return e.base
}

// Get returns the value of a key as the batch has left it, or the zero value.
func (e *MapEdit[K, V]) Get(key K) (V, bool) {
	m := Map[K, V]{hash: e.base.hash, root: e.root}
	return m.Get(key)
}

// Set gives a key a value.
func (e *MapEdit[K, V]) Set(key K, val V) {
	e.begin()
	e.root = e.insert(e.root, hleaf[K, V]{key, val}, e.base.hash(key), 0)
}

// Remove takes a key out, if it is there.
func (e *MapEdit[K, V]) Remove(key K) {
	if _, there := e.Get(key); there {
		e.begin()
		e.root = e.without(e.root, key, e.base.hash(key), 0)
	}
}

func (e *MapEdit[K, V]) begin() {
	if e.mark == nil {
		e.mark = new(hmark)
	}
}

// own returns n if the batch may change it, or else a copy that it may.
func (e *MapEdit[K, V]) own(n *hnode[K, V]) *hnode[K, V] {
	if n.owner == e.mark {
		return n
	}
	c := *n
	c.owner = e.mark
	c.leaves = slices.Clone(n.leaves)
	c.children = slices.Clone(n.children)
	return &c
}

func (e *MapEdit[K, V]) insert(n *hnode[K, V], l hleaf[K, V], h uint64, shift int) *hnode[K, V] {
	n = e.own(n)
	if shift >= hashBits {
		n.putCollided(l)
		return n
	}
	bit := uint32(1) << (h >> shift & levelMask)
	switch {
	case n.childMap&bit != 0:
		c := &n.children[index(n.childMap, bit)]
		*c = e.insert(*c, l, h, shift+levelBits)
	case n.leafMap&bit == 0:
		n.leaves = slices.Insert(n.leaves, index(n.leafMap, bit), l)
		n.leafMap |= bit
	default:
		e.replaceOrSplit(n, l, h, shift, bit)
	}
	return n
}

// replaceOrSplit puts l where another leaf is: over it if they have one key,
// else both into a new child.
func (e *MapEdit[K, V]) replaceOrSplit(n *hnode[K, V], l hleaf[K, V], h uint64, shift int, bit uint32) {
	i := index(n.leafMap, bit)
	old := n.leaves[i]
	if old.key == l.key {
		n.leaves[i] = l
		return
	}
	child := &hnode[K, V]{owner: e.mark}
	child = e.insert(child, old, e.base.hash(old.key), shift+levelBits)
	child = e.insert(child, l, h, shift+levelBits)
	n.leaves = slices.Delete(n.leaves, i, i+1)
	n.leafMap &^= bit
	n.children = slices.Insert(n.children, index(n.childMap, bit), child)
	n.childMap |= bit
}

func (n *hnode[K, V]) putCollided(l hleaf[K, V]) {
	for i := range n.leaves {
		if n.leaves[i].key == l.key {
			n.leaves[i] = l
			return
		}
	}
	n.leaves = append(n.leaves, l)
}

func (e *MapEdit[K, V]) without(n *hnode[K, V], key K, h uint64, shift int) *hnode[K, V] {
	if shift >= hashBits {
		return e.withoutCollided(n, key)
	}
	bit := uint32(1) << (h >> shift & levelMask)
	if n.leafMap&bit != 0 {
		i := index(n.leafMap, bit)
		if n.leaves[i].key != key {
			return n
		}
		n = e.own(n)
		n.leaves = slices.Delete(n.leaves, i, i+1)
		n.leafMap &^= bit
		return n
	}
	if n.childMap&bit == 0 {
		return n
	}
	i := index(n.childMap, bit)
	child := e.without(n.children[i], key, h, shift+levelBits)
	if child == n.children[i] && child.owner != e.mark {
		return n
	}
	n = e.own(n)
	n.children[i] = child
	n.pull(i, bit)
	return n
}

// pull takes a child that has become a single leaf, or nothing, back into its
// parent, so that the memory of removed keys comes back.
func (n *hnode[K, V]) pull(i int, bit uint32) {
	child := n.children[i]
	if len(child.children) > 0 || len(child.leaves) > 1 {
		return
	}
	n.children = slices.Delete(n.children, i, i+1)
	n.childMap &^= bit
	if len(child.leaves) == 1 {
		n.leaves = slices.Insert(n.leaves, index(n.leafMap, bit), child.leaves[0])
		n.leafMap |= bit
	}
}

func (e *MapEdit[K, V]) withoutCollided(n *hnode[K, V], key K) *hnode[K, V] {
	i := slices.IndexFunc(n.leaves, func(l hleaf[K, V]) bool { return l.key == key })
	if i < 0 {
		return n
	}
	n = e.own(n)
	n.leaves = slices.Delete(n.leaves, i, i+1)
	return n
}
