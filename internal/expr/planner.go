// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"regexp"
	"slices"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/functions"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/overloads"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"github.com/google/cel-go/interpreter"
)

// planner puts the charges into a program while cel-go plans it.
//
// cel-go's own cost tracking observes every step, which makes a comparison of
// two strings four times as expensive, and it counts a call after it has been
// made. Here the steps outside of loops are counted when a condition is
// compiled and charged at once, a turn of a loop charges the steps of its body,
// and a call whose work depends on the size of its arguments charges that work
// before it is done.
type planner struct {
	overloads map[string]*functions.Overload
	types     map[int64]*types.Type
	// ranges are the expressions that loops go through.
	ranges map[int64]bool
	// turns is the cost of the body of a loop by the expression that is its
	// step.
	turns map[int64]uint64
}

// plan makes the program of a checked expression. It returns the cost of the
// steps outside of loops too.
func (e *Env) plan(checked *cel.Ast) (cel.Program, uint64, error) {
	tree := checked.NativeRep()
	p := &planner{
		overloads: e.overloads,
		types:     tree.TypeMap(),
		ranges:    map[int64]bool{},
		turns:     map[int64]uint64{},
	}
	steps := p.count(tree.Expr())
	prg, err := e.cel.Program(checked,
		cel.EvalOptions(cel.OptOptimize),
		cel.CustomDecoratorV2(p.decorate))
	return prg, steps, err
}

// count returns the steps of an expression outside of loops, and notes its
// loops. A literal is no step.
func (p *planner) count(e ast.Expr) uint64 {
	if e.Kind() == ast.ComprehensionKind {
		return p.countLoop(e.AsComprehension())
	}
	var n uint64
	if e.Kind() != ast.LiteralKind {
		n = 1
	}
	for _, child := range children(e) {
		n += p.count(child)
	}
	return n
}

func (p *planner) countLoop(loop ast.ComprehensionExpr) uint64 {
	const turn = 2 // binding the variable, testing the condition
	if kind := loop.IterRange().Kind(); kind != ast.ListKind && kind != ast.LiteralKind {
		p.ranges[loop.IterRange().ID()] = true
	}
	p.turns[loop.LoopStep().ID()] = turn + p.count(loop.LoopCondition()) + p.count(loop.LoopStep())
	return 1 + p.count(loop.IterRange()) + p.count(loop.AccuInit()) + p.count(loop.Result())
}

// children returns the operands of an expression that is no loop.
func children(e ast.Expr) []ast.Expr {
	switch e.Kind() {
	case ast.CallKind:
		call := e.AsCall()
		if call.IsMemberFunction() {
			return append([]ast.Expr{call.Target()}, call.Args()...)
		}
		return call.Args()
	case ast.SelectKind:
		return []ast.Expr{e.AsSelect().Operand()}
	case ast.ListKind:
		return e.AsList().Elements()
	case ast.MapKind:
		var out []ast.Expr
		for _, entry := range e.AsMap().Entries() {
			out = append(out, entry.AsMapEntry().Key(), entry.AsMapEntry().Value())
		}
		return out
	default:
		return nil
	}
}

// decorate is called by cel-go for every step that it has planned.
func (p *planner) decorate(i interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
	if call, ok := i.(interpreter.InterpretableCall); ok {
		i = p.call(call)
	}
	if p.ranges[i.ID()] {
		i = ordered(i)
	}
	if cost, ok := p.turns[i.ID()]; ok {
		i = turn(i, cost)
	}
	return i, nil
}

// call returns a call that charges its work, or the call itself if its work does
// not depend on its arguments.
func (p *planner) call(call interpreter.InterpretableCall) interpreter.InterpretableV2 {
	args := call.Args()
	switch fn := call.Function(); {
	case fn == operators.Equals || fn == operators.NotEquals:
		if p.scalar(args[0]) || p.scalar(args[1]) {
			return call
		}
		return &meteredEqual{InterpretableCall: call, left: args[0], right: args[1], negate: fn == operators.NotEquals}
	case len(args) == 0 || free(fn):
		return call
	}
	impl, ok := p.overloads[call.OverloadID()]
	if !ok {
		impl, ok = p.overloads[call.Function()]
	}
	if !ok || impl.NonStrict {
		return call
	}
	m := &meteredCall{InterpretableCall: call, args: args, impl: impl, cost: costOf(call.Function())}
	switch call.Function() {
	case overloads.Matches:
		m.precompile()
		return hidden{m}
	case operators.In:
		m.textIn()
		return hidden{m}
	case operators.Add:
		m.impl = flatAdd(impl)
	}
	return m
}

