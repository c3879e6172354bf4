// SPDX-License-Identifier: Apache-2.0

package grants

import (
	"encoding/binary"
	"strings"
)

// page is some of the keys of a table: those whose hashes begin with the same
// bits. It is a string because nothing may ever change in it.
//
//	depth               1 byte: how many bits are the same
//	where buckets begin 33 numbers of 4 bytes; the last one is the end
//	buckets             slots, one after the other
//
// A slot is a tag (8 more bits of the hash), the number of entries, the kind and
// the length of the id (both as varints), the id and the entries. A page without
// keys is the depth alone.
type page string

const (
	bucketBits = 5
	buckets    = 1 << bucketBits
	headerSize = 1 + 4*(buckets+1)
	entrySize  = 12
	// maxInline is how many entries a slot may hold. A key with more is kept
	// apart, until it has less than half as many.
	maxInline = 32
	// apart stands for the number of entries of a key that is kept apart: what
	// follows is the number under which the table has it.
	apart = 255
)

func bucketOf(h uint64) int { return int(h & (buckets - 1)) }
func tagOf(h uint64) byte   { return byte(h >> bucketBits) }

func u32(s string, i int) uint32 {
	s = s[i : i+4]
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
}

// uvarint reads a number and returns it with the place behind it.
func uvarint(s page, i int) (uint32, int) {
	b := s[i]
	if b < 0x80 {
		return uint32(b), i + 1
	}
	n := uint32(b & 0x7f)
	for shift := 7; ; shift += 7 {
		i++
		b = s[i]
		n |= uint32(b&0x7f) << shift
		if b < 0x80 {
			return n, i + 1
		}
	}
}

func uvarintSize(n uint32) int {
	size := 1
	for ; n >= 0x80; n >>= 7 {
		size++
	}
	return size
}

func emptyPage(depth uint8) page { return page([]byte{depth}) }

func (p page) depth() uint8 { return p[0] }

func (p page) empty() bool { return len(p) < headerSize }

// bucket returns where a bucket begins and ends.
func (p page) bucket(b int) (from, to int) {
	at := string(p[1+4*b : 9+4*b])
	return int(u32(at, 0)), int(u32(at, 4))
}

// find returns the entries of a key as they stand in the page, and their number.
func (p page) find(h uint64, kind uint32, id string) (raw string, count byte) {
	if p.empty() {
		return "", 0
	}
	tag := tagOf(h)
	i, end := p.bucket(bucketOf(h))
	for i < end {
		s, next := p.slot(i)
		if s.tag == tag && s.kind == kind && s.id == id {
			return s.raw, s.count
		}
		i = next
	}
	return "", 0
}

// slot is one key as it stands in a page.
type slot struct {
	tag, count byte
	kind       uint32
	id         string
	raw        string
}

// slot returns what stands at a place, and the place behind it.
func (p page) slot(i int) (s slot, next int) {
	s.tag, s.count = p[i], p[i+1]
	var length uint32
	s.kind, i = uvarint(p, i+2)
	length, i = uvarint(p, i)
	end := i + int(length)
	next = end + 4
	if s.count != apart {
		next = end + int(s.count)*entrySize
	}
	s.id, s.raw = string(p[i:end]), string(p[end:next])
	return s, next
}

// size returns how many bytes a slot takes in a page.
func (s *slot) size() int {
	return 2 + uvarintSize(s.kind) + uvarintSize(uint32(len(s.id))) + len(s.id) + len(s.raw)
}

// encode writes a page of slots, which are given by bucket.
func encode(depth uint8, slots *[buckets][]*staged, size int) page {
	if size == headerSize {
		return emptyPage(depth)
	}
	var header [headerSize]byte
	header[0] = depth
	at := headerSize
	for b := range slots {
		binary.LittleEndian.PutUint32(header[1+4*b:], uint32(at))
		for _, s := range slots[b] {
			at += s.size()
		}
	}
	binary.LittleEndian.PutUint32(header[1+4*buckets:], uint32(at))
	var out strings.Builder
	out.Grow(size)
	out.Write(header[:])
	for b := range slots {
		for _, s := range slots[b] {
			s.write(&out)
		}
	}
	return page(out.String())
}

func (s *slot) write(out *strings.Builder) {
	var head [2 + 2*binary.MaxVarintLen32]byte
	head[0], head[1] = s.tag, s.count
	n := 2 + binary.PutUvarint(head[2:], uint64(s.kind))
	n += binary.PutUvarint(head[n:], uint64(len(s.id)))
	out.Write(head[:n])
	out.WriteString(s.id)
	out.WriteString(s.raw)
}
