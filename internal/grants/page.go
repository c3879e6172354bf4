// SPDX-License-Identifier: Apache-2.0

package grants

import (
	"encoding/binary"

	"github.com/rolecall/rolecall/internal/persist"
)

// page is some of the keys of a table: those whose hashes begin with the same
// bits. It is a string because nothing may ever change in it.
//
//	depth and format    1 byte: how many bits are the same, and whether it is wide
//	where buckets begin 17 numbers of 4 bytes; the last one is the end
//	buckets             slots, one after the other
//
// A slot is 8 bytes in one number (see slotHead), the id, and the entries. A page
// without keys is the depth alone.
type page string

const (
	bucketBits = 4
	buckets    = 1 << bucketBits
	headerSize = 1 + 4*(buckets+1)
	headSize   = 8
	// wideBit, in the first byte, says that roles and scopes take 4 bytes in an
	// entry. Where all their numbers are below 65,536 they take 2.
	wideBit    = 0x80
	narrowSize = 8
	wideSize   = 12
	// maxInline is how many entries a slot may hold. A key with more is kept
	// apart, until it has less than half as many.
	maxInline = 32
	// apart stands for the number of entries of a key that is kept apart: what
	// follows is the number under which the table has it.
	apart     = 255
	apartSize = 4
)

func bucketOf(h uint64) int { return int(h & (buckets - 1)) }
func tagOf(h uint64) byte   { return byte(h >> bucketBits) }

// slotHead is what a slot begins with: from the lowest byte, a tag (8 more bits of
// the hash), the number of entries, the length of the id (2 bytes) and the kind
// (4 bytes).
type slotHead uint64

func newHead(h uint64, kind uint32, length int) slotHead {
	return slotHead(tagOf(h)) | slotHead(length)<<16 | slotHead(kind)<<32
}

const countMask = 0xff00

// key is the head without the number of entries.
func (h slotHead) key() slotHead { return h &^ countMask }

func (h slotHead) tag() byte    { return byte(h) }
func (h slotHead) count() byte  { return byte(h >> 8) }
func (h slotHead) length() int  { return int(uint16(h >> 16)) }
func (h slotHead) kind() uint32 { return uint32(h >> 32) }

func (h *slotHead) setCount(n byte) { *h = h.key() | slotHead(n)<<8 }

// rawSize returns how many bytes the entries take.
func (h slotHead) rawSize(wide bool) int {
	switch {
	case h.count() == apart:
		return apartSize
	case wide:
		return int(h.count()) * wideSize
	}
	return int(h.count()) * narrowSize
}

// needsWide reports whether an entry has a number that takes more than 2 bytes.
func (e Entry) needsWide() bool { return (e.Role | e.Scope) > 1<<16-1 }

// appendRaw writes an entry.
func (e Entry) appendRaw(raw []byte, wide bool) []byte {
	if wide {
		raw = binary.LittleEndian.AppendUint32(raw, e.Role)
		raw = binary.LittleEndian.AppendUint32(raw, e.Scope)
	} else {
		raw = binary.LittleEndian.AppendUint16(raw, uint16(e.Role))
		raw = binary.LittleEndian.AppendUint16(raw, uint16(e.Scope))
	}
	return binary.LittleEndian.AppendUint32(raw, e.Binding)
}

func emptyPage(depth uint8) page { return page([]byte{depth}) }

func (p page) depth() uint8 { return p[0] &^ wideBit }

func (p page) wide() bool { return p[0]&wideBit != 0 }

func (p page) empty() bool { return len(p) < headerSize }

// bucket returns where a bucket begins and ends.
func (p page) bucket(b int) (from, to int) {
	ends := eight(string(p), 1+4*b)
	return int(uint32(ends)), int(ends >> 32)
}

// text returns what stands in a bucket.
func (p page) text(b int) string {
	if p.empty() {
		return ""
	}
	from, to := p.bucket(b)
	return string(p[from:to])
}

// eight is persist.Uint64 in a form that costs two instructions more and that does
// not keep the compiler from inlining its callers.
func eight(s string, i int) uint64 { return binary.LittleEndian.Uint64([]byte(s[i : i+8])) }

// find returns the head of a key and what stands behind its id, or the head 0.
func (p page) find(h uint64, kind uint32, id string) (head slotHead, raw string) {
	if p.empty() || len(id) > MaxID {
		return 0, ""
	}
	key := newHead(h, kind, len(id))
	for i, end := p.bucket(bucketOf(h)); ; {
		i, head = p.seek(i, end, key)
		if head == 0 {
			return 0, ""
		}
		at := i + headSize + len(id)
		if i = at + head.rawSize(p.wide()); p.stands(id, at-len(id)) {
			return head, string(p[at:i])
		}
	}
}

// stands reports whether an id stands at a place. Two reads will do for most.
func (p page) stands(id string, at int) bool {
	if n := len(id); n >= 8 && n <= 16 {
		return persist.Uint64(string(p), at) == persist.Uint64(id, 0) &&
			persist.Uint64(string(p), at+n-8) == persist.Uint64(id, n-8)
	}
	return string(p[at:at+len(id)]) == id
}

// seek returns the first slot, from a place on, whose head has a key, or the head 0.
// It calls nothing, because this is where checks spend their time.
func (p page) seek(i, end int, key slotHead) (int, slotHead) {
	unit := narrowSize
	if p.wide() {
		unit = wideSize
	}
	for i < end {
		head := slotHead(persist.Uint64(string(p), i))
		if head.key() == key {
			return i, head
		}
		size := int(head.count()) * unit
		if head.count() == apart {
			size = apartSize
		}
		i += headSize + head.length() + size
	}
	return i, 0
}

// slot is one key as it stands in a page.
type slot struct {
	head slotHead
	id   string
	raw  string
}

// slot returns what stands at a place, and the place behind it.
func (p page) slot(i int) (s slot, next int) {
	s.head = slotHead(persist.Uint64(string(p), i))
	i += headSize
	at := i + s.head.length()
	next = at + s.head.rawSize(p.wide())
	s.id, s.raw = string(p[i:at]), string(p[at:next])
	return s, next
}
