// SPDX-License-Identifier: Apache-2.0

package session

import (
	"cmp"
	"time"

	"k8s.io/apimachinery/pkg/util/validation/field"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/expr"
	"github.com/rolecall/rolecall/internal/identity/claims"
	"github.com/rolecall/rolecall/internal/identity/jwt"
)

// rules make subjects of claims.
type rules struct {
	claims   claims.Rules
	mappings mappings
	users    []userRule
}

// userRule is a condition that must hold for a subject.
type userRule struct {
	program *expr.Program
	message string
}

// compiler compiles rules.
type compiler struct {
	claims     *claims.Compiler
	conditions *expr.Env
}

func newCompiler(conditions *expr.Env) (*compiler, error) {
	c, err := claims.NewCompiler()
	if err != nil {
		return nil, err
	}
	return &compiler{claims: c, conditions: conditions}, nil
}

// rules compiles valid rules. The error names the field.
func (c *compiler) rules(path *field.Path, from *configv1alpha1.SubjectRules) (*rules, error) {
	r := &rules{}
	var err error
	if r.claims, err = c.claims.Rules(path.Child("claimValidationRules"), from.ClaimValidationRules); err != nil {
		return nil, err
	}
	if r.mappings, err = c.mappings(path.Child("claimMappings"), &from.ClaimMappings); err != nil {
		return nil, err
	}
	for i, rule := range from.UserValidationRules {
		program, issues := c.conditions.Compile(rule.Expression)
		for _, issue := range issues {
			if !issue.Warning {
				at := path.Child("userValidationRules").Index(i).Child("expression")
				return nil, field.Invalid(at, rule.Expression, issue.String())
			}
		}
		r.users = append(r.users, userRule{program, cmp.Or(rule.Message, rule.Expression)})
	}
	return r, nil
}

// subject makes a subject of the claims of a token that is valid now.
func (r *rules) subject(all map[string]any, now time.Time) (authz.Subject, error) {
	c := claims.Of(all)
	if err := r.claims.Check(c); err != nil {
		return authz.Subject{}, err
	}
	s, err := r.mappings.subject(c)
	if err != nil {
		return authz.Subject{}, err
	}
	budget := expr.NewBudget()
	request := authz.Request{Subject: s, Scope: s.SessionScope, Time: now}
	for _, rule := range r.users {
		holds, err := rule.program.Eval(&request, &budget)
		if err != nil || !holds {
			fault := jwt.Invalid("is refused by a rule about its subject: " + rule.message)
			fault.Err = err
			return authz.Subject{}, fault
		}
	}
	return s, nil
}
