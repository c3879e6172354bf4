// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/casbin/casbin/v3"
	"github.com/casbin/casbin/v3/model"

	"github.com/rolecall/rolecall/hack/bench/engine"
	"github.com/rolecall/rolecall/hack/bench/workload"
)

// casbinEngine is RBAC with domains: a policy line for each permission, and in
// the matcher the cheap comparisons first.
type casbinEngine struct {
	enforcer casbin.IEnforcer
}

// casbinModel returns the model of a variant: it says no more than the variant
// needs.
func casbinModel(v workload.Variant) string {
	policy, match := "sub, obj, act", "r.obj == p.obj && r.act == p.act"
	if v == workload.Wildcards {
		match = `(p.obj == "*" || r.obj == p.obj) && (p.act == "*" || r.act == p.act)`
	}
	if v.Conditional() {
		policy, match = policy+", own", match+` && (p.own == "n" || r.owner == r.sub)`
	}
	return fmt.Sprintf(`[request_definition]
r = sub, dom, obj, act, owner
[policy_definition]
p = %s
[role_definition]
g = _, _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = %s && (g(r.sub, p.sub, "*") || g(r.sub, p.sub, r.dom))
`, policy, match)
}

// Build implements engine.Engine.
func (c *casbinEngine) Build(s *workload.Set) error {
	m, err := model.NewModelFromString(casbinModel(s.Variant))
	if err != nil {
		return err
	}
	if c.enforcer, err = casbin.NewEnforcer(m); err != nil {
		return err
	}
	if _, err := c.enforcer.AddPoliciesEx(casbinPolicies(s)); err != nil {
		return err
	}
	_, err = c.enforcer.AddGroupingPoliciesEx(casbinGroupings(s))
	return err
}

func casbinPolicies(s *workload.Set) [][]string {
	var lines [][]string
	for r, permissions := range s.Roles {
		for _, p := range permissions {
			line := []string{workload.RoleName(r), star(p.Type, workload.TypeName), star(p.Action, workload.ActionName)}
			if s.Variant.Conditional() {
				line = append(line, map[bool]string{true: "y", false: "n"}[p.Owner])
			}
			lines = append(lines, line)
		}
	}
	return lines
}

func casbinGroupings(s *workload.Set) [][]string {
	roles, scopes := workload.Table(workload.Roles, workload.RoleName), workload.Table(workload.Scopes, workload.ScopeName)
	lines := make([][]string, 0, len(s.Assignments))
	for u := range s.Users {
		name := workload.UserName(u)
		for _, a := range s.Of(u) {
			scope := "*"
			if a.Scope != workload.Any {
				scope = scopes[a.Scope]
			}
			lines = append(lines, []string{name, roles[a.Role], scope})
		}
	}
	return lines
}

// star returns a name, or * for any.
func star(i int, name func(int) string) string {
	if i == workload.Any {
		return "*"
	}
	return name(i)
}

// Reader implements engine.Engine.
func (c *casbinEngine) Reader(requests []workload.Request) engine.Reader {
	args := make([][]any, len(requests))
	for i := range requests {
		q := &requests[i]
		args[i] = []any{q.User, q.Scope, q.Type, q.Action, q.Owner}
	}
	return func(i int) bool {
		ok, err := c.enforcer.Enforce(args[i]...)
		if err != nil {
			panic(err)
		}
		return ok
	}
}

// Change implements engine.Engine.
func (c *casbinEngine) Change(user int, from, to workload.Assignment) func() {
	line := func(a workload.Assignment) []any {
		return []any{workload.UserName(user), workload.RoleName(int(a.Role)), star(int(a.Scope), workload.ScopeName)}
	}
	less, more := line(from), line(to)
	return func() {
		if ok, err := c.enforcer.RemoveGroupingPolicy(less...); err != nil || !ok {
			panic(fmt.Sprint("casbin does not remove ", less, ": ", err))
		}
		if _, err := c.enforcer.AddGroupingPolicy(more...); err != nil {
			panic(err)
		}
	}
}
