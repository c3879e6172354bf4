// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"
)

// Issue is a fault of a condition.
type Issue struct {
	// Warning says that the condition is in force as it stands.
	Warning bool
	// Line and Column are where the fault is, counted from 1; Column counts
	// characters. Both are 0 if the whole expression is meant.
	Line, Column int
	// Message says in one sentence what is wrong and, where a name is misspelt,
	// which one may have been meant.
	Message string
}

// String returns the position, if there is one, and the message.
func (i Issue) String() string {
	if i.Line == 0 {
		return i.Message
	}
	return fmt.Sprintf("line %d, column %d: %s", i.Line, i.Column, i.Message)
}

// issues turns cel-go's errors into ours. A text that cannot be parsed has one:
// what the parser says after its first error is mostly guesses.
func (e *Env) issues(iss *cel.Issues, src source) []Issue {
	var out []Issue
	for _, err := range iss.Errors() {
		at := src.find(err.ExprID)
		line, column := src.errorPosition(err, at)
		out = append(out, Issue{Line: line, Column: column, Message: e.message(err, at)})
	}
	if src.tree == nil {
		return out[:1]
	}
	return out
}

var (
	undeclared = regexp.MustCompile(`^undeclared reference to '(.*)' \(in container '.*'\)$`)
	noField    = regexp.MustCompile(`^undefined field '(.*)'$`)
	noOverload = regexp.MustCompile(`^found no matching overload for '(.*)' applied to '(.*)'$`)
)

// message says what cel-go says of an expression (nil if it is not known which)
// in the words of who writes conditions.
func (e *Env) message(err *common.Error, at ast.Expr) string {
	msg := strings.ReplaceAll(err.Message, "\n", " ")
	if m := undeclared.FindStringSubmatch(msg); m != nil {
		return e.unknownName(at, m[1])
	}
	if m := noField.FindStringSubmatch(msg); m != nil {
		return e.unknownField(at, m[1])
	}
	if m := noOverload.FindStringSubmatch(msg); m != nil {
		return fmt.Sprintf("%s does not work with %s", spelling(m[1]), m[2])
	}
	if rest, ok := strings.CutPrefix(msg, "Syntax error: "); ok {
		return "syntax error: " + rest
	}
	return msg
}

// spelling returns a function as a condition spells it.
func spelling(function string) string {
	return strings.TrimPrefix(strings.ReplaceAll(function, "_", ""), "@")
}

func (e *Env) unknownName(at ast.Expr, name string) string {
	name = strings.TrimPrefix(name, ".")
	if at != nil && at.Kind() == ast.CallKind {
		return fmt.Sprintf("there is no function %q%s", name, DidYouMean(name, e.functions))
	}
	return fmt.Sprintf("there is no variable %q%s", name, DidYouMean(name, e.variables))
}

func (e *Env) unknownField(at ast.Expr, name string) string {
	if at == nil || at.Kind() != ast.SelectKind {
		return fmt.Sprintf("there is no field %q", name)
	}
	operand := at.AsSelect().Operand()
	t, ok := e.objects[e.typeName(operand)]
	if !ok {
		return fmt.Sprintf("there is no field %q", name)
	}
	if hint := DidYouMean(name, t.fieldNames()); hint != "" {
		return fmt.Sprintf("%s has no field %q%s", pathOf(operand), name, hint)
	}
	return fmt.Sprintf("%s has no field %q: it has %s", pathOf(operand), name, strings.Join(t.fieldNames(), ", "))
}

// typeName returns the type of an expression that has not been checked, if it is
// a variable or a field of one.
func (e *Env) typeName(x ast.Expr) string {
	switch x.Kind() {
	case ast.IdentKind:
		for _, v := range e.cel.Variables() {
			if v.Name() == x.AsIdent() {
				return v.Type().TypeName()
			}
		}
	case ast.SelectKind:
		sel := x.AsSelect()
		if t, ok := e.objects[e.typeName(sel.Operand())]; ok {
			if f, ok := t.field(sel.FieldName()); ok && f.typ.Kind() == types.StructKind {
				return f.typ.TypeName()
			}
		}
	default: // the rest has no field that could be misspelt
	}
	return ""
}

// DidYouMean returns a hint at the name that may have been meant, or nothing if
// none is near.
func DidYouMean(name string, names []string) string {
	near, best := "", len(name)
	for _, n := range names {
		d := distance(strings.ToLower(name), strings.ToLower(n))
		if d <= min(1+len(name)/4, 3) && d < min(best, len(n)) {
			near, best = n, d
		}
	}
	if near == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", near)
}

// distance counts the bytes that must be inserted, removed, replaced or swapped
// with their neighbour to turn a into b.
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			if a[i] == b[j] {
				row[j+1] = last[j]
				continue
			}
			row[j+1] = 1 + min(last[j], last[j+1], row[j])
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], 1+before[j-1])
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
