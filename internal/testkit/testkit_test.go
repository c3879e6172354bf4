// SPDX-License-Identifier: Apache-2.0

package testkit_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/testkit"
)

// TestBuilders: what a builder makes is what a manifest says.
func TestBuilders(t *testing.T) {
	t.Parallel()
	from, until := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
	for name, row := range map[string]struct {
		built testkit.Object
		want  string
	}{
		"a resource": {
			built: testkit.Resource("doc", "read").Type("Doc").ScopeRequired().Obj(),
			want:  `{kind: Resource, metadata: {name: doc}, spec: {type: Doc, scoping: Required, actions: [{name: read}]}}`,
		},
		"a role": {
			built: testkit.Role("r").ID("R").Inherits("a", "b").Assertable().Allow("read", "doc").Deny("*", "x*").If("true").Obj(),
			want: `{kind: Role, metadata: {name: r}, spec: {id: R, inherits: [a, b], assertable: true, permissions: [
				{resource: doc, actions: [read]}, {effect: Deny, resource: "x*", actions: ["*"], condition: "true"}]}}`,
		},
		"a binding": {
			built: testkit.Binding("b", "R").ToUser("u").To("group", "g").ToSSOGroup("c", "g").
				Scope("org:a").For("doc", "d").If("false").From(from).Until(until).Obj(),
			want: `{kind: RoleBinding, metadata: {name: b}, spec: {roles: [R], scope: "org:a",
				subjects: [{type: user, id: u}, {type: group, id: g}, {type: sso_group, connection: c, id: g}],
				resources: [{type: doc, id: d}], condition: "false", notBefore: "2026-01-01T00:00:00Z", notAfter: "2026-02-01T00:00:00Z"}}`,
		},
		"an object of another namespace, with a time of creation": {
			built: testkit.In("other", testkit.Created(testkit.Role("r").Obj(), from)),
			want:  `{kind: Role, metadata: {name: r, namespace: other, creationTimestamp: "2026-01-01T00:00:00Z"}, spec: {}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, err := testkit.Objects([]byte(row.want))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want[0], row.built); diff != "" {
				t.Errorf("(-manifest +built):\n%s", diff)
			}
		})
	}
}

func TestObjectsAreReadStrictly(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ text, want string }{
		"a field that there is not": {text: `{kind: Role, metadata: {name: r}, spec: {permission: []}}`, want: "permission"},
		"a kind that there is not":  {text: `{kind: Rule, metadata: {name: r}}`, want: `kind "Rule" is not known`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := testkit.Objects([]byte(row.text))
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("error %v, want one that says %q", err, row.want)
			}
		})
	}
}

func TestRequestsGoRoundTrip(t *testing.T) {
	t.Parallel()
	const text = `
- name: everything
  namespace: other
  subject:
    {type: user, id: u, roles: [r], sessionScope: "org:a", groups: [g], email: u@a.b, emailVerified: true,
     ssoConnections: [c], ssoGroups: [{connection: c, id: g}], properties: {n: 1}}
  action: {name: read, properties: {dry: true}}
  resource: {type: doc, id: d, properties: {l: [a]}}
  scope: org:a
  context: {mfa: true}
  time: 2026-01-01T00:00:00Z
  want: {reason: NoRole}
- name: the least
  subject: {type: user, id: u}
  action: read
  resource: {type: doc}
  want: {error: scope}
`
	checks, err := testkit.ParseChecks([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	want := authz.Request{
		Namespace: testkit.Namespace, Subject: authz.Subject{Type: "user", ID: "u"}, Action: authz.Action{Name: "read"},
		Resource: authz.Resource{Type: "doc"}, Time: testkit.Now(),
	}
	if diff := cmp.Diff(want, checks[1].Request); diff != "" {
		t.Errorf("the least (-want +got):\n%s", diff)
	}
	for _, check := range checks {
		again, err := testkit.ParseChecks([]byte("- " + strings.ReplaceAll(testkit.FormatRequest(&check.Request), "\n", "\n  ")))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(check.Request, again[0].Request); diff != "" {
			t.Errorf("%s, formatted and read again (-want +got):\n%s", check.Name, diff)
		}
	}
}

// TestAuthZENSaysNoMoreThanItCan: what the protocol has no words for is an error,
// so that no test takes half a request for the whole.
func TestAuthZENSaysNoMoreThanItCan(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]authz.Request{
		"the scope of a session":                   {Subject: authz.Subject{SessionScope: "org:a"}},
		"captured properties of a subject":         {Subject: authz.Subject{Captured: map[string]any{"a": 1.0}}},
		"captured properties of a resource":        {Resource: authz.Resource{Captured: map[string]any{"a": 1.0}}},
		"a free property where a role would stand": {Subject: authz.Subject{Roles: []string{"r"}, Properties: map[string]any{"roles": "x"}}},
		"a free scope in the context":              {Scope: "org:a", Context: map[string]any{"scope": "org:b"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if text, err := testkit.AuthZEN(&r); err == nil {
				t.Errorf("it is rendered as %s, want an error", text)
			}
		})
	}
}
