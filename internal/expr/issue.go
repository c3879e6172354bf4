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

// at returns an issue at the first character of an expression.
func at(tree *ast.AST, e ast.Expr, format string, args ...any) Issue {
	line, column := start(tree, e)
	return Issue{Line: line, Column: column, Message: fmt.Sprintf(format, args...)}
}

// start returns where an expression begins. cel-go's position of a selection, an
// operator or a method call is that of the dot or the sign in its middle.
func start(tree *ast.AST, e ast.Expr) (line, column int) {
	for {
		switch e.Kind() {
		case ast.SelectKind:
			e = e.AsSelect().Operand()
			continue
		case ast.CallKind:
			call := e.AsCall()
			if call.IsMemberFunction() {
				e = call.Target()
				continue
			}
			if len(call.Args()) > 1 && !isName(call.FunctionName()) {
				e = call.Args()[0]
				continue
			}
		}
		return position(tree.SourceInfo().GetStartLocation(e.ID()))
	}
}

// isName reports whether a function is called by its name and not by an
// operator.
func isName(function string) bool {
	return !strings.HasPrefix(function, "_") && !strings.HasPrefix(function, "@")
}

func position(l common.Location) (line, column int) {
	if l.Line() < 1 || l.Column() < 0 {
		return 0, 0
	}
	return l.Line(), l.Column() + 1
}

// issues turns cel-go's errors into ours. The tree is nil if the expression
// could not be parsed.
func (e *Env) issues(iss *cel.Issues, tree *ast.AST) []Issue {
	var out []Issue
	for _, err := range iss.Errors() {
		line, column := position(err.Location)
		out = append(out, Issue{Line: line, Column: column, Message: e.message(err, tree)})
	}
	return out
}

var (
	undeclared = regexp.MustCompile(`^undeclared reference to '(.*)' \(in container '.*'\)$`)
	noField    = regexp.MustCompile(`^undefined field '(.*)'$`)
	noOverload = regexp.MustCompile(`^found no matching overload for '(.*)' applied to '(.*)'$`)
)

// message says what cel-go says in the words of who writes conditions.
func (e *Env) message(err *common.Error, tree *ast.AST) string {
	msg := strings.ReplaceAll(err.Message, "\n", " ")
	if m := undeclared.FindStringSubmatch(msg); m != nil {
		return e.unknownName(find(tree, err.ExprID), m[1])
	}
	if m := noField.FindStringSubmatch(msg); m != nil {
		return e.unknownField(find(tree, err.ExprID), m[1])
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
		return fmt.Sprintf("there is no function %q%s", name, didYouMean(name, e.functions))
	}
	return fmt.Sprintf("there is no variable %q%s", name, didYouMean(name, e.variables))
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
	if hint := didYouMean(name, t.fieldNames()); hint != "" {
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
	}
	return ""
}

// find returns the expression with an id, or nil.
func find(tree *ast.AST, id int64) ast.Expr {
	if tree == nil {
		return nil
	}
	var found ast.Expr
	ast.PreOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.ID() == id {
			found = e
		}
	}))
	return found
}
