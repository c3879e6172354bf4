// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"errors"
	"fmt"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"github.com/google/cel-go/interpreter"
)

// Form is what an expression over claims must give.
type Form uint8

// The forms.
const (
	// AnyForm is whatever JSON knows.
	AnyForm Form = iota
	// TruthForm is true or false.
	TruthForm
	// TextForm is a string.
	TextForm
	// ListForm is a list, or a string that stands for a list of one.
	ListForm
)

// takes reports whether an expression of a type can be of the form. What is known
// at run time only may be.
func (f Form) takes(t *cel.Type) bool {
	switch k := t.Kind(); f {
	case TruthForm:
		return k == types.BoolKind || k == types.DynKind
	case TextForm:
		return k == types.StringKind || k == types.DynKind
	case ListForm:
		return k == types.ListKind || k == types.StringKind || k == types.DynKind
	default:
		return true
	}
}

// String says the form in words.
func (f Form) String() string {
	switch f {
	case TruthForm:
		return "true or false"
	case TextForm:
		return "a string"
	case ListForm:
		return "a list or a string"
	default:
		return "a value"
	}
}

// ClaimsEnv compiles expressions over the claims of a token: the functions are
// those of conditions, and the only variable is `claims`, a map. It is safe for
// concurrent use.
type ClaimsEnv struct {
	env *Env
}

// NewClaimsEnv returns an environment. It takes some milliseconds.
func NewClaimsEnv() (*ClaimsEnv, error) {
	env, err := newEnv([]cel.EnvOption{cel.Variable("claims", attributes)})
	if err != nil {
		return nil, err
	}
	return &ClaimsEnv{env}, nil
}

// ClaimsProgram is a compiled expression over claims. It is immutable and safe
// for concurrent use.
type ClaimsProgram struct {
	prg   cel.Program
	steps uint64
}

// Compile compiles an expression that must give the form. The error says what is
// wrong and where. It never panics.
func (e *ClaimsEnv) Compile(text string, form Form) (p *ClaimsProgram, err error) {
	defer func() {
		if r := recover(); r != nil {
			p, err = nil, fmt.Errorf("the expression cannot be compiled: %v", r)
		}
	}()
	checked, issues := e.env.check(text)
	if len(issues) > 0 {
		return nil, errors.New(issues[0].String())
	}
	if t := checked.OutputType(); !form.takes(t) {
		return nil, fmt.Errorf("the expression is of type %s, it must be %s", t, form)
	}
	prg, steps, err := e.env.plan(checked)
	if err != nil {
		return nil, err
	}
	return &ClaimsProgram{prg: prg, steps: steps}, nil
}

// claimsActivation is the variable of an expression over claims.
type claimsActivation struct {
	claims map[string]any
	budget *Budget
}

// ResolveName implements interpreter.Activation.
func (a *claimsActivation) ResolveName(name string) (any, bool) {
	switch name {
	case "claims":
		return a.claims, true
	case budgetName:
		return a.budget, true
	}
	return nil, false
}

// Parent implements interpreter.Activation.
func (*claimsActivation) Parent() interpreter.Activation {
	return nil
}

// Eval evaluates the expression and charges the cost to b. The result is a value
// of encoding/json: nil, bool, float64, string, []any or map[string]any; an empty
// optional is nil. Claims are of these values too, and neither changed nor kept,
// but the result may share them. An error may quote claims: it is not for who sent
// the token.
func (p *ClaimsProgram) Eval(claims map[string]any, b *Budget) (any, error) {
	if !b.charge(evalCost + p.steps) {
		return nil, ErrCost
	}
	v, _, err := p.prg.Eval(&claimsActivation{claims, b})
	if err != nil {
		return nil, evalError(err)
	}
	return plain(v, b)
}

// plain returns a CEL value as one of encoding/json. Each value that is made
// costs a step: an expression can make more than it has spent.
func plain(v ref.Val, b *Budget) (any, error) {
	if !b.charge(1) {
		return nil, ErrCost
	}
	switch v := v.(type) {
	case types.Null:
		return nil, nil
	case types.Bool:
		return bool(v), nil
	case types.String:
		return string(v), nil
	case types.Double:
		return float64(v), nil
	case types.Int:
		return float64(v), nil
	case types.Uint:
		return float64(v), nil
	case *types.Optional:
		if !v.HasValue() {
			return nil, nil
		}
		return plain(v.GetValue(), b)
	case traits.Lister:
		return plainList(v, b)
	case traits.Mapper:
		return plainMap(v, b)
	}
	return nil, fmt.Errorf("the expression gives a %s, which JSON does not know", v.Type().TypeName())
}

func plainList(list traits.Lister, b *Budget) (any, error) {
	out := []any{}
	for it := list.Iterator(); it.HasNext() == types.True; {
		v, err := plain(it.Next(), b)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func plainMap(m traits.Mapper, b *Budget) (any, error) {
	out := map[string]any{}
	for it := m.Iterator(); it.HasNext() == types.True; {
		key := it.Next()
		name, ok := key.(types.String)
		if !ok {
			return nil, fmt.Errorf("the expression gives a map with a key of type %s; it must be a string", key.Type().TypeName())
		}
		v, err := plain(m.Get(key), b)
		if err != nil {
			return nil, err
		}
		out[string(name)] = v
	}
	return out, nil
}
