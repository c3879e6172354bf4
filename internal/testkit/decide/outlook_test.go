// SPDX-License-Identifier: Apache-2.0

package decide_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/compile"
	"github.com/rolecall/rolecall/internal/testkit"
	"github.com/rolecall/rolecall/internal/testkit/decide"
)

// TestOutlook: each rule by itself, of an action that role a grants or forbids
// under these permissions and this binding.
func TestOutlook(t *testing.T) {
	t.Parallel()
	const (
		plain   = "{resource: doc, actions: [read]}"
		owner   = "{resource: doc, actions: [read], condition: resource.properties.owner == subject.id}"
		soft    = "{resource: doc, actions: [read], condition: action.properties.soft}"
		aware   = "{resource: doc, actions: [read], condition: context.a}"
		missing = "{resource: doc, actions: [read], condition: context.missing}"
		typed   = `{resource: doc, actions: [read], condition: resource.type == "doc" && action.name == "read"}`
		loop    = `{resource: doc, actions: [read], condition: 'resource.properties.list.exists(x, x == "y")'}`
		dear    = `{resource: doc, actions: [read], condition: 'lists.range(1000).all(x, lists.range(1000).all(y, y >= 0))'}`
	)
	deny := func(p string) string { return strings.Replace(p, "{", "{effect: Deny, ", 1) }
	for name, tt := range map[string]struct {
		permissions []string
		binding     string
		scope, home string
		want        authz.Outlook
	}{
		"allowed":                                  {permissions: []string{plain}, want: authz.Allowed},
		"nothing about it":                         {permissions: []string{strings.Replace(plain, "read", "update", 1)}, want: authz.Denied},
		"a condition on the resource":              {permissions: []string{owner}, want: authz.Conditional},
		"a condition on the action's properties":   {permissions: []string{soft}, want: authz.Conditional},
		"a condition that holds whatever it is":    {permissions: []string{aware}, want: authz.Allowed},
		"a condition on type and name":             {permissions: []string{typed}, want: authz.Allowed},
		"a condition that fails":                   {permissions: []string{missing}, want: authz.Denied},
		"an Allow for some and one for all":        {permissions: []string{owner, plain}, want: authz.Allowed},
		"a Deny":                                   {permissions: []string{plain, deny(plain)}, want: authz.Denied},
		"a Deny for some":                          {permissions: []string{plain, deny(owner)}, want: authz.Conditional},
		"a Deny whose condition fails":             {permissions: []string{plain, deny(missing)}, want: authz.Denied},
		"a Deny for some and nothing to deny":      {permissions: []string{deny(owner)}, want: authz.Denied},
		"for some instances":                       {permissions: []string{plain}, binding: "resources: [{type: doc, id: d}]", want: authz.Conditional},
		"for some instances of something else":     {permissions: []string{plain}, binding: "resources: [{type: note, id: d}]", want: authz.Denied},
		"a gate that is open":                      {permissions: []string{plain}, binding: "condition: context.a", want: authz.Allowed},
		"a gate that is shut":                      {permissions: []string{plain}, binding: "condition: '!context.a'", want: authz.Denied},
		"a gate that depends on it":                {permissions: []string{plain}, binding: "condition: resource.id == 'd'", want: authz.Conditional},
		"a gate that fails":                        {permissions: []string{plain}, binding: "condition: context.missing", want: authz.Denied},
		"a gate that fails, before a Deny":         {permissions: []string{deny(plain)}, binding: "condition: context.missing", want: authz.Denied},
		"a gate that is open, before an owner":     {permissions: []string{owner}, binding: "condition: context.a", want: authz.Conditional},
		"no longer valid":                          {permissions: []string{plain}, binding: "notAfter: 2020-01-01T00:00:00Z", want: authz.Denied},
		"at another scope":                         {permissions: []string{plain}, binding: "scope: 'org:b'", want: authz.Denied},
		"a session of another scope":               {permissions: []string{plain}, scope: "org:a", home: "org:b", want: authz.Denied},
		"what costs too much":                      {permissions: []string{dear}, want: authz.Denied},
		"what comes before something without end":  {permissions: []string{aware, loop}, want: authz.Allowed},
		"what comes after something without end":   {permissions: []string{loop, aware}, want: authz.Conditional},
		"what needs no evaluation comes first":     {permissions: []string{loop, plain}, want: authz.Allowed},
		"what comes after something that is cheap": {permissions: []string{owner, aware}, want: authz.Allowed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if !strings.Contains(tt.binding, "scope:") {
				tt.binding += "\n  scope: '*'"
			}
			objects, err := testkit.Objects(fmt.Appendf(nil, `
kind: Resource
metadata: {name: doc}
spec: {actions: [{name: read}]}
---
kind: Role
metadata: {name: a}
spec: {permissions: [%s]}
---
kind: RoleBinding
metadata: {name: b}
spec:
  roles: [a]
  subjects: [{type: user, id: u}]
  %s
`, strings.Join(tt.permissions, ", "), tt.binding))
			if err != nil {
				t.Fatal(err)
			}
			got, err := decide.Snapshot(compile.New(decide.Env(t)), objects).Permissions(&authz.Request{
				Namespace: testkit.Namespace, Time: testkit.Now(), Scope: tt.scope,
				Subject: authz.Subject{Type: "user", ID: "u", SessionScope: tt.home}, Context: map[string]any{"a": true},
			})
			if err != nil || len(got) != 1 || got[0].Outlook != tt.want {
				t.Errorf("%+v, error %v; want %v", got, err, tt.want)
			}
		})
	}
}

