// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"errors"
	"fmt"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/interpreter"

	"github.com/rolecall/rolecall/internal/authz"
)

// evalCost is what every evaluation costs beside its steps.
const evalCost = 3

// Program is a compiled condition. It is immutable and safe for concurrent use.
type Program struct {
	text   string
	issues []Issue
	// err is what every evaluation fails with, if the condition is no good.
	err error
	prg cel.Program
	// direct is nil if only CEL can evaluate the condition.
	direct    *direct
	reads     Parts
	steps     uint64
	maxCost   uint64
	unguarded []Read
}

// Read is a read of a key that a request may lack.
type Read struct {
	// Path is what is read, as the condition spells it, such as
	// context.country.
	Path string
	// Line and Column are where it stands, counted from 1; Column counts
	// characters.
	Line, Column int
}

// Failing returns a program that fails with err at every evaluation.
func Failing(err error) *Program {
	return &Program{err: err}
}

// Text returns the expression; it is empty for a program of Failing.
func (p *Program) Text() string {
	return p.text
}

// MaxCost returns an estimate of what an evaluation costs for a request with
// long lists and texts (256 elements, 1,024 bytes each): above CheckBudget, the
// condition will fail for such requests. It is an estimate for warnings and not
// a bound; the bound is the Budget.
func (p *Program) MaxCost() uint64 {
	return p.maxCost
}

// Unguarded returns the reads of keys that a request may lack (below context,
// properties and attr) which no has() guards, in the order of the text, each
// path once. A request without such a key makes the condition fail, which
// denies if it is the condition of a Deny.
func (p *Program) Unguarded() []Read {
	return p.unguarded
}

// Eval evaluates the condition for a request and charges the cost to b. The
// result is an error if a key that is read is missing, types do not fit, the
// value is no bool or the budget does not suffice; it is then neither true nor
// false. Equal requests and budgets give equal results, and Eval keeps neither.
func (p *Program) Eval(r *authz.Request, b *Budget) (bool, error) {
	if p.err != nil {
		return false, p.err
	}
	if !b.charge(evalCost + p.steps) {
		return false, ErrCost
	}
	if p.direct != nil {
		if holds, ok, err := p.direct.eval(r, b); ok {
			return holds, err
		}
	}
	return p.run(r, b)
}

// run evaluates the condition as CEL.
func (p *Program) run(r *authz.Request, b *Budget) (bool, error) {
	a := activations.Get().(*activation)
	a.request, a.budget = r, *b
	v, _, err := p.prg.Eval(a)
	*b = a.budget
	a.request = nil
	activations.Put(a)
	if err != nil {
		return false, evalError(err)
	}
	if v, ok := v.(types.Bool); ok {
		return bool(v), nil
	}
	return false, fmt.Errorf("the condition gives a %s, not true or false", v.Type().TypeName())
}

func evalError(err error) error {
	if cancelled := (interpreter.EvalCancelledError{}); errors.As(err, &cancelled) {
		return ErrCost
	}
	return err
}
