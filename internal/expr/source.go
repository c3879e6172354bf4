// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/cel-go/common"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"
)

// source is a text and its syntax tree, to find what stands where.
type source struct {
	text string
	// tree is nil if the text could not be parsed.
	tree *ast.AST
}

// at returns an issue at the first character of an expression.
func (s source) at(e ast.Expr, format string, args ...any) Issue {
	line, column := s.start(e)
	return Issue{Line: line, Column: column, Message: fmt.Sprintf(format, args...)}
}

// find returns the expression with an id, or nil.
func (s source) find(id int64) ast.Expr {
	if s.tree == nil || id == 0 {
		return nil
	}
	var found ast.Expr
	ast.PreOrderVisit(s.tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.ID() == id {
			found = e
		}
	}))
	return found
}

// start returns where an expression begins.
func (s source) start(e ast.Expr) (line, column int) {
	for {
		first, ok := leftmost(e)
		if !ok {
			return s.own(e)
		}
		e = first
	}
}

// leftmost returns the operand that an expression begins with.
func leftmost(e ast.Expr) (ast.Expr, bool) {
	switch e.Kind() {
	case ast.SelectKind:
		return e.AsSelect().Operand(), !e.AsSelect().IsTestOnly()
	case ast.ComprehensionKind:
		// cel.bind is a loop through an empty list that stands nowhere.
		through := e.AsComprehension().IterRange()
		return through, through.Kind() != ast.ListKind || through.AsList().Size() > 0
	case ast.CallKind:
		call := e.AsCall()
		if call.IsMemberFunction() {
			return call.Target(), true
		}
		if len(call.Args()) > 1 && !isName(call.FunctionName()) {
			return call.Args()[0], true
		}
	default: // begins with itself
	}
	return nil, false
}

// isName reports whether a function is called by its name and not by an
// operator.
func isName(function string) bool {
	return !strings.HasPrefix(function, "_") && !strings.HasPrefix(function, "@")
}

// own returns the position of an expression itself: the name of a call or of a
// selected field, the sign of an operator.
func (s source) own(e ast.Expr) (line, column int) {
	line, column = position(s.tree.SourceInfo().GetStartLocation(e.ID()))
	switch e.Kind() {
	case ast.CallKind:
		if fn := e.AsCall().FunctionName(); isName(fn) {
			return line, s.before(line, column, fn[strings.LastIndex(fn, ".")+1:])
		}
	case ast.StructKind:
		return line, s.before(line, column, e.AsStruct().TypeName())
	case ast.SelectKind:
		if e.AsSelect().IsTestOnly() {
			return line, s.before(line, column, "has")
		}
		if s.word(line, column+1, e.AsSelect().FieldName()) {
			return line, column + 1
		}
	default: // cel-go's position is the beginning
	}
	return line, column
}

// errorPosition returns where an error of cel-go is: at the name if it is about
// one, else where cel-go says.
func (s source) errorPosition(err *common.Error, at ast.Expr) (line, column int) {
	line, column = position(err.Location)
	if at == nil {
		return line, column
	}
	if ownLine, ownColumn := s.own(at); ownLine == line {
		return ownLine, ownColumn
	}
	return line, column
}

// before returns the column of a word that ends before a column, or that column
// if the word is not there.
func (s source) before(line, column int, word string) int {
	if c := column - len([]rune(word)); s.word(line, c, word) {
		return c
	}
	return column
}

// word reports whether a word stands at a position.
func (s source) word(line, column int, word string) bool {
	lines := strings.Split(s.text, "\n")
	if line < 1 || line > len(lines) || column < 1 {
		return false
	}
	have, want := []rune(lines[line-1]), []rune(word)
	from := column - 1
	return from+len(want) <= len(have) && slices.Equal(have[from:from+len(want)], want)
}

// position returns a position of cel-go counted from 1, or zeros if there is
// none.
func position(l common.Location) (line, column int) {
	if l.Line() < 1 || l.Column() < 0 {
		return 0, 0
	}
	return l.Line(), l.Column() + 1
}

// literalText returns the text that an expression spells out.
func literalText(e ast.Expr) (string, bool) {
	if e.Kind() != ast.LiteralKind {
		return "", false
	}
	s, ok := e.AsLiteral().(types.String)
	return string(s), ok
}

// pathOf returns an expression as it is spelt, if it is a name or fields of one;
// else it is empty.
func pathOf(e ast.Expr) string {
	switch e.Kind() {
	case ast.IdentKind:
		return strings.TrimPrefix(e.AsIdent(), ".")
	case ast.SelectKind:
		if operand := pathOf(e.AsSelect().Operand()); operand != "" {
			return operand + "." + e.AsSelect().FieldName()
		}
	default: // no path
	}
	return ""
}
