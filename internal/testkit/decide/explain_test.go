// SPDX-License-Identifier: Apache-2.0

package decide_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/compile"
	"github.com/rolecall/rolecall/internal/policy"
	"github.com/rolecall/rolecall/internal/testkit"
	"github.com/rolecall/rolecall/internal/testkit/decide"
	"github.com/rolecall/rolecall/internal/testkit/random"
)

// derived is what an explanation says that the decision is, by all but the
// decision itself.
func derived(e *authz.Explanation) authz.Decision {
	roles := map[bool]map[string]bool{true: {}, false: {}} // by deny
	explicit, reason := false, authz.ReasonNoRole
	held := func(c authz.Counts) bool { return c != authz.CountsNot }
	if slices.ContainsFunc(e.Bindings, func(b authz.ExplainedBinding) bool { return held(b.Counts) }) ||
		slices.ContainsFunc(e.Asserted, func(a authz.ExplainedAssertion) bool { return held(a.Counts) }) {
		reason = authz.ReasonNoPermission
	}
	worst := authz.Because("")
	for _, p := range e.Permissions {
		switch {
		case p.Applies:
			roles[p.Deny][p.Role] = true
			explicit = explicit || (p.Deny && (p.Condition == nil || p.Condition.Value == authz.True))
		case p.Deny:
		case p.Because == authz.BecauseConditionError:
			worst = p.Because
		case p.Because == authz.BecauseConditionFalse && worst == "":
			worst = p.Because
		}
	}
	sorted := func(deny bool) []string { return slices.Sorted(maps.Keys(roles[deny])) }
	switch {
	case explicit:
		return authz.Decision{Reason: authz.ReasonExplicitDeny, Roles: sorted(true)}
	case len(roles[true]) > 0:
		return authz.Decision{Reason: authz.ReasonDenyError, Roles: sorted(true)}
	case len(roles[false]) > 0:
		return authz.Decision{Allowed: true, Reason: authz.ReasonGranted, Roles: sorted(false)}
	case worst == authz.BecauseConditionError:
		return authz.Decision{Reason: authz.ReasonConditionError}
	case worst == authz.BecauseConditionFalse:
		return authz.Decision{Reason: authz.ReasonConditionFalse}
	}
	return authz.Decision{Reason: reason}
}

// explain makes sure that an explanation comes to the decision of a check, and
// marks as decisive what decides.
func explain(t *testing.T, s *policy.Snapshot, r *authz.Request) *authz.Explanation {
	t.Helper()
	var d authz.Decision
	checked := s.Check(r, &d)
	e, err := s.Explain(r)
	if checked != nil || err != nil {
		if checked == nil || err == nil || checked.Error() != err.Error() {
			t.Fatalf("a check gives the error %v, its explanation %v", checked, err)
		}
		return nil
	}
	if diff := cmp.Diff(d, e.Decision, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("%+v (-check +explanation):\n%s", r, diff)
	}
	if len(e.Keys) == 0 {
		if d.Reason > authz.ReasonScopeRequired || len(e.Bindings)+len(e.Permissions)+len(e.Asserted) > 0 {
			t.Fatalf("%+v: %s is not explained", r, d.Reason)
		}
		return e
	}
	// What a check warns of has no part in the decision.
	if diff := cmp.Diff(d, derived(e), cmpopts.EquateEmpty(), cmpopts.IgnoreFields(authz.Decision{}, "Warnings")); diff != "" {
		t.Fatalf("%+v (-check +what the explanation comes to):\n%s%+v", r, diff, e)
	}
	var decisive []string
	for _, p := range e.Permissions {
		if p.Decides {
			decisive = append(decisive, p.Role)
		}
	}
	slices.Sort(decisive)
	if diff := cmp.Diff(d.Roles, slices.Compact(decisive), cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("%+v (-roles +those of decisive permissions):\n%s", r, diff)
	}
	return e
}

// TestExplainCorpus: every check of the cases is explained, and the explanation
// comes to the same decision.
func TestExplainCorpus(t *testing.T) {
	t.Parallel()
	compiler := compile.New(decide.Env(t))
	because := map[authz.Because]bool{}
	for _, c := range decide.Cases(t) {
		s := decide.Snapshot(compiler, c.Objects)
		for _, check := range c.Checks {
			r := check.Request
			t.Run(c.Name+"/"+check.Name, func(t *testing.T) {
				collect(explain(t, s, &r), because)
			})
		}
	}
	for _, b := range []authz.Because{
		authz.BecauseOtherScope, authz.BecauseNotYetValid, authz.BecauseExpired, authz.BecauseOtherResource, authz.BecauseRoleNotFound,
		authz.BecauseNotAssertable, authz.BecauseConditionFalse, authz.BecauseConditionError, authz.BecauseDeleting, authz.BecauseConflicted,
		authz.BecauseEmailUnverified, authz.BecauseMembershipInDoubt, authz.BecauseDenyOnly, authz.BecauseNotHeld,
	} {
		if !because[b] {
			t.Errorf("no case is explained by %s", b)
		}
	}
}

