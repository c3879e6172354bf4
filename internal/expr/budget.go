// SPDX-License-Identifier: Apache-2.0

package expr

// CheckBudget is the cost that the conditions of one check may spend together,
// in units of CEL's cost model.
const CheckBudget = 1_000_000

// Budget is the cost that one check may still spend. It belongs to one check
// and is not safe for concurrent use. Once it is exhausted, every further
// evaluation is an error.
type Budget struct {
	left uint64
}

// NewBudget returns the budget of a check, CheckBudget.
func NewBudget() Budget {
	return Budget{left: CheckBudget}
}
