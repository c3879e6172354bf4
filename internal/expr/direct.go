// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"fmt"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"

	"github.com/rolecall/rolecall/internal/authz"
)

// direct is a comparison of two texts, such as resource.properties.owner_id ==
// subject.id. It is the commonest condition by far, and CEL takes ten times as
// long for it. Whatever is not a text is left to CEL, and the outcome, errors
// and cost included, is the one that CEL gives.
type direct struct {
	left, right operand
	negate      bool
}

// operand is one side of a comparison: a literal, a field that is a text, or a
// key that may be anything.
type operand struct {
	literal string
	text    func(*authz.Request) string
	keys    func(*authz.Request) map[string]any
	key     string
	missing error
}

// finding is what an operand turned out to be in a request.
type finding uint8

const (
	// isText is a text.
	isText finding = iota
	// noText is a value of encoding/json that is equal to no text.
	noText
	// noKey is a key that the request lacks.
	noKey
	// other is a value that only CEL knows how to compare.
	other
)

// directly returns the direct form of an expression, or nil.
func directly(src source) *direct {
	e := src.tree.Expr()
	if e.Kind() != ast.CallKind {
		return nil
	}
	call := e.AsCall()
	if fn := call.FunctionName(); fn != operators.Equals && fn != operators.NotEquals {
		return nil
	}
	g := &guardian{source: src}
	left, ok := g.operand(call.Args()[0])
	right, both := g.operand(call.Args()[1])
	if !ok || !both {
		return nil
	}
	return &direct{left: left, right: right, negate: call.FunctionName() == operators.NotEquals}
}

func (g *guardian) operand(e ast.Expr) (operand, bool) {
	if text, ok := literalText(e); ok {
		return operand{literal: text}, true
	}
	if read, ok := textFields[pathOf(e)]; ok {
		return operand{text: read}, true
	}
	path, ok := g.path(e)
	if !ok || len(path.keys) != 1 || (e.Kind() == ast.SelectKind && e.AsSelect().IsTestOnly()) {
		return operand{}, false
	}
	return operand{
		keys: freeFields[freeForm[path.root]], key: path.keys[0],
		missing: fmt.Errorf("no such key: %s", path.keys[0]),
	}, true
}

// textFields are the variables and fields that are texts.
var textFields = map[string]func(*authz.Request) string{
	"scope":                 func(r *authz.Request) string { return r.Scope },
	"subject.type":          func(r *authz.Request) string { return r.Subject.Type },
	"subject.id":            subjectID,
	"subject.email":         func(r *authz.Request) string { return r.Subject.Email },
	"request.principal.id":  subjectID,
	"P.id":                  subjectID,
	"resource.type":         resourceKind,
	"resource.id":           resourceID,
	"request.resource.kind": resourceKind,
	"request.resource.id":   resourceID,
	"R.kind":                resourceKind,
	"R.id":                  resourceID,
	"action.name":           func(r *authz.Request) string { return r.Action.Name },
}

func subjectID(r *authz.Request) string    { return r.Subject.ID }
func resourceID(r *authz.Request) string   { return r.Resource.ID }
func resourceKind(r *authz.Request) string { return r.Resource.Type }

// freeFields are the maps of freeForm by their canonical path.
var freeFields = map[string]func(*authz.Request) map[string]any{
	"context":             func(r *authz.Request) map[string]any { return r.Context },
	"subject.properties":  func(r *authz.Request) map[string]any { return r.Subject.Properties },
	"resource.properties": func(r *authz.Request) map[string]any { return r.Resource.Properties },
	"action.properties":   func(r *authz.Request) map[string]any { return r.Action.Properties },
}

func (o *operand) read(r *authz.Request) (string, finding) {
	if o.text != nil {
		return o.text(r), isText
	}
	if o.keys == nil {
		return o.literal, isText
	}
	v, ok := o.keys(r)[o.key]
	if !ok {
		return "", noKey
	}
	switch v := v.(type) {
	case string:
		return v, isText
	case nil, bool, float64, []any, map[string]any:
		return "", noText
	}
	return "", other
}

// eval compares. If it reports false, CEL must.
func (d *direct) eval(r *authz.Request, b *Budget) (holds bool, err error, ok bool) {
	left, l := d.left.read(r)
	right, rt := d.right.read(r)
	switch {
	case l == noKey:
		return false, d.left.missing, true
	case l == other:
		return false, nil, false
	case rt == noKey:
		return false, d.right.missing, true
	case l == isText && rt == isText:
		if shorter := min(len(left), len(right)); shorter >= comparedBytes && !b.charge(uint64(shorter)/comparedBytes) {
			return false, ErrCost, true
		}
		return (left == right) != d.negate, nil, true
	case l == isText && rt == noText, l == noText && rt == isText:
		return d.negate, nil, true
	}
	return false, nil, false
}
