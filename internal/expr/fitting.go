// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"fmt"
	"maps"
	"slices"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
)

// fitting goes through the tree of a condition and puts a variable in the place of
// each property, of the type that the property has. So the type checker sees what
// is done with it, and a property that there is not is found on the way.
type fitting struct {
	source
	env   *typedEnv
	shape *Shape
	make  ast.ExprFactory
	// locals are the variables of loops that hold a property, the innermost last.
	// One that holds something else has no shape.
	locals []local
	// optionals are the shapes of what may be missing, by expression.
	optionals map[int64]*Shape
	unknown   map[string]Misfit
	// asked are the paths that has() asks for.
	asked map[string]bool
}

type local struct {
	name  string
	shape *Shape
}

// visit replaces an expression if it is a property, or goes on below it.
func (w *fitting) visit(e ast.Expr) {
	if s := w.property(e); s != nil {
		if e.Kind() != ast.IdentKind { // a variable of a loop has its type
			w.replace(e, s)
		}
		return
	}
	switch e.Kind() {
	case ast.ComprehensionKind:
		w.loop(e.AsComprehension())
	case ast.SelectKind:
		w.has(e)
		w.visit(e.AsSelect().Operand())
	default:
		for _, child := range children(e) {
			w.visit(child)
		}
	}
}

func (w *fitting) replace(e ast.Expr, s *Shape) {
	name := w.env.variables[w.env.typeOf(s).String()]
	e.SetKindCase(w.make.NewIdent(e.ID(), name))
}

// has looks up what has() asks for.
func (w *fitting) has(e ast.Expr) {
	if sel := e.AsSelect(); sel.IsTestOnly() {
		if s := w.property(sel.Operand()); s != nil {
			w.asked[pathOf(w.find(e.ID()))] = true
			w.below(e, s, sel.FieldName())
		}
	}
}

// property returns the shape of an expression that is a property, or nil.
func (w *fitting) property(e ast.Expr) *Shape {
	switch e.Kind() {
	case ast.IdentKind:
		return w.local(e.AsIdent())
	case ast.SelectKind:
		if sel := e.AsSelect(); !sel.IsTestOnly() {
			if w.isRoot(e) {
				return w.shape
			}
			return w.selected(e, sel.Operand(), sel.FieldName())
		}
	case ast.CallKind:
		return w.called(e, e.AsCall())
	default: // no property
	}
	return nil
}

// roots are the properties of the resource, in all their spellings.
var roots = []string{"resource.properties", "R.attr", "request.resource.attr"}

func (w *fitting) isRoot(e ast.Expr) bool {
	if !slices.Contains(roots, pathOf(e)) {
		return false
	}
	for e.Kind() == ast.SelectKind {
		e = e.AsSelect().Operand()
	}
	return !slices.ContainsFunc(w.locals, func(l local) bool { return l.name == e.AsIdent() })
}

func (w *fitting) local(name string) *Shape {
	for _, l := range slices.Backward(w.locals) {
		if l.name == name {
			return l.shape
		}
	}
	return nil
}

// selected returns the shape of a field of an operand.
func (w *fitting) selected(e, operand ast.Expr, name string) *Shape {
	if s := w.property(operand); s != nil {
		return w.below(e, s, name)
	}
	return nil
}

// below returns the shape of a property of a value, or nil if the value has none:
// the type checker says so.
func (w *fitting) below(e ast.Expr, s *Shape, name string) *Shape {
	switch s.Kind {
	case AnyShape:
		return s
	case ObjectShape:
		if property, there := s.Property(name); there {
			return property
		}
		w.missing(e, s, name)
		return &Shape{}
	default:
		return nil
	}
}

// missing takes note of a property that there is not.
func (w *fitting) missing(e ast.Expr, s *Shape, name string) {
	at := w.find(e.ID())
	if at == nil {
		at = e
	}
	path := pathOf(at)
	if path == "" {
		path = fmt.Sprint(name, " ", e.ID())
	}
	line, column := w.start(at)
	if first, known := w.unknown[path]; known && (first.Line < line || first.Line == line && first.Column <= column) {
		return
	}
	message := fmt.Sprintf("there is no property %q", name)
	if names := slices.Sorted(maps.Keys(s.Properties)); len(names) > 0 {
		message += DidYouMean(name, names)
	}
	w.unknown[path] = Misfit{Line: line, Column: column, Message: message}
}

// called returns the shape of an element that a call looks up.
func (w *fitting) called(e ast.Expr, call ast.CallExpr) *Shape {
	if len(call.Args()) != 2 {
		return nil
	}
	operand, index := call.Args()[0], call.Args()[1]
	name, isText := literalText(index)
	switch call.FunctionName() {
	case operators.Index:
		if isText {
			return w.selected(e, operand, name)
		}
		return w.element(operand, index)
	case operators.OptSelect, operators.OptIndex:
		if isText {
			return w.optional(e, operand, name)
		}
	default: // no look-up
	}
	return nil
}

// optional returns the shape of a field of an operand as one that may be missing,
// of which the type checker learns nothing.
func (w *fitting) optional(e, operand ast.Expr, name string) *Shape {
	of := w.property(operand)
	if inner, optional := w.optionals[operand.ID()]; optional {
		of = inner
	}
	if of == nil {
		return nil
	}
	if w.optionals[e.ID()] = w.below(e, of, name); w.optionals[e.ID()] == nil {
		w.optionals[e.ID()] = &Shape{}
	}
	return &Shape{}
}

// element returns the shape of an element whose place is computed.
func (w *fitting) element(operand, index ast.Expr) *Shape {
	s := w.property(operand)
	if s == nil {
		return nil
	}
	if s.Kind == ListShape && !w.computed(index) {
		return s.Items
	}
	return nil
}

// computed reports whether an index is anything but a number as it stands.
func (w *fitting) computed(index ast.Expr) bool {
	return index.Kind() != ast.LiteralKind || index.AsLiteral().Type() != types.IntType
}

// loop goes through a loop, whose variables are properties if it goes through some.
// cel.bind is a loop too: its variable is what the loop begins with.
func (w *fitting) loop(c ast.ComprehensionExpr) {
	over, begin := w.property(c.IterRange()), w.property(c.AccuInit())
	w.visit(c.IterRange())
	w.visit(c.AccuInit())
	outer := len(w.locals)
	w.locals = append(w.locals, local{c.AccuVar(), begin}, local{c.IterVar(), nil})
	last := &w.locals[outer+1]
	if c.HasIterVar2() {
		w.locals = append(w.locals, local{c.IterVar2(), nil})
		last = &w.locals[outer+2]
	}
	if over != nil && over.Kind == ListShape && !over.Nullable {
		last.shape = over.Items
	}
	w.visit(c.LoopCondition())
	w.visit(c.LoopStep())
	w.visit(c.Result())
	w.locals = w.locals[:outer]
}
