// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"fmt"
	"slices"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"

	"github.com/rolecall/rolecall/internal/authz"
)

// direct is a comparison of two texts or the search for one among the subject's
// groups or roles, such as resource.properties.owner_id == subject.id. These are
// the commonest conditions by far, and CEL takes five times as long for them.
// Whatever is not a text is left to CEL, and the outcome, errors and cost
// included, is the one that CEL gives.
type direct struct {
	left, right operand
	negate      bool
	// list is what is searched instead of comparing with right, or nil.
	list func(*authz.Request) []string
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
	if e.Kind() != ast.CallKind || len(e.AsCall().Args()) != 2 {
		return nil
	}
	g := &guardian{source: src}
	args := e.AsCall().Args()
	left, ok := g.operand(args[0])
	if !ok {
		return nil
	}
	switch fn := e.AsCall().FunctionName(); fn {
	case operators.Equals, operators.NotEquals:
		if right, ok := g.operand(args[1]); ok {
			return &direct{left: left, right: right, negate: fn == operators.NotEquals}
		}
	case operators.In:
		if list, ok := textLists[pathOf(args[1])]; ok {
			return &direct{left: left, list: list}
		}
	}
	return nil
}

func (g *guardian) operand(e ast.Expr) (operand, bool) {
	if text, ok := literalText(e); ok {
		return operand{literal: text}, true
	}
	if e.Kind() == ast.SelectKind && e.AsSelect().IsTestOnly() {
		return operand{}, false
	}
	if read, ok := textFields[pathOf(e)]; ok {
		return operand{text: read}, true
	}
	path, ok := g.path(e)
	if !ok || len(path.keys) != 1 {
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

// textLists are the fields that are lists of texts.
var textLists = map[string]func(*authz.Request) []string{
	"subject.groups":          func(r *authz.Request) []string { return r.Subject.Groups },
	"subject.roles":           subjectRoles,
	"request.principal.roles": subjectRoles,
	"P.roles":                 subjectRoles,
}

func subjectRoles(r *authz.Request) []string { return r.Subject.Roles }
func subjectID(r *authz.Request) string      { return r.Subject.ID }
func resourceID(r *authz.Request) string     { return r.Resource.ID }
func resourceKind(r *authz.Request) string   { return r.Resource.Type }

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

// eval compares. If it reports that it is not ok, CEL must.
func (d *direct) eval(r *authz.Request, b *Budget) (holds, ok bool, err error) {
	left, l := d.left.read(r)
	switch {
	case l == noKey:
		return false, true, d.left.missing
	case l == other:
		return false, false, nil
	case d.list != nil:
		return search(left, l, d.list(r), b)
	}
	right, rt := d.right.read(r)
	switch {
	case rt == noKey:
		return false, true, d.right.missing
	case l == isText && rt == isText:
		if shorter := min(len(left), len(right)); shorter >= comparedBytes && !b.charge(uint64(shorter)/comparedBytes) {
			return false, true, ErrCost
		}
		return (left == right) != d.negate, true, nil
	case l == isText && rt == noText, l == noText && rt == isText:
		return d.negate, true, nil
	}
	return false, false, nil
}

// search looks for what an operand turned out to be in a list of texts.
func search(text string, f finding, list []string, b *Budget) (found, ok bool, err error) {
	if f != isText || len(text) >= comparedBytes {
		return false, false, nil
	}
	if !b.charge(uint64(len(list)) / elementsPerUnit) {
		return false, true, ErrCost
	}
	return slices.Contains(list, text), true, nil
}