func collect(e *authz.Explanation, because map[authz.Because]bool) {
	if e == nil {
		return
	}
	for _, k := range e.Keys {
		because[k.Because] = true
	}
	for _, b := range e.Bindings {
		because[b.Because] = true
	}
	for _, a := range e.Asserted {
		because[a.Because] = true
	}
	for _, p := range e.Permissions {
		because[p.Because] = true
	}
}

// TestExplainRandom: likewise of random policies. Whatever binding or role the
// oracle finds to give something, the explanation names.
func TestExplainRandom(t *testing.T) {
	t.Parallel()
	env := decide.Env(t)
	programs, compiler := decide.NewPrograms(env), compile.New(env)
	named := 0
	for seed := range uint64(300) {
		g := random.New(seed)
		objects := g.Policy()
		s, naive := decide.Snapshot(compiler, objects), decide.Oracle(programs, objects)
		for range 20 {
			r := g.Request(objects)
			e := explain(t, s, r)
			if e == nil || len(e.Keys) == 0 {
				continue
			}
			for _, h := range naive.Holdings(r) {
				named++
				if !slices.ContainsFunc(e.Bindings, func(b authz.ExplainedBinding) bool {
					return b.Subject.Name == h.Binding && b.Role == h.Role && strings.Contains(b.Subject.Field, string(h.Subject.Type)+":") && b.Because != authz.BecauseOtherScope
				}) {
					t.Fatalf("seed %d, %+v: the explanation does not name %+v\n%+v", seed, r, h, e.Bindings)
				}
			}
		}
	}
	if named < 1000 {
		t.Errorf("the policies give only %d roles", named)
	}
}