// hidden is a step that cel-go's optimizer does not see for what it is, and so
// does not replace by one of its own that charges nothing.
type hidden struct {
	interpreter.InterpretableV2
}

// scalar reports whether an operand is known to be of a type whose values are
// compared in one step.
func (p *planner) scalar(i interpreter.InterpretableV2) bool {
	if c, ok := i.(interpreter.InterpretableConst); ok {
		switch v := c.Value().(type) {
		case types.String:
			return len(v) < comparedBytes
		case types.Bool, types.Int, types.Uint, types.Double, types.Null:
			return true
		}
	}
	t, ok := p.types[i.ID()]
	if !ok {
		return false
	}
	switch t.Kind() {
	case types.BoolKind, types.IntKind, types.UintKind, types.DoubleKind, types.TimestampKind, types.DurationKind:
		return true
	default:
		return false
	}
}

// precompile compiles a pattern that is a literal once. Compile has refused
// those that are no regular expressions.
func (m *meteredCall) precompile() {
	pattern, ok := m.args[1].(interpreter.InterpretableConst)
	if !ok {
		return
	}
	text, ok := pattern.Value().(types.String)
	if !ok {
		return
	}
	re, err := regexp.Compile(string(text))
	if err != nil {
		return
	}
	size, err := programSize(string(text))
	if err != nil {
		return
	}
	m.cost = func(_ uint64, s, _, _ ref.Val) uint64 { return matchCost(uint64(size), s) }
	m.impl = &functions.Overload{Binary: func(v, _ ref.Val) ref.Val {
		s, ok := v.(types.String)
		if !ok {
			return types.MaybeNoSuchOverloadErr(v)
		}
		return types.Bool(re.MatchString(string(s)))
	}}
}

// flatAdd returns + with lists that are copied. cel-go's sum of two lists only
// points to them, so that a sum of sums takes exponential time to go through,
// which no charge could tell from its size.
func flatAdd(impl *functions.Overload) *functions.Overload {
	return &functions.Overload{
		OperandTrait: impl.OperandTrait,
		Binary: func(a, b ref.Val) ref.Val {
			l, isList := a.(traits.Lister)
			r, both := b.(traits.Lister)
			if _, mutable := a.(traits.MutableLister); mutable || !isList || !both {
				return impl.Binary(a, b)
			}
			elems := make([]ref.Val, 0, sizeOf(l)+sizeOf(r))
			for _, list := range []traits.Lister{l, r} {
				for it := list.Iterator(); it.HasNext() == types.True; {
					elems = append(elems, it.Next())
				}
			}
			return types.NewRefValList(types.DefaultTypeAdapter, elems)
		},
	}
}

// textIn makes `in` find a text in a list of texts without making a CEL value of
// each, and in a list of literals by one look-up.
func (m *meteredCall) textIn() {
	slow := m.impl
	m.impl = &functions.Overload{Binary: func(a, b ref.Val) ref.Val {
		if text, ok := a.(types.String); ok {
			if texts, ok := b.Value().([]string); ok {
				return types.Bool(slices.Contains(texts, string(text)))
			}
		}
		return slow.Binary(a, b)
	}}
	literal, ok := m.args[1].(interpreter.InterpretableConst)
	if !ok {
		return
	}
	if set, ok := textSet(literal.Value()); ok {
		m.impl = &functions.Overload{Binary: func(a, _ ref.Val) ref.Val {
			text, ok := a.(types.String)
			return types.Bool(ok && set[string(text)])
		}}
		m.cost = func(_ uint64, a, _, _ ref.Val) uint64 { return bytesOf(a) / comparedBytes }
	}
}

// textSet returns a list of texts as a set.
func textSet(v ref.Val) (map[string]bool, bool) {
	list, ok := v.(traits.Lister)
	if !ok {
		return nil, false
	}
	set := map[string]bool{}
	for it := list.Iterator(); it.HasNext() == types.True; {
		text, ok := it.Next().(types.String)
		if !ok {
			return nil, false
		}
		set[string(text)] = true
	}
	return set, true
}
