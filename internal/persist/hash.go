// SPDX-License-Identifier: Apache-2.0

package persist

import (
	"hash/maphash"
	"math/bits"
)

// secrets make the hashes of a process unlike those of any other, so that nobody
// can choose names that collide.
var secrets = newSecrets()

func newSecrets() (s [4]uint64) {
	seed := maphash.MakeSeed()
	for i := range s {
		s[i] = maphash.Comparable(seed, i) | 1
	}
	return s
}

// Gist is what can be read of a string at once: its first eight bytes, up to seven
// more at its end, and in the highest byte its length. Up to GistLen bytes it says
// everything, so that two strings are equal if their gists are; the gist of a longer
// one is that of no shorter one.
type Gist struct{ head, tail uint64 }

const (
	// GistLen is up to how many bytes a Gist says everything.
	GistLen = 15

	lengthAt = 56
	longMark = 0xff << lengthAt
)

// GistOf returns the gist of a string.
func GistOf(s string) Gist {
	switch n := len(s); {
	case n > GistLen:
		return Gist{Uint64(s, 0), Uint64(s, n-8)>>8 | longMark}
	case n >= 8:
		// The bytes that both have are shifted out.
		return Gist{Uint64(s, 0), Uint64(s, n-8)>>8>>(8*uint(GistLen-n)&63) | uint64(n)<<lengthAt}
	case n >= 4:
		return Gist{uint64(Uint32(s, 0)) | uint64(Uint32(s, n-4))<<(8*uint(n-4)&63), uint64(n) << lengthAt}
	}
	var head uint64
	for i := range len(s) {
		head |= uint64(s[i]) << (8 * uint(i) & 63)
	}
	return Gist{head, uint64(len(s)) << lengthAt}
}

// Hash returns a hash of the gist; it is Hash of the string if the gist says
// everything.
func (g Gist) Hash() uint64 { return fold(g.head, g.tail, 0, 0) }

// HashWith returns a hash of two gists, in this order.
func (g Gist) HashWith(o Gist) uint64 { return fold(g.head, g.tail, o.head, o.tail) }

// Hash spreads strings over 64 bits, all of them good. It differs from process to
// process. Names are short, and for them it takes half the time of
// maphash.String, which a check would call five times.
//
// It multiplies what it has read by secrets to 128 bits and folds the halves, as
// wyhash does.
func Hash(s string) uint64 {
	if len(s) > GistLen {
		return hashLong(s)
	}
	return GistOf(s).Hash()
}

func hashLong(s string) uint64 {
	n := len(s)
	h := uint64(n)
	for i := 0; i+16 < n; i += 16 {
		h = fold(Uint64(s, i), Uint64(s, i+8), 0, h)
	}
	return fold(Uint64(s, n-16), Uint64(s, n-8), 0, h)
}

func fold(a, b, c, d uint64) uint64 {
	hi, lo := bits.Mul64(a^secrets[0], b^secrets[1])
	hi, lo = bits.Mul64(hi^lo^c^secrets[2], d^secrets[3])
	return hi ^ lo
}

// HashNumber spreads numbers that come one after the other.
func HashNumber(n uint32) uint64 {
	return fold(uint64(n), 0, 0, 1)
}

// Uint32 reads four bytes of a string, the lowest first.
func Uint32(s string, i int) uint32 {
	s = s[i : i+4]
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
}

// Uint64 reads eight bytes of a string, the lowest first.
func Uint64(s string, i int) uint64 {
	s = s[i : i+8]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}
