// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/policy"
)

// listed is how long a list is of which two walks through all pairs cost more than
// a check may spend, and one does not.
const listed = 120

// TestTheBudgetIsSpentInAnOrder evaluates three conditions of which each costs
// more than half of what a check may spend: the first one decides, whatever the
// order in which the bindings came.
func TestTheBudgetIsSpentInAnOrder(t *testing.T) {
	costly := "context.list.all(x, context.list.all(y, x == y))"
	r := ask("alice", "read")
	r.Context = map[string]any{"list": slices.Repeat([]any{1.0}, listed)}
	when := func(id string) *policy.Role {
		return role(id, policy.Permission{Resource: "document", Actions: policy.WordsOf("read"), Condition: program(t, costly)})
	}
	always := func(id string) *policy.Role {
		return role(id, policy.Permission{Resource: "document", Actions: policy.WordsOf("read")})
	}
	gated := func(name, id string) *policy.Binding {
		b := bind(name, "alice", id)
		b.Gate = program(t, costly)
		return b
	}
	for name, c := range map[string]struct {
		roles    []*policy.Role
		bindings []*policy.Binding
		want     string
	}{
		"roles without a gate, by id": {
			[]*policy.Role{when("a"), when("b"), when("c")},
			[]*policy.Binding{bind("1", "alice", "c"), bind("2", "alice", "b"), bind("3", "alice", "a")},
			"a",
		},
		"roles behind gates, by binding": {
			[]*policy.Role{always("a"), always("b"), always("c")},
			[]*policy.Binding{gated("1", "c"), gated("2", "b"), gated("3", "a")},
			"c",
		},
		"roles without a gate before those behind one": {
			[]*policy.Role{always("a"), always("b"), when("z")},
			[]*policy.Binding{gated("1", "a"), gated("2", "b"), bind("3", "alice", "z")},
			"z",
		},
	} {
		t.Run(name, func(t *testing.T) {
			want := authz.Decision{Allowed: true, Reason: authz.ReasonGranted, Roles: []string{c.want}}
			for range 2 {
				if diff := cmp.Diff(want, decide(t, snapshot(t, document, c.roles, c.bindings...), r)); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				slices.Reverse(c.bindings)
			}
		})
	}
}

// TestOneConditionIsPaidForOnce: a hundred roles share a condition that costs
// more than half of what a check may spend.
func TestOneConditionIsPaidForOnce(t *testing.T) {
	p := program(t, "context.list.all(x, context.list.all(y, x == y))")
	var roles []*policy.Role
	var bindings []*policy.Binding
	for i := range 100 {
		id := fmt.Sprint(i)
		roles = append(roles, role(id, policy.Permission{Resource: "document", Actions: policy.WordsOf("read"), Condition: p}))
		bindings = append(bindings, bind(id, "alice", id))
	}
	r := ask("alice", "read")
	r.Context = map[string]any{"list": slices.Repeat([]any{1.0}, listed)}
	if d := decide(t, snapshot(t, document, roles, bindings...), r); len(d.Roles) != len(roles) {
		t.Errorf("%v by %d roles, want all %d", d.Reason, len(d.Roles), len(roles))
	}
}

// TestEveryAncestorCounts binds a role at each of many nested scopes, and others
// beside them.
func TestEveryAncestorCounts(t *testing.T) {
	const depth = 12
	var roles []*policy.Role
	var bindings []*policy.Binding
	path := make([]string, depth)
	for i := range path {
		path[i] = fmt.Sprintf("s:%d", i)
		for _, beside := range []string{"", "x"} {
			id := fmt.Sprintf("role-%02d%s", i, beside)
			b := bind(id, "alice", id)
			b.Scope = strings.Join(path[:i+1], "/") + beside
			roles = append(roles, role(id, policy.Permission{Resource: "*", Actions: policy.WordsOf("read")}))
			bindings = append(bindings, b)
		}
	}
	s := snapshot(t, document, roles, bindings...)
	for i := range path {
		r := ask("alice", "read")
		r.Scope = strings.Join(path[:i+1], "/")
		var want []string
		for j := range i + 1 {
			want = append(want, fmt.Sprintf("role-%02d", j))
		}
		if diff := cmp.Diff(want, decide(t, s, r).Roles); diff != "" {
			t.Errorf("%s (-want +got):\n%s", r.Scope, diff)
		}
	}
}

// TestLongNamesThatAreAlike have the same length, beginning and end.
func TestLongNamesThatAreAlike(t *testing.T) {
	typ := func(c rune) string { return strings.Repeat("x", 20) + string(c) + strings.Repeat("y", 20) }
	var resources []*policy.Resource
	for _, c := range "abc" {
		resources = append(resources, &policy.Resource{Type: typ(c), Actions: []string{"read"}})
	}
	s := snapshot(t, resources, []*policy.Role{role("r", policy.Permission{Resource: typ('b'), Actions: policy.WordsOf("read")})}, bind("b", "alice", "r"))
	for c, want := range map[rune]authz.Reason{
		'a': authz.ReasonNoPermission, 'b': authz.ReasonGranted, 'c': authz.ReasonNoPermission, 'd': authz.ReasonUnknownResource,
	} {
		r := ask("alice", "read")
		r.Resource.Type = typ(c)
		if d := decide(t, s, r); d.Reason != want {
			t.Errorf("%c: %v, want %v", c, d.Reason, want)
		}
	}
}