// TestExplainNames the objects: generations, items of lists, the way through Groups
// and inheritance.
func TestExplainNames(t *testing.T) {
	t.Parallel()
	objects, err := testkit.Objects([]byte(explained))
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range objects {
		if name := o.GetName(); name == "base" || name == "b1" {
			o.SetGeneration(7)
		} else {
			o.SetGeneration(1)
		}
	}
	s := decide.Snapshot(compile.New(decide.Env(t)), objects)
	got := explain(t, s, &authz.Request{
		Namespace: testkit.Namespace, Time: testkit.Now(), Scope: "org:a/team:x",
		Subject:  authz.Subject{Type: "user", ID: "ann", Email: "ann@acme.com", Roles: []string{"asserted", "base"}},
		Action:   authz.Action{Name: "edit"},
		Resource: authz.Resource{Type: "page", ID: "home"}, Context: map[string]any{"country": "DE"},
	})
	want := &authz.Explanation{
		Decision: authz.Decision{Allowed: true, Reason: authz.ReasonGranted, Roles: []string{"editor"}},
		Keys: []authz.ExplainedKey{
			{Type: "user", ID: "ann"},
			{Type: "user", ID: "*"},
			{Type: "email_domain", ID: "acme.com", DenyOnly: true, Because: authz.BecauseEmailUnverified},
			{
				Type: "group", ID: "doubtful", DenyOnly: true, Because: authz.BecauseMembershipInDoubt,
				Members: []authz.ObjectField{{Kind: "Group", Name: "doubtful", Field: "spec.members[email_domain:acme.com]"}},
			},
			{Type: "group", ID: "inner", Members: []authz.ObjectField{{Kind: "Group", Name: "inner", Field: "spec.members[user:ann]"}}},
			{Type: "group", ID: "outer", Members: []authz.ObjectField{{Kind: "Group", Name: "outer", Field: "spec.members[group:inner]"}}},
		},
		Bindings: []authz.ExplainedBinding{
			{Subject: authz.ObjectField{Kind: "RoleBinding", Name: "b1", Generation: 7, Field: "spec.subjects[group:outer]"}, Role: "editor", Scope: "org:a", Counts: authz.CountsFully},
			{
				Subject: authz.ObjectField{Kind: "RoleBinding", Name: "b2", Generation: 1, Field: "spec.subjects[user:ann]"},
				Role:    "gone", Scope: "org:a", Counts: authz.CountsNot, Because: authz.BecauseRoleNotFound,
			},
			{
				Subject: authz.ObjectField{Kind: "RoleBinding", Name: "b3", Generation: 1, Field: "spec.subjects[user:ann]"},
				Role:    "editor", Scope: "org:b", Counts: authz.CountsNot, Because: authz.BecauseOtherScope,
			},
			{
				Subject: authz.ObjectField{Kind: "RoleBinding", Name: "b4", Generation: 1, Field: "spec.subjects[group:doubtful]"},
				Role:    "editor", Scope: "*", Counts: authz.CountsForDeny, Because: authz.BecauseMembershipInDoubt,
			},
			{
				Subject: authz.ObjectField{Kind: "RoleBinding", Name: "b5", Generation: 1, Field: "spec.subjects[user:*]"},
				Role:    "base", Scope: "*", Counts: authz.CountsNot, Because: authz.BecauseConditionFalse,
				Condition: &authz.ExplainedCondition{Expression: "size(subject.groups) > 5", Value: authz.False},
			},
		},
		Asserted: []authz.ExplainedAssertion{
			{Role: "asserted", Counts: authz.CountsNot, Because: authz.BecauseRoleNotFound},
			{Role: "base", Counts: authz.CountsNot, Because: authz.BecauseNotAssertable},
		},
		Permissions: []authz.ExplainedPermission{
			{
				Role: "base", Permission: authz.ObjectField{Kind: "Role", Name: "base", Generation: 7, Field: "spec.permissions[1]"},
				Because: authz.BecauseConditionFalse,
			},
			{
				Role: "editor", Permission: authz.ObjectField{Kind: "Role", Name: "editor", Generation: 1, Field: "spec.permissions[0]"}, Deny: true,
				Condition: &authz.ExplainedCondition{Expression: `context.country == "XX"`, Value: authz.False}, Because: authz.BecauseConditionFalse,
			},
			{
				Role: "editor", Inherits: []string{"base"}, Applies: true, Decides: true,
				Permission: authz.ObjectField{Kind: "Role", Name: "base", Generation: 7, Field: "spec.permissions[1]"},
			},
		},
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

const explained = `
{kind: Resource, metadata: {name: page}, spec: {actions: [{name: edit}, {name: read}]}}
---
{kind: Role, metadata: {name: base}, spec: {permissions: [{resource: page, actions: [read]}, {resource: "p*", actions: ["*"]}]}}
---
{kind: Role, metadata: {name: editor}, spec: {inherits: [base], permissions: [{effect: Deny, resource: page, actions: [edit], condition: 'context.country == "XX"'}]}}
---
{kind: Group, metadata: {name: inner}, spec: {members: [{type: user, id: ann}]}}
---
{kind: Group, metadata: {name: outer}, spec: {members: [{type: group, id: inner}, {type: user, id: bob}]}}
---
{kind: Group, metadata: {name: doubtful}, spec: {members: [{type: email_domain, id: acme.com}]}}
---
{kind: RoleBinding, metadata: {name: b1}, spec: {roles: [editor], subjects: [{type: group, id: outer}], scope: "org:a"}}
---
{kind: RoleBinding, metadata: {name: b2}, spec: {roles: [gone], subjects: [{type: user, id: ann}], scope: "org:a"}}
---
{kind: RoleBinding, metadata: {name: b3}, spec: {roles: [editor], subjects: [{type: user, id: ann}], scope: "org:b"}}
---
{kind: RoleBinding, metadata: {name: b4}, spec: {roles: [editor], subjects: [{type: group, id: doubtful}], scope: "*"}}
---
{kind: RoleBinding, metadata: {name: b5}, spec: {roles: [base], subjects: [{type: user, id: "*"}], scope: "*", condition: size(subject.groups) > 5}}
`

// sameExplanation compares what two snapshots of the same objects tell.
func sameExplanation(t *testing.T, worn, anew *policy.Snapshot, r *authz.Request) {
	t.Helper()
	got, gotErr := worn.Explain(r)
	want, wantErr := anew.Explain(r)
	if (gotErr == nil) != (wantErr == nil) {
		t.Errorf("the worn snapshot explains with the error %v, the new one with %v", gotErr, wantErr)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("explanations (-new +worn):\n%s%s", diff, testkit.FormatRequest(r))
	}
}
