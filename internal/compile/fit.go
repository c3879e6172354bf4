// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"fmt"
	"slices"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/diag"
	"github.com/rolecall/rolecall/internal/expr"
	"github.com/rolecall/rolecall/internal/policy"
)

// condition checks the condition of a permission against the schema of each type
// that the permission is about.
func (r *refs) condition(path string, p *policy.Permission) {
	if p.Condition == nil || p.Condition.Reads()&expr.PartStorable == 0 {
		return
	}
	r.fit(path, p.Condition, r.about(p))
}

// about returns the types of which a permission covers an action.
func (r *refs) about(p *policy.Permission) []string {
	types := []string{p.Resource}
	if policy.IsPattern(p.Resource) {
		types = r.v.Types()
	}
	var about []string
	for _, typ := range types {
		if policy.Match(p.Resource, typ) && p.Actions.Any(func(a string) bool {
			_, declared := r.v.Covers(typ, a)
			return declared
		}) {
			about = append(about, typ)
		}
	}
	return about
}

// gate checks a gate against the schemas of the types that the binding is limited
// to. What else its roles are about, they may say tomorrow.
func (r *refs) gate(u *policy.Binding) {
	if u.Gate == nil || u.Gate.Reads()&expr.PartStorable == 0 {
		return
	}
	var types []string
	for i := range u.Resources {
		types = append(types, u.Resources[i].Type)
	}
	slices.Sort(types)
	r.fit("spec.condition", u.Gate, slices.Compact(types))
}

// fit reports what a condition about some types does that a schema does not allow.
// One that asks has() first may read what only some of the types have.
func (r *refs) fit(path string, p *expr.Program, types []string) {
	misfits := make([][]expr.Misfit, len(types))
	lacking := map[expr.Misfit]int{} // how many types lack what is guarded
	for i, typ := range types {
		f := r.v.Fitter(typ)
		if f == nil {
			continue
		}
		misfits[i] = f.Misfits(p)
		for _, m := range misfits[i] {
			lacking[place(m)]++
		}
	}
	for i, typ := range types {
		for _, m := range misfits[i] {
			if m.Guarded && lacking[place(m)] < len(types) {
				continue
			}
			r.found = append(r.found, diag.Diagnostic{
				Severity: diag.Error, Aspect: diag.References, Reason: v1alpha1.ReasonConditionMismatch,
				Path: path, Line: m.Line, Column: m.Column,
				Message: fmt.Sprintf("%s, by the schema of the type %s: correct the condition or the schema; the condition is evaluated as it is",
					m.Message, quote(typ)),
			})
		}
	}
}

// place returns where a misfit is, and nothing else.
func place(m expr.Misfit) expr.Misfit {
	return expr.Misfit{Line: m.Line, Column: m.Column, Guarded: m.Guarded}
}
