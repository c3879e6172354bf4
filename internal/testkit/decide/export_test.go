// SPDX-License-Identifier: Apache-2.0

package decide_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/compile"
	"github.com/rolecall/rolecall/internal/testkit"
	"github.com/rolecall/rolecall/internal/testkit/decide"
	"github.com/rolecall/rolecall/internal/testkit/random"
)

// TestAnExportedPolicyIsNeverWider: whatever else is true of a request, who
// asserts a role is allowed what the exported policy says that it allows.
func TestAnExportedPolicyIsNeverWider(t *testing.T) {
	t.Parallel()
	env := decide.Env(t)
	programs, compiler := decide.NewPrograms(env), compile.New(env)
	relied := 0
	for seed := range uint64(900) {
		g := random.New(seed)
		objects := g.Policy()
		snapshot, naive := decide.Snapshot(compiler, objects), decide.Oracle(programs, objects)
		for range 40 {
			r := g.Request(objects)
			p, err := snapshot.Policy(r.Namespace)
			if err != nil {
				t.Fatal(err)
			}
			if !certain(p, r) {
				continue
			}
			relied++
			if want := naive.Check(r); !want.Allowed {
				t.Fatalf("seed %d, %+v: the exported policy allows it, and the decision is %+v", seed, r, want)
			}
		}
	}
	if relied < 100 {
		t.Errorf("only %d requests could be decided by an exported policy", relied)
	}
}

// certain decides as a client does that has the policy and a token.
func certain(p *authz.Policy, r *authz.Request) bool {
	home := r.Subject.SessionScope
	if home != "" && !authz.ScopeCovers(home, r.Scope) {
		return false
	}
	i := slices.IndexFunc(p.Resources, func(t authz.PolicyResource) bool { return t.Type == r.Resource.Type })
	if i < 0 || p.Resources[i].ScopeRequired && r.Scope == "" {
		return false
	}
	return slices.ContainsFunc(p.Roles, func(role authz.PolicyRole) bool {
		return role.Assertable && slices.Contains(r.Subject.Roles, role.ID) &&
			slices.ContainsFunc(role.Allows, func(a authz.PolicyAllow) bool {
				return a.Type == r.Resource.Type && slices.Contains(a.Actions, r.Action.Name)
			})
	})
}

// TestExportedPolicy: patterns and inheritance are expanded; what a condition, a
// Deny or a deletion takes away is left out.
func TestExportedPolicy(t *testing.T) {
	t.Parallel()
	objects, err := testkit.Objects([]byte(`
{kind: Resource, metadata: {name: doc}, spec: {actions: [{name: write}, {name: read}, {name: drop}]}}
---
{kind: Resource, metadata: {name: seat}, spec: {scoping: Required, actions: [{name: take}]}}
---
{kind: Resource, metadata: {name: old, deletionTimestamp: "2026-01-01T00:00:00Z"}, spec: {actions: [{name: read}]}}
---
{kind: Role, metadata: {name: member}, spec: {assertable: true, permissions: [{resource: "*", actions: [read, take]}]}}
---
kind: Role
metadata: {name: admin}
spec:
  inherits: [member]
  permissions:
  - {resource: doc, actions: ["*"]}
  - {resource: doc, actions: [read], condition: context.a}
---
{kind: Role, metadata: {name: careful}, spec: {permissions: [{resource: doc, actions: [write], condition: context.a}]}}
---
{kind: Role, metadata: {name: barred}, spec: {permissions: [{effect: Deny, resource: doc, actions: [drop], condition: context.a}]}}
`))
	if err != nil {
		t.Fatal(err)
	}
	got, err := decide.Snapshot(compile.New(decide.Env(t)), objects).Policy(testkit.Namespace)
	if err != nil {
		t.Fatal(err)
	}
	want := &authz.Policy{
		Resources: []authz.PolicyResource{
			{Type: "doc", Actions: []string{"drop", "read", "write"}},
			{Type: "old", Actions: []string{"read"}},
			{Type: "seat", Actions: []string{"take"}, ScopeRequired: true},
		},
		Roles: []authz.PolicyRole{
			{ID: "admin", Allows: []authz.PolicyAllow{{Type: "doc", Actions: []string{"read", "write"}}, {Type: "seat", Actions: []string{"take"}}}},
			{ID: "barred"},
			{ID: "careful"},
			{ID: "member", Assertable: true, Allows: []authz.PolicyAllow{{Type: "doc", Actions: []string{"read"}}, {Type: "seat", Actions: []string{"take"}}}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("policy (-want +got):\n%s", diff)
	}
}