// TestHeld: where a role is held, how, and for how long.
func TestHeld(t *testing.T) {
	t.Parallel()
	objects, err := testkit.Objects([]byte(`
kind: Role
metadata: {name: a}
spec: {assertable: true, permissions: []}
---
kind: RoleBinding
metadata: {name: everywhere}
spec: {roles: [a, gone], subjects: [{type: user, id: u}, {type: group, id: g}], scope: "*"}
---
kind: RoleBinding
metadata: {name: here}
spec: {roles: [a], subjects: [{type: user, id: u}], scope: "org:a/t:x", condition: "true"}
---
kind: RoleBinding
metadata: {name: above}
spec: {roles: [a], subjects: [{type: group, id: g}], scope: "org:a", notAfter: 2100-01-01T00:00:00Z}
---
kind: RoleBinding
metadata: {name: elsewhere}
spec: {roles: [a], subjects: [{type: user, id: u}], scope: "org:b"}
`))
	if err != nil {
		t.Fatal(err)
	}
	s := decide.Snapshot(compile.New(decide.Env(t)), objects)
	r := &authz.Request{
		Namespace: testkit.Namespace, Time: testkit.Now(), Scope: "org:a/t:x",
		Subject: authz.Subject{Type: "user", ID: "u", Groups: []string{"g"}, Roles: []string{"a", "nobody"}, SessionScope: "org:a"},
	}
	got, err := s.Held(r)
	if err != nil {
		t.Fatal(err)
	}
	want := []authz.HeldRole{
		{Role: "a", Scope: "*"},
		{Role: "a", Scope: "org:a"},
		{Role: "a", Scope: "org:a", Asserted: true},
		{Role: "a", Scope: "org:a/t:x", Conditional: true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("held (-want +got):\n%s", diff)
	}
	r.Time = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
	if got, err = s.Held(r); err != nil || len(got) != 3 {
		t.Errorf("after one has run out: %+v, error %v; want three", got, err)
	}
	r.Scope = "org:b"
	if got, err = s.Held(r); err != nil || len(got) != 0 {
		t.Errorf("outside the session's scope: %+v, error %v; want none", got, err)
	}
}
