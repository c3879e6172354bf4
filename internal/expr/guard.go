// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"maps"
	"slices"
	"strings"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
)

// freeForm are the paths below which a request may hold any keys or none, each
// with the path that has the same value under another name.
var freeForm = map[string]string{
	"context":                "context",
	"subject.properties":     "subject.properties",
	"request.principal.attr": "subject.properties",
	"P.attr":                 "subject.properties",
	"resource.properties":    "resource.properties",
	"request.resource.attr":  "resource.properties",
	"R.attr":                 "resource.properties",
	"action.properties":      "action.properties",
}

// guards are the keys that are known to be there: canonical paths.
type guards map[string]bool

func (g guards) with(more guards) guards {
	if len(more) == 0 {
		return g
	}
	out := maps.Clone(g)
	if out == nil {
		out = guards{}
	}
	maps.Copy(out, more)
	return out
}

// guardian finds reads of optional keys that nothing guards.
type guardian struct {
	source
	locals map[string]int
	seen   map[string]bool
	reads  []Read
}

// unguarded returns the reads of optional keys that a condition does without
// has().
//
// A guard may stand on either side of &&, because false && error is false, and
// on either side of || if it is negated. In `has(x) ? a : b` it covers a.
func unguarded(src source) []Read {
	g := &guardian{source: src, locals: map[string]int{}, seen: map[string]bool{}}
	g.visit(src.tree.Expr(), nil)
	slices.SortStableFunc(g.reads, func(a, b Read) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	return g.reads
}

func (g *guardian) visit(e ast.Expr, known guards) {
	switch e.Kind() {
	case ast.SelectKind:
		g.selection(e, known)
	case ast.CallKind:
		g.call(e, known)
	case ast.ComprehensionKind:
		g.loop(e.AsComprehension(), known)
	default:
		for _, child := range children(e) {
			g.visit(child, known)
		}
	}
}

// selection notes a read of an optional key. Of context.a.b it notes the first
// part that nothing guards; has(context.a.b) itself reads context.a.
func (g *guardian) selection(e ast.Expr, known guards) {
	path, ok := g.path(e)
	if !ok {
		g.visit(e.AsSelect().Operand(), known)
		return
	}
	if e.AsSelect().IsTestOnly() && len(path.keys) > 0 {
		path.keys = path.keys[:len(path.keys)-1]
	}
	g.note(e, path, known)
}

func (g *guardian) note(e ast.Expr, path keyPath, known guards) {
	for n := 1; n <= len(path.keys); n++ {
		canonical := path.canonical(n)
		if known[canonical] {
			continue
		}
		if !g.seen[canonical] {
			line, column := g.start(e)
			g.reads = append(g.reads, Read{Path: path.spelt(n), Line: line, Column: column})
			g.seen[canonical] = true
		}
		return
	}
}

func (g *guardian) call(e ast.Expr, known guards) {
	call := e.AsCall()
	args := call.Args()
	switch call.FunctionName() {
	case operators.LogicalAnd:
		g.visit(args[0], known.with(g.facts(args[1], true)))
		g.visit(args[1], known.with(g.facts(args[0], true)))
	case operators.LogicalOr:
		g.visit(args[0], known.with(g.facts(args[1], false)))
		g.visit(args[1], known.with(g.facts(args[0], false)))
	case operators.Conditional:
		g.visit(args[0], known)
		g.visit(args[1], known.with(g.facts(args[0], true)))
		g.visit(args[2], known.with(g.facts(args[0], false)))
	case operators.Index:
		if path, ok := g.path(e); ok {
			g.note(e, path, known)
			return
		}
		g.visit(args[0], known)
		g.visit(args[1], known)
	case operators.OptSelect, operators.OptIndex:
		// context.?a reads nothing that must be there; context.a.?b reads
		// context.a.
		g.visit(args[0], known)
	default:
		for _, child := range children(e) {
			g.visit(child, known)
		}
	}
}

func (g *guardian) loop(loop ast.ComprehensionExpr, known guards) {
	g.visit(loop.IterRange(), known)
	g.visit(loop.AccuInit(), known)
	vars := []string{loop.AccuVar(), loop.IterVar(), loop.IterVar2()}
	for _, v := range vars {
		g.locals[v]++
	}
	g.visit(loop.LoopStep(), known)
	g.visit(loop.Result(), known)
	for _, v := range vars {
		g.locals[v]--
	}
}

// facts returns the keys that are there whenever an expression has the given
// value.
func (g *guardian) facts(e ast.Expr, value bool) guards {
	switch e.Kind() {
	case ast.SelectKind:
		if path, ok := g.path(e); ok && value && e.AsSelect().IsTestOnly() {
			return guards{path.canonical(len(path.keys)): true}
		}
	case ast.CallKind:
		return g.callFacts(e.AsCall(), value)
	default: // nothing else says that a key is there
	}
	return nil
}

func (g *guardian) callFacts(call ast.CallExpr, value bool) guards {
	args := call.Args()
	switch fn := call.FunctionName(); {
	case fn == operators.LogicalNot:
		return g.facts(args[0], !value)
	case fn == operators.LogicalAnd && value, fn == operators.LogicalOr && !value:
		return g.facts(args[0], value).with(g.facts(args[1], value))
	case fn == operators.In && value:
		key, ok := literalText(args[0])
		path, below := g.path(args[1])
		if ok && below {
			path.keys = append(slices.Clip(path.keys), key)
			return guards{path.canonical(len(path.keys)): true}
		}
	}
	return nil
}

// keyPath is a path to a key below one of the free-form maps.
type keyPath struct {
	root string
	keys []string
}

func (p keyPath) canonical(n int) string {
	return freeForm[p.root] + "\x00" + strings.Join(p.keys[:n], "\x00")
}

func (p keyPath) spelt(n int) string {
	return p.root + "." + strings.Join(p.keys[:n], ".")
}

// path returns the path of an expression, if it is a free-form map or a key
// below one, written with dots or with literals in brackets.
func (g *guardian) path(e ast.Expr) (keyPath, bool) {
	switch e.Kind() {
	case ast.IdentKind:
		return g.root(e)
	case ast.SelectKind:
		if p, ok := g.path(e.AsSelect().Operand()); ok {
			return keyPath{p.root, append(slices.Clip(p.keys), e.AsSelect().FieldName())}, true
		}
		return g.root(e)
	case ast.CallKind:
		call := e.AsCall()
		if call.FunctionName() != operators.Index {
			return keyPath{}, false
		}
		key, isText := literalText(call.Args()[1])
		p, ok := g.path(call.Args()[0])
		return keyPath{p.root, append(slices.Clip(p.keys), key)}, ok && isText
	default:
		return keyPath{}, false
	}
}

func (g *guardian) root(e ast.Expr) (keyPath, bool) {
	name := pathOf(e)
	first, _, _ := strings.Cut(name, ".")
	if g.locals[first] > 0 {
		return keyPath{}, false
	}
	_, ok := freeForm[name]
	return keyPath{root: name}, ok
}
