// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"maps"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
)

// The request that an estimate assumes.
const (
	// estimatedItems are the elements of a list or a map.
	estimatedItems = 256
	// estimatedBytes are the bytes of a text.
	estimatedBytes = 1024
)

// estimator adds up what a condition may cost by the same rules as its
// evaluation does, for stand-ins of the values.
type estimator struct {
	tree *ast.AST
	// locals are the stand-ins of the variables of loops and bindings.
	locals map[string]ref.Val
	cost   uint64
}

// estimate returns what an evaluation costs for a request with long lists and
// texts.
func estimate(tree *ast.AST) uint64 {
	e := &estimator{tree: tree, locals: map[string]ref.Val{}}
	e.visit(tree.Expr())
	return add(evalCost, e.cost)
}

var (
	longText = types.String(make([]byte, estimatedBytes))
	longList = types.NewDynamicList(types.DefaultTypeAdapter, make([]any, estimatedItems))
)

// visit adds the cost of an expression and returns a stand-in for its value.
func (e *estimator) visit(x ast.Expr) ref.Val {
	switch x.Kind() {
	case ast.LiteralKind:
		return x.AsLiteral()
	case ast.IdentKind:
		e.cost = add(e.cost, 1)
		if v, ok := e.locals[x.AsIdent()]; ok {
			return v
		}
	case ast.CallKind:
		return e.call(x)
	case ast.ComprehensionKind:
		return e.loop(x.AsComprehension())
	case ast.ListKind:
		return e.list(x)
	default:
		e.cost = add(e.cost, 1)
		for _, child := range children(x) {
			e.visit(child)
		}
	}
	return e.standIn(x)
}

// standIn returns a value of the type of an expression, as large as is assumed.
func (e *estimator) standIn(x ast.Expr) ref.Val {
	switch e.tree.GetType(x.ID()).Kind() {
	case types.StringKind, types.BytesKind:
		return longText
	case types.ListKind, types.MapKind, types.DynKind, types.AnyKind, types.StructKind:
		return longList
	default:
		return types.True
	}
}

func (e *estimator) list(x ast.Expr) ref.Val {
	e.cost = add(e.cost, 1)
	elems := x.AsList().Elements()
	vals := make([]ref.Val, len(elems))
	for i, elem := range elems {
		vals[i] = e.visit(elem)
	}
	return types.NewRefValList(types.DefaultTypeAdapter, vals)
}

func (e *estimator) call(x ast.Expr) ref.Val {
	e.cost = add(e.cost, 1)
	var vals [3]ref.Val
	for i, arg := range children(x) {
		v := e.visit(arg)
		if i < len(vals) {
			vals[i] = v
		}
	}
	fn := x.AsCall().FunctionName()
	switch {
	case fn == operators.Equals || fn == operators.NotEquals:
		if comparesDeep(vals[0]) && comparesDeep(vals[1]) {
			e.cost = add(e.cost, compareCost(CheckBudget, vals[0], vals[1]))
		}
	case vals[0] != nil && !free(fn):
		e.cost = add(e.cost, costOf(fn)(CheckBudget, vals[0], vals[1], vals[2]))
	}
	return e.standIn(x)
}

// loop adds the cost of its turns: one for each element of what it goes through.
func (e *estimator) loop(loop ast.ComprehensionExpr) ref.Val {
	e.cost = add(e.cost, 1)
	through := e.visit(loop.IterRange())
	start := e.visit(loop.AccuInit())
	turns := sizeOf(through)
	before := e.cost
	e.cost = 2
	shadow := map[string]ref.Val{
		loop.AccuVar(): start, loop.IterVar(): e.element(loop.IterRange()), loop.IterVar2(): e.element(loop.IterRange()),
	}
	e.scope(shadow, func() {
		e.visit(loop.LoopCondition())
		e.visit(loop.LoopStep())
	})
	e.cost = add(before, mul(turns, e.cost))
	result := start
	e.scope(map[string]ref.Val{loop.AccuVar(): start}, func() { result = e.visit(loop.Result()) })
	if sizeOf(result) < turns && e.tree.GetType(loop.Result().ID()).Kind() == types.ListKind {
		return longList
	}
	return result
}

// element returns a stand-in for what a loop binds: an element of a list, or a
// key. Elements are small, since they share the size of their list.
func (e *estimator) element(through ast.Expr) ref.Val {
	t := e.tree.GetType(through.ID())
	if t.Kind() == types.ListKind && t.Parameters()[0].Kind() != types.StringKind && t.Parameters()[0].Kind() != types.DynKind {
		return types.True
	}
	return types.String("element")
}

// scope runs f with some local variables set.
func (e *estimator) scope(locals map[string]ref.Val, f func()) {
	outer := maps.Clone(e.locals)
	maps.Copy(e.locals, locals)
	f()
	e.locals = outer
}
