// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"
)

// maxPattern is the most instructions that a regular expression may have.
const maxPattern = 2000

// compile compiles a condition. A panic of cel-go, which has had some for
// expressions that nobody writes, is an issue like others.
func (e *Env) compile(text string) (p *Program) {
	defer func() {
		if r := recover(); r != nil {
			p = rejected(text, Issue{Message: fmt.Sprintf("the expression cannot be compiled: %v", r)})
		}
	}()
	checked, issues := e.check(text)
	if len(issues) > 0 {
		return rejected(text, issues...)
	}
	return e.finish(text, checked)
}

// check parses an expression and finds its types.
func (e *Env) check(text string) (*cel.Ast, []Issue) {
	if issue, ok := checkText(text); !ok {
		return nil, []Issue{issue}
	}
	parsed, iss := e.cel.Parse(text)
	if iss.Err() != nil {
		return nil, e.issues(iss, source{text: text})
	}
	src := source{text, parsed.NativeRep()}
	if issues := src.check(); len(issues) > 0 {
		return nil, issues
	}
	checked, iss := e.cel.Check(parsed)
	if iss.Err() != nil {
		return nil, e.issues(iss, src)
	}
	return checked, nil
}

// finish makes the program of an expression that is well-typed.
func (e *Env) finish(text string, checked *cel.Ast) *Program {
	src := source{text, checked.NativeRep()}
	if t := checked.OutputType(); t.Kind() != types.BoolKind && t.Kind() != types.DynKind {
		return rejected(text, src.at(src.tree.Expr(), "the condition is of type %s, it must be true or false: compare it with something", t))
	}
	prg, steps, err := e.plan(checked)
	if err != nil {
		return rejected(text, Issue{Message: err.Error()})
	}
	return &Program{
		text: text, prg: prg, steps: steps, direct: directly(src),
		reads:     reads(src.tree.Expr()),
		maxCost:   estimate(src.tree),
		unguarded: unguarded(src),
	}
}

// rejected returns a program that fails, of a text with faults.
func rejected(text string, issues ...Issue) *Program {
	return &Program{
		text: text, issues: issues,
		err: fmt.Errorf("the condition does not compile: %w", errors.New(issues[0].String())),
	}
}

func checkText(text string) (Issue, bool) {
	n := utf8.RuneCountInString(text)
	switch {
	case !utf8.ValidString(text):
		return Issue{Message: "the expression is not valid UTF-8"}, false
	case strings.TrimSpace(text) == "":
		return Issue{Message: "the expression is empty: write one, or leave the condition out"}, false
	case n > MaxLength:
		return Issue{Message: fmt.Sprintf("the expression has %d characters, at most %d are allowed: shorten it", n, MaxLength)}, false
	}
	return Issue{}, true
}

// check finds what is well-formed and not allowed. It goes before the type
// checker, which the numbers of loops and of keys protect.
func (s source) check() []Issue {
	c := &treeCheck{source: s}
	ast.PreOrderVisit(s.tree.Expr(), ast.NewExprVisitor(c.visit))
	return c.issues
}

type treeCheck struct {
	source
	loops, keys int
	issues      []Issue
}

func (c *treeCheck) visit(e ast.Expr) {
	switch e.Kind() {
	case ast.ComprehensionKind:
		if c.loops++; c.loops == maxLoops+1 {
			c.reject(e, "the expression has too many loops, at most %d are allowed: split it", maxLoops)
		}
	case ast.StructKind:
		c.reject(e, "a condition cannot make a %s: use a map, {\"key\": value}", e.AsStruct().TypeName())
	case ast.MapKind:
		for _, entry := range e.AsMap().Entries() {
			c.key(entry.AsMapEntry().Key())
		}
	case ast.CallKind:
		if pattern, ok := patternOf(e.AsCall()); ok {
			c.pattern(pattern)
		}
	default: // names, selections, literals and lists are always allowed
	}
}

func (c *treeCheck) reject(e ast.Expr, format string, args ...any) {
	c.issues = append(c.issues, c.at(e, format, args...))
}

// key counts the keys whose type may be any.
func (c *treeCheck) key(e ast.Expr) {
	if e.Kind() == ast.LiteralKind {
		return
	}
	if c.keys++; c.keys == maxKeys+1 {
		c.reject(e, "the expression computes too many keys of maps, at most %d are allowed: use literals", maxKeys)
	}
}

// pattern checks a regular expression.
func (c *treeCheck) pattern(e ast.Expr) {
	text, ok := literalText(e)
	if !ok {
		return
	}
	n, err := programSize(text)
	if err != nil {
		c.reject(e, "the regular expression is not valid: %s", err)
		return
	}
	if n > maxPattern {
		c.reject(e, "the regular expression is too large (%d instructions, at most %d): repeat less in it", n, maxPattern)
	}
}

// patternOf returns the regular expression of a call, if it is a literal.
func patternOf(call ast.CallExpr) (ast.Expr, bool) {
	args := call.Args()
	if call.IsMemberFunction() {
		args = append([]ast.Expr{call.Target()}, args...)
	}
	index := 1
	switch call.FunctionName() {
	case "matches", "find", "findAll":
	case "extract", "extractAll", "replace":
		// regex.replace(text, pattern, ...) is parsed as a method of regex.
		index = 2
		if pathOf(args[0]) != "regex" {
			return nil, false
		}
	default:
		return nil, false
	}
	if len(args) <= index || args[index].Kind() != ast.LiteralKind {
		return nil, false
	}
	return args[index], true
}
