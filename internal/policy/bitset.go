// SPDX-License-Identifier: Apache-2.0

package policy

// bitset is a set of small numbers: the positions that a vocabulary gives to
// its (type, action) pairs. The nil bitset is empty; reading past the end is
// reading a zero.
type bitset []uint64

func newBitset(n int) bitset { return make(bitset, (n+63)/64) }

func (b bitset) has(i int32) bool {
	w := int(i >> 6)
	return w < len(b) && b[w]&(1<<(uint(i)&63)) != 0
}

func (b bitset) set(i int32) { b[i>>6] |= 1 << (uint(i) & 63) }

// add puts all members of o into b, which has room for them.
func (b bitset) add(o bitset) {
	for i, w := range o {
		b[i] |= w
	}
}

func (b bitset) empty() bool {
	for _, w := range b {
		if w != 0 {
			return false
		}
	}
	return true
}
