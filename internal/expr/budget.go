// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"fmt"
	"math"
	"math/bits"
)

// MaxRequestBytes is the largest request that a door may accept. What a
// condition can go through is bounded by it, and with it how long one step of an
// evaluation can take before its cost is charged.
const MaxRequestBytes = 1 << 20

// CheckBudget is the cost that the conditions of one check may spend together.
//
// A unit is one step of an evaluation, 10 to 100 nanoseconds. An ordinary
// condition (a few comparisons) costs 5 to 20 units, so a check may evaluate ten
// thousand of them, or go once through a list of twenty thousand elements; and a
// loop in a loop over the longest list that a request can hold is stopped after
// 10 to 20 milliseconds.
const CheckBudget = 200_000

// Budget is the cost that one check may still spend. It belongs to one check
// and is not safe for concurrent use. The zero Budget is exhausted.
//
// Once an evaluation needs more than is left, it and every further one of the
// check is an error, so that what a check decides does not depend on how cheap
// the conditions after the expensive one are.
type Budget struct {
	left uint64
}

// NewBudget returns the budget of a check, CheckBudget.
func NewBudget() Budget {
	return Budget{left: CheckBudget}
}

// Left returns the cost that may still be spent; 0 if the budget is exhausted.
func (b *Budget) Left() uint64 {
	return b.left
}

// charge spends a cost. If less than that is left, the budget is exhausted and
// charge reports false.
func (b *Budget) charge(cost uint64) bool {
	if cost >= b.left {
		b.left = 0
		return false
	}
	b.left -= cost
	return true
}

// ErrCost is the error of an evaluation that needs more than is left of the
// budget of its check.
var ErrCost = fmt.Errorf("cost exhausted: the conditions of one check may cost %d together", CheckBudget)

// mul multiplies costs and stays at the maximum instead of overflowing.
func mul(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	if hi != 0 {
		return math.MaxUint64
	}
	return lo
}

// add adds costs and stays at the maximum instead of overflowing.
func add(costs ...uint64) uint64 {
	var sum uint64
	for _, c := range costs {
		s, carry := bits.Add64(sum, c, 0)
		if carry != 0 {
			return math.MaxUint64
		}
		sum = s
	}
	return sum
}
