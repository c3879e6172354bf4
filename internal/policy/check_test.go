// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/expr"
	"github.com/rolecall/rolecall/internal/policy"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func snapshot(tb testing.TB, resources []*policy.Resource, roles []*policy.Role, bindings ...*policy.Binding) *policy.Snapshot {
	tb.Helper()
	x := policy.NewIndex(nil)
	x.SetVocabulary("app", policy.Link(resources, roles))
	for _, b := range bindings {
		x.Put("app", b, 0)
	}
	return x.Publish("1")
}

func program(tb testing.TB, text string) *expr.Program {
	tb.Helper()
	env, err := expr.NewEnv()
	if err != nil {
		tb.Fatal(err)
	}
	p, issues := env.Compile(text)
	for _, i := range issues {
		tb.Logf("%s: %+v", text, i)
	}
	return p
}

func bind(name, user string, roles ...string) *policy.Binding {
	return &policy.Binding{
		Meta: policy.Meta{Name: name}, Scope: "*", Roles: roles,
		Subjects: []policy.Key{{Type: "user", ID: user}},
	}
}

func ask(user, action string) *authz.Request {
	return &authz.Request{
		Namespace: "app", Time: noon,
		Subject:  authz.Subject{Type: "user", ID: user},
		Action:   authz.Action{Name: action},
		Resource: authz.Resource{Type: "document", ID: "d1"},
	}
}

var document = []*policy.Resource{{Type: "document", Actions: []string{"read", "write"}}}

func role(id string, permissions ...policy.Permission) *policy.Role {
	return &policy.Role{Meta: policy.Meta{Name: id}, ID: id, Permissions: permissions}
}

func decide(t *testing.T, s *policy.Snapshot, r *authz.Request) authz.Decision {
	t.Helper()
	var d authz.Decision
	if err := s.Check(r, &d); err != nil {
		t.Fatal(err)
	}
	if len(d.Roles) == 0 {
		d.Roles = nil
	}
	return d
}

// TestEveryRoleThatGrantsIsNamed asks through a hundred roles that share one
// condition.
func TestEveryRoleThatGrantsIsNamed(t *testing.T) {
	p := program(t, `resource.id == "d1"`)
	var roles []*policy.Role
	var bindings []*policy.Binding
	var want []string
	for i := range 100 {
		id := fmt.Sprintf("role-%03d", i)
		roles = append(roles, role(id, policy.Permission{Resource: "document", Actions: policy.WordsOf("read"), Condition: p}))
		bindings = append(bindings, bind(id, "alice", id))
		want = append(want, id)
	}
	got := decide(t, snapshot(t, document, roles, bindings...), ask("alice", "read"))
	if diff := cmp.Diff(authz.Decision{Allowed: true, Reason: authz.ReasonGranted, Roles: want}, got); diff != "" {
		t.Error(diff)
	}
}

func TestAnErrorLeavesADeny(t *testing.T) {
	s := policy.NewSnapshot([]string{"app"})
	d := authz.Decision{Allowed: true, Reason: authz.ReasonGranted, Roles: []string{"admin"}}
	r := ask("alice", "read")
	r.Namespace = "elsewhere"
	if err := s.Check(r, &d); !errors.Is(err, authz.ErrUnknownNamespace) {
		t.Errorf("error = %v, want ErrUnknownNamespace", err)
	}
	if d.Allowed || len(d.Roles) > 0 {
		t.Errorf("decision of the request before survives: %+v", d)
	}
	d.Allowed = true
	r = ask("*", "read")
	var invalid *authz.RequestError
	if err := s.Check(r, &d); !errors.As(err, &invalid) || invalid.Field != "subject.id" || d.Allowed {
		t.Errorf("error = %v, decision %+v; want a RequestError for subject.id and a deny", err, d)
	}
}

// TestOldSnapshotsStay shows that a change makes a snapshot and leaves those before it alone.
func TestOldSnapshotsStay(t *testing.T) {
	read := policy.Permission{Resource: "document", Actions: policy.WordsOf("read")}
	b := bind("b", "alice", "reader")
	x := policy.NewIndex(nil)
	x.SetVocabulary("app", policy.Link(document, []*policy.Role{role("reader", read)}))
	x.Put("app", b, 1)
	before := x.Publish("1")
	x.Delete("app", b.Name)
	after := x.Publish("2")
	if d := decide(t, before, ask("alice", "read")); !d.Allowed {
		t.Errorf("the old snapshot says %v", d.Reason)
	}
	if d := decide(t, after, ask("alice", "read")); d.Reason != authz.ReasonNoRole {
		t.Errorf("the new snapshot says %v, want NoRole", d.Reason)
	}
}

// TestUnconditionalCheckAllocatesNothing covers everything that needs no
// evaluation: scopes, validity, instances, groups, deny, several granting roles.
func TestUnconditionalCheckAllocatesNothing(t *testing.T) {
	allow := policy.Permission{Resource: "*", Actions: policy.WordsOf("re*")}
	deny := policy.Permission{Deny: true, Resource: "document", Actions: policy.WordsOf("write")}
	wide := bind("wide", "alice", "reader", "denier")
	scoped := bind("scoped", "alice", "reader2")
	scoped.Scope = "org:acme"
	scoped.NotAfter = noon.Add(time.Hour)
	team := &policy.Binding{
		Meta: policy.Meta{Name: "team"}, Scope: "*", Roles: []string{"reader2"},
		Subjects:  []policy.Key{{Type: "group", ID: "team"}, {Type: "email_domain", ID: "acme.com"}},
		Resources: []policy.Instance{{Type: "document", ID: "d1"}},
	}
	s := snapshot(t, document, []*policy.Role{role("reader", allow), role("reader2", allow), role("denier", deny)}, wide, scoped, team)
	for name, action := range map[string]string{"an allow": "read", "a deny": "write", "an unknown action": "fly"} {
		t.Run(name, func(t *testing.T) {
			r := ask("alice", action)
			r.Scope = "org:acme/team:web"
			r.Subject.Groups = []string{"team"}
			r.Subject.Email, r.Subject.EmailVerified = "alice@acme.com", true
			r.Subject.Roles = []string{"reader"}
			var d authz.Decision
			if n := testing.AllocsPerRun(100, func() {
				if err := s.Check(r, &d); err != nil {
					t.Fatal(err)
				}
			}); n != 0 {
				t.Errorf("%v allocations, want none", n)
			}
		})
	}
}
