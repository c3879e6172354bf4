// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"cmp"
	"math/bits"
	"slices"

	"github.com/google/cel-go/common/functions"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"github.com/google/cel-go/interpreter"
)

// turnStep is the step of a loop; it charges one turn.
type turnStep struct {
	interpreter.InterpretableV2
	cost uint64
}

// turnAttribute is a turnStep that cel-go may take apart as an attribute.
type turnAttribute struct {
	interpreter.InterpretableAttribute
	cost uint64
}

func turn(i interpreter.InterpretableV2, cost uint64) interpreter.InterpretableV2 {
	switch i := i.(type) {
	case *turnStep, *turnAttribute:
		return i
	case interpreter.InterpretableAttribute:
		return &turnAttribute{i, cost}
	}
	return &turnStep{i, cost}
}

// Exec implements interpreter.InterpretableV2.
func (s *turnStep) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	spend(frame, s.cost)
	return s.InterpretableV2.Exec(frame)
}

// Exec implements interpreter.InterpretableV2.
func (s *turnAttribute) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	spend(frame, s.cost)
	return s.InterpretableAttribute.Exec(frame)
}

// orderedRange is what a loop goes through; a map comes in the order of its
// keys, so that the answer and its cost do not change from one evaluation to the
// next.
type orderedRange struct {
	interpreter.InterpretableV2
}

// orderedAttribute is an orderedRange that cel-go may take apart as an
// attribute.
type orderedAttribute struct {
	interpreter.InterpretableAttribute
}

func ordered(i interpreter.InterpretableV2) interpreter.InterpretableV2 {
	switch i := i.(type) {
	case *orderedRange, *orderedAttribute:
		return i
	case interpreter.InterpretableAttribute:
		return &orderedAttribute{i}
	}
	return &orderedRange{i}
}

// Exec implements interpreter.InterpretableV2.
func (o *orderedRange) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	return inOrder(frame, o.InterpretableV2.Exec(frame))
}

// Exec implements interpreter.InterpretableV2.
func (o *orderedAttribute) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	return inOrder(frame, o.InterpretableAttribute.Exec(frame))
}

func inOrder(frame *interpreter.ExecutionFrame, v ref.Val) ref.Val {
	m, ok := v.(traits.Mapper)
	if !ok {
		return v
	}
	spend(frame, mul(sizeOf(m), uint64(bits.Len64(sizeOf(m))))/2)
	keys := make([]ref.Val, 0, sizeOf(m))
	for it := m.Iterator(); it.HasNext() == types.True; {
		keys = append(keys, it.Next())
	}
	slices.SortFunc(keys, compareKeys)
	return &orderedMap{Mapper: m, keys: keys}
}

// compareKeys orders the keys of a map by their type, then by their value.
func compareKeys(a, b ref.Val) int {
	if c := cmp.Compare(a.Type().TypeName(), b.Type().TypeName()); c != 0 {
		return c
	}
	if c, ok := a.(traits.Comparer); ok {
		if n, ok := c.Compare(b).(types.Int); ok {
			return int(n)
		}
	}
	return 0
}

// orderedMap is a map that is gone through in the order of its keys.
type orderedMap struct {
	traits.Mapper
	keys []ref.Val
}

// Iterator implements traits.Iterable.
func (m *orderedMap) Iterator() traits.Iterator {
	return types.NewRefValList(types.DefaultTypeAdapter, m.keys).Iterator()
}

// Fold implements traits.Foldable.
func (m *orderedMap) Fold(f traits.Folder) {
	for _, k := range m.keys {
		if !f.FoldEntry(k, m.Get(k)) {
			return
		}
	}
}

// meteredEqual is == or !=, charged for how much the two have in common at most.
type meteredEqual struct {
	interpreter.InterpretableCall
	left, right interpreter.InterpretableV2
	negate      bool
}

// Exec implements interpreter.InterpretableV2.
func (m *meteredEqual) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	l := m.left.Exec(frame)
	if types.IsUnknownOrError(l) {
		return l
	}
	r := m.right.Exec(frame)
	if types.IsUnknownOrError(r) {
		return r
	}
	if comparesDeep(l) && comparesDeep(r) {
		spend(frame, compareCost(limitOf(frame), l, r))
	}
	if m.negate {
		return types.Bool(types.Equal(l, r) != types.True)
	}
	return types.Equal(l, r)
}

// Eval implements interpreter.Interpretable.
func (m *meteredEqual) Eval(vars interpreter.Activation) ref.Val {
	return m.Exec(interpreter.AsFrame(vars))
}

// meteredCall is a call that charges its work before it is done.
type meteredCall struct {
	interpreter.InterpretableCall
	args []interpreter.InterpretableV2
	impl *functions.Overload
	cost costFunc
}

// Exec implements interpreter.InterpretableV2.
func (m *meteredCall) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	if len(m.args) > 2 {
		return m.execMany(frame)
	}
	a := m.args[0].Exec(frame)
	if types.IsUnknownOrError(a) {
		return a
	}
	var b ref.Val
	if len(m.args) == 2 {
		if b = m.args[1].Exec(frame); types.IsUnknownOrError(b) {
			return b
		}
	}
	spend(frame, m.cost(limitOf(frame), a, b, nil))
	return types.LabelErrNode(m.ID(), m.invoke(a, b))
}

// Eval implements interpreter.Interpretable.
func (m *meteredCall) Eval(vars interpreter.Activation) ref.Val {
	return m.Exec(interpreter.AsFrame(vars))
}

func (m *meteredCall) execMany(frame *interpreter.ExecutionFrame) ref.Val {
	vals := make([]ref.Val, len(m.args))
	for i, arg := range m.args {
		if vals[i] = arg.Exec(frame); types.IsUnknownOrError(vals[i]) {
			return vals[i]
		}
	}
	spend(frame, m.cost(limitOf(frame), vals[0], vals[1], vals[2]))
	if m.impl.Function != nil && m.bound(vals[0]) {
		return types.LabelErrNode(m.ID(), m.impl.Function(vals...))
	}
	return types.LabelErrNode(m.ID(), m.receive(vals[0], vals[1:]...))
}

// invoke calls a function of one argument, b being nil, or of two. It does as
// cel-go does: the bound implementation if the first argument has the trait that
// it asks for, else the argument's own method.
func (m *meteredCall) invoke(a, b ref.Val) ref.Val {
	switch {
	case !m.bound(a):
	case b == nil && m.impl.Unary != nil:
		return m.impl.Unary(a)
	case b == nil && m.impl.Function != nil:
		return m.impl.Function(a)
	case b != nil && m.impl.Binary != nil:
		return m.impl.Binary(a, b)
	case b != nil && m.impl.Function != nil:
		return m.impl.Function(a, b)
	}
	if b == nil {
		return m.receive(a)
	}
	return m.receive(a, b)
}

func (m *meteredCall) bound(a ref.Val) bool {
	return m.impl.OperandTrait == 0 || a.Type().HasTrait(m.impl.OperandTrait)
}

func (m *meteredCall) receive(a ref.Val, args ...ref.Val) ref.Val {
	if a.Type().HasTrait(traits.ReceiverType) {
		return a.(traits.Receiver).Receive(m.Function(), m.OverloadID(), args)
	}
	return types.NewErr("no such overload: %s", m.Function())
}

// limitOf is how far a cost need be counted: what is more exhausts the budget
// anyway.
func limitOf(frame *interpreter.ExecutionFrame) uint64 {
	if b := budgetOf(frame); b != nil {
		return b.left
	}
	return CheckBudget
}
