// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"errors"
	"fmt"
	"unicode/utf8"
	"unique"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/diag"
	"github.com/rolecall/rolecall/internal/expr"
	"github.com/rolecall/rolecall/internal/policy"
)

// errUnusable is what a condition fails with in place of a field that cannot be
// read.
var errUnusable = errors.New("the object holds a value that its schema refuses")

// permission compiles one permission. If it cannot be read, its condition
// fails: it grants nothing as an Allow. As a Deny, or if nobody can say what it
// was meant to be, it denies all that its unreadable fields might have named.
func (c *Compiler) permission(f *faults, path string, p *v1alpha1.Permission) policy.Permission {
	deny, known := f.effect(path+".effect", p.Effect)
	u := policy.Permission{Deny: deny, Resource: shared(string(p.Resource)), Actions: words(p.Actions)}
	u.Condition = c.condition(f, path+".condition", p.Condition)
	if deny && u.Condition != nil {
		f.unguarded(path+".condition", u.Condition)
	}
	resource := f.pattern(path+".resource", u.Resource)
	actions := f.patternSet(path+".actions", p.Actions, maxPermissionActions)
	if deny && !resource {
		u.Resource = authz.Wildcard
	}
	if deny && !actions {
		u.Actions = policy.WordsOf(authz.Wildcard)
	}
	if !known || !resource || !actions {
		u.Condition = expr.Failing(errUnusable)
	}
	return u
}

// shared returns one and the same string for equal ones: a vocabulary names each
// type and action a great many times.
func shared(s string) string { return unique.Make(s).Value() }

func words(patterns []v1alpha1.Pattern) policy.Words {
	list := make([]string, len(patterns))
	for i, p := range patterns {
		list[i] = string(p)
	}
	return policy.WordsOf(list...)
}

// effect reads the effect of a permission; an unknown one counts as Deny.
func (f *faults) effect(path string, e v1alpha1.Effect) (deny, known bool) {
	switch e {
	case "", v1alpha1.EffectAllow:
		return false, true
	case v1alpha1.EffectDeny:
		return true, true
	}
	f.invalid(path, "%s is no effect, so the permission denies: write Allow or Deny, or leave effect out for Allow", quote(string(e)))
	return true, false
}

// condition compiles a condition; without one it returns nil.
func (c *Compiler) condition(f *faults, path string, text v1alpha1.Expression) *expr.Program {
	if text == "" {
		return nil
	}
	if n := utf8.RuneCountInString(string(text)); n > maxCondition {
		f.invalid(path, "the condition has %d characters, at most %d are allowed: shorten it, or split the permission", n, maxCondition)
		return expr.Failing(errUnusable)
	}
	program, issues := c.env.Compile(string(text))
	for _, issue := range issues {
		f.add(conditionFault(path, issue))
	}
	if cost := program.MaxCost(); cost > expr.CheckBudget {
		f.add(expensive(path))
	}
	return program
}

func conditionFault(path string, issue expr.Issue) diag.Diagnostic {
	severity := diag.Error
	if issue.Warning {
		severity = diag.Warning
	}
	return diag.Diagnostic{
		Severity: severity, Aspect: diag.Accepted, Reason: v1alpha1.ReasonInvalidCondition,
		Path: path, Line: issue.Line, Column: issue.Column, Message: issue.Message,
	}
}

func expensive(path string) diag.Diagnostic {
	return diag.Diagnostic{
		Severity: diag.Warning, Aspect: diag.Accepted, Reason: v1alpha1.WarningExpensiveCondition, Path: path,
		Message: fmt.Sprintf("the condition may cost more than the budget of a check (%d), and would then count as failed: "+
			"make it simpler, or bound the lists and texts that it goes through", expr.CheckBudget),
	}
}

// unguarded warns of what the condition of a Deny reads without has().
func (f *faults) unguarded(path string, program *expr.Program) {
	for _, read := range program.Unguarded() {
		f.add(diag.Diagnostic{
			Severity: diag.Warning, Aspect: diag.Accepted, Reason: v1alpha1.WarningUnguardedDeny,
			Path: path, Line: read.Line, Column: read.Column,
			Message: fmt.Sprintf("a request without %s is denied, because the condition of this Deny then fails: "+
				"if that is not meant, write has(%s) && ... around it", read.Path, read.Path),
		})
	}
}
