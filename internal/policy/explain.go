// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/expr"
)

var _ authz.Explainer = (*Snapshot)(nil)

// Explain tells why a request is decided as it is; see authz.Explainer. The
// decision is a check's; how it came about is found out from the objects anew,
// and of the conditions it says what the check has made of them.
func (s *Snapshot) Explain(r *authz.Request) (*authz.Explanation, error) {
	out := &authz.Explanation{Keys: []authz.ExplainedKey{}, Bindings: []authz.ExplainedBinding{}, Permissions: []authz.ExplainedPermission{}}
	if err := s.Check(r, &out.Decision); err != nil {
		return nil, err
	}
	switch out.Decision.Reason {
	case authz.ReasonScopeMismatch, authz.ReasonUnknownResource, authz.ReasonUnknownAction, authz.ReasonScopeRequired:
		return out, nil // nobody has looked at the subject
	default:
	}
	ns, err := s.namespace(r.Namespace)
	if err != nil {
		return nil, err
	}
	x := &explanation{
		Explanation: out, request: r, ways: make(map[string][]way),
		check: check{r: r, d: new(authz.Decision), ns: ns, v: ns.vocabulary},
	}
	x.again()
	defer x.release()
	x.expand()
	x.bindings()
	x.assertions()
	x.permissions()
	return out, nil
}

// explanation is an explanation in the making.
type explanation struct {
	check
	*authz.Explanation
	// request is as it was asked; that of the check has more groups and properties.
	request *authz.Request
	// ways are those in which roles are held, or would be but for a gate, by id.
	ways map[string][]way
}

// way is one way in which a role is held.
type way struct {
	gate     verdict
	denyOnly bool
}

// again makes the check, and keeps what it has made of the conditions.
func (x *explanation) again() {
	x.pair = x.v.pair(x.r.Resource.Type, x.r.Action.Name)
	x.scopes.find(x.ns.scopes, x.r.Scope)
	x.asserted()
	x.bound()
	if x.deferred.n > 0 {
		x.resolve()
	} else {
		x.prepare()
	}
}

func (x *explanation) release() {
	x.deferred.release()
	if x.walk != nil {
		x.walk.release()
	}
}

// verdict returns what a program says: to the check, or, if that did not ask it, to
// one that has spent nothing yet.
func (x *explanation) verdict(p *expr.Program) verdict {
	if v, known := x.deferred.verdictOf(p); known {
		return v
	}
	x.deferred.budget = expr.NewBudget()
	return x.eval(p)
}

// condition tells of a condition what it says to an Allow or to a Deny.
func (x *explanation) condition(p *expr.Program, deny bool) *authz.ExplainedCondition {
	v := x.verdict(p)
	is := v.allow
	if deny {
		is = v.deny
	}
	c := &authz.ExplainedCondition{Expression: p.Text(), Value: truthOf(is)}
	if v.allow == failed || v.deny == failed {
		c.Error = x.failure(p)
	}
	return c
}

// failure returns why a program fails.
func (x *explanation) failure(p *expr.Program) string {
	for _, r := range []*authz.Request{x.r, x.without} {
		if r == nil {
			continue
		}
		budget := expr.NewBudget()
		if _, err := p.Eval(r, &budget); err != nil {
			return err.Error()
		}
	}
	return "the conditions that are evaluated before it have spent what a check may cost"
}

func truthOf(o outcome) authz.Truth {
	switch o {
	case isTrue:
		return authz.True
	case failed:
		return authz.Fails
	case isFalse:
	}
	return authz.False
}

// assertions tells of the roles that the subject states.
func (x *explanation) assertions() {
	for _, id := range x.request.Subject.Roles {
		a := authz.ExplainedAssertion{Role: id, Counts: authz.CountsNot}
		switch role, declared := x.v.roles.Get(id); {
		case !declared:
			a.Because = authz.BecauseRoleNotFound
		case !role.assertable:
			a.Because = authz.BecauseNotAssertable
		default:
			a.Counts = authz.CountsFully
			x.ways[id] = append(x.ways[id], way{gate: certain(isTrue)})
		}
		if !slices.Contains(x.Asserted, a) {
			x.Asserted = append(x.Asserted, a)
		}
	}
	slices.SortFunc(x.Asserted, func(a, b authz.ExplainedAssertion) int { return cmp.Compare(a.Role, b.Role) })
}

// roleField is a field of a Role.
func roleField(r *Role, format string, args ...any) authz.ObjectField {
	return authz.ObjectField{Kind: "Role", Name: r.Name, Generation: r.Generation, Field: fmt.Sprintf(format, args...)}
}

// itemOf is an item of a list that is keyed by what a key is.
func itemOf(list string, k Key) string {
	if k.Connection != "" {
		return fmt.Sprintf("%s[%s:%s:%s]", list, k.Type, k.Connection, k.ID)
	}
	return fmt.Sprintf("%s[%s:%s]", list, k.Type, k.ID)
}
