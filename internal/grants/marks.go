// SPDX-License-Identifier: Apache-2.0

package grants

import (
	"iter"

	"github.com/rolecall/rolecall/internal/persist"
)

// Mark is what is left of the hash of a key in 32 bits: enough to find the key in
// a table, or the few that have the same.
//
// It is the first bits of the hash, which find the page, and the last ones, which
// find the slot.
type Mark = uint32

const (
	slotBits = bucketBits + 8 // a bucket and a tag
	pageBits = 32 - slotBits
)

// MarkOf returns the mark of a key by its hash.
func MarkOf(hash uint64) Mark {
	return uint32(hash>>(64-pageBits))<<slotBits | uint32(hash&(1<<slotBits-1))
}

// Marked yields the keys that have a mark.
func (t *Table) Marked(m Mark) iter.Seq[Key] {
	return func(yield func(Key) bool) {
		first := uint64(m>>slotBits) << (64 - pageBits)
		for h := first; h>>(64-pageBits) == first>>(64-pageBits); {
			p := t.page(h)
			for head, id := range p.keys(bucketOf(uint64(m))) {
				if head.tag() == tagOf(uint64(m)) && !yield(Key{head.kind(), id}) {
					return
				}
			}
			if p.depth() <= pageBits {
				return
			}
			// The table is so large that several pages begin with these bits.
			shift := 64 - p.depth()
			if h = (h>>shift + 1) << shift; h == 0 {
				return
			}
		}
	}
}

// All yields the ids of the keys of a kind, in no particular order. It goes through the whole
// table.
func (t *Table) All(kind uint32) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i, places := uint64(0), uint64(1)<<t.depth; i < places; {
			p := *t.place(i)
			for b := range buckets {
				for head, id := range p.keys(b) {
					if head.kind() == kind && !yield(id) {
						return
					}
				}
			}
			i += 1 << (t.depth - p.depth())
		}
	}
}

// keys yields the heads and the ids of what stands in a bucket.
func (p page) keys(b int) iter.Seq2[slotHead, string] {
	return func(yield func(slotHead, string) bool) {
		if p.empty() {
			return
		}
		for i, end := p.bucket(b); i < end; {
			head := slotHead(persist.Uint64(string(p), i))
			at := i + headSize
			if !yield(head, string(p[at:at+head.length()])) {
				return
			}
			i = at + head.length() + head.rawSize(p.wide())
		}
	}
}
