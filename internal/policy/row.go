// SPDX-License-Identifier: Apache-2.0

package policy

import "math/bits"

// row is a set of roles, or of other things by number, in words of 64.
type row []uint64

// has reports whether a role is in the row.
func (r row) has(role uint32) bool {
	return int(role>>6) < len(r) && r[role>>6]&(1<<(role&63)) != 0
}

// word returns a word, also one that is beyond the end.
func (r row) word(i int) uint64 {
	if i < len(r) {
		return r[i]
	}
	return 0
}

// add puts a role in. It is for rows that nobody else sees yet.
func (r *row) add(role uint32) {
	if missing := int(role>>6) + 1 - len(*r); missing > 0 {
		*r = append(*r, make(row, missing)...)
	}
	(*r)[role>>6] |= 1 << (role & 63)
}

// or returns the roles of either row.
func (r row) or(other row) row {
	all := make(row, max(len(r), len(other)))
	for i := range all {
		all[i] = r.word(i) | other.word(i)
	}
	return all
}

// minus returns the roles that are not in the other row.
func (r row) minus(other row) row {
	left := make(row, len(r))
	for i, word := range r {
		left[i] = word &^ other.word(i)
	}
	return left
}

// members returns the roles in ascending order.
func (r row) members() []uint32 {
	var roles []uint32
	for i, word := range r {
		eachMember(i, word, func(role uint32) { roles = append(roles, role) })
	}
	return roles
}

// eachMember calls do with the roles of one word.
func eachMember(i int, word uint64, do func(role uint32)) {
	for ; word != 0; word &= word - 1 {
		do(uint32(i)*64 + uint32(bits.TrailingZeros64(word)))
	}
}
