// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/diag"
	"github.com/rolecall/rolecall/internal/expr"
	"github.com/rolecall/rolecall/internal/policy"
)

// programs are compared by what they do to a request that has a context.mfa.
var programs = cmp.Comparer(func(a, b *expr.Program) bool { return outcome(a) == outcome(b) })

func outcome(p *expr.Program) string {
	if p == nil {
		return "none"
	}
	budget := expr.NewBudget()
	r := &authz.Request{Context: map[string]any{"mfa": true}, Time: time.Unix(0, 0)}
	switch holds, err := p.Eval(r, &budget); {
	case err != nil:
		return "fails"
	case holds:
		return "true"
	}
	return "false"
}

func TestResource(t *testing.T) {
	tests := map[string]struct {
		spec    string
		want    policy.Resource
		invalid bool
	}{
		"the type is the name unless it is given": {
			spec: `{actions: [{name: read}]}`,
			want: policy.Resource{Type: "thing", Actions: []string{"read"}},
		},
		"a given type wins": {
			spec: `{type: "Doc:a", actions: [{name: read}, {name: update.name}]}`,
			want: policy.Resource{Type: "Doc:a", Actions: []string{"read", "update.name"}},
		},
		"a resource without actions declares its type": {
			spec: `{}`,
			want: policy.Resource{Type: "thing"},
		},
		"a required scope": {
			spec: `{scoping: Required}`,
			want: policy.Resource{Type: "thing", ScopeRequired: true},
		},
		"an optional scope": {
			spec: `{scoping: Optional}`,
			want: policy.Resource{Type: "thing"},
		},
		"an unknown scoping requires a scope": {
			spec: `{scoping: requird}`, invalid: true,
			want: policy.Resource{Type: "thing", ScopeRequired: true},
		},
		"an unusable type declares no actions": {
			spec: `{type: "a b", actions: [{name: read}]}`, invalid: true,
			want: policy.Resource{Type: "a b"},
		},
		"known instances, with what is stored of them": {
			spec: `{instances: [{id: b, properties: {size: 7, list: [true, null], deep: {of: it}}}, {id: a}]}`,
			want: policy.Resource{Type: "thing", Instances: policy.NewInstances(map[string]map[string]any{
				"a": nil, "b": {"size": 7.0, "list": []any{true, nil}, "deep": map[string]any{"of": "it"}},
			})},
		},
		"an unusable instance is not known, the others are": {
			spec: `{instances: [{id: "*"}, {id: a, properties: {size: 1}}, {id: a, properties: {size: 2}}, {id: ""}, {id: b, properties: 7}]}`, invalid: true,
			want: policy.Resource{Type: "thing", Instances: policy.NewInstances(map[string]map[string]any{"a": {"size": 1.0}, "b": nil})},
		},
		"an unusable type has no instances": {
			spec: `{type: "a b", instances: [{id: a}]}`, invalid: true,
			want: policy.Resource{Type: "a b"},
		},
		"an unusable action is not declared, the others are": {
			spec: `{actions: [{name: "*"}, {name: read}, {name: ""}]}`, invalid: true,
			want: policy.Resource{Type: "thing", Actions: []string{"read"}},
		},
		"an action that stands twice is declared once": {
			spec: `{actions: [{name: read}, {name: read}]}`, invalid: true,
			want: policy.Resource{Type: "thing", Actions: []string{"read"}},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			o := object(t, `{kind: Resource, metadata: {name: thing}, spec: `+tt.spec+`}`)
			got, faults := newCompiler(t).Resource(o.(*v1alpha1.Resource))
			tt.want.Name = "thing"
			if diff := cmp.Diff(&tt.want, got, cmp.AllowUnexported(policy.Instances{})); diff != "" {
				t.Error(diff)
			}
			checkInvalid(t, faults, tt.invalid)
		})
	}
}

func TestRole(t *testing.T) {
	failing := expr.Failing(cmpopts.AnyError)
	tests := map[string]struct {
		spec    string
		want    policy.Role
		invalid bool
	}{
		"the id is the name unless it is given": {
			spec: `{}`,
			want: policy.Role{ID: "thing"},
		},
		"a permission allows unless it says something else": {
			spec: `{id: r, assertable: true, inherits: [a, b], permissions: [{resource: doc, actions: [read, "*"]}, {effect: Allow, resource: "d*", actions: [x]}]}`,
			want: policy.Role{ID: "r", Assertable: true, Inherits: []string{"a", "b"}, Permissions: []policy.Permission{
				{Resource: "doc", Actions: policy.WordsOf("read", "*")}, {Resource: "d*", Actions: policy.WordsOf("x")},
			}},
		},
		"a Deny": {
			spec: `{permissions: [{effect: Deny, resource: doc, actions: [read], condition: context.mfa}]}`,
			want: policy.Role{ID: "thing", Permissions: []policy.Permission{
				{Deny: true, Resource: "doc", Actions: policy.WordsOf("read"), Condition: compiled(t, "context.mfa")},
			}},
		},
		"a condition that does not compile fails, and the other permissions stay as they are": {
			spec: `{permissions: [{resource: doc, actions: [read], condition: "((("}, {resource: doc, actions: [read]}]}`,
			want: policy.Role{ID: "thing", Permissions: []policy.Permission{
				{Resource: "doc", Actions: policy.WordsOf("read"), Condition: failing}, {Resource: "doc", Actions: policy.WordsOf("read")},
			}},
			invalid: true,
		},
		"an unknown effect denies": {
			spec: `{permissions: [{effect: DENY, resource: doc, actions: [read]}]}`, invalid: true,
			want: policy.Role{ID: "thing", Permissions: []policy.Permission{
				{Deny: true, Resource: "doc", Actions: policy.WordsOf("read"), Condition: failing},
			}},
		},
		"an Allow of an unusable resource or action fails": {
			spec: `{permissions: [{resource: "", actions: [read]}, {resource: doc, actions: []}, {resource: doc, actions: [read, "/"]}]}`, invalid: true,
			want: policy.Role{ID: "thing", Permissions: []policy.Permission{
				{Resource: "", Actions: policy.WordsOf("read"), Condition: failing},
				{Resource: "doc", Actions: policy.WordsOf(), Condition: failing},
				{Resource: "doc", Actions: policy.WordsOf("read", "/"), Condition: failing},
			}},
		},
		"a Deny of an unusable resource or action denies all that it may have meant": {
			spec: `{permissions: [{effect: Deny, resource: "a b", actions: [read]}, {effect: Deny, resource: doc, actions: []}]}`, invalid: true,
			want: policy.Role{ID: "thing", Permissions: []policy.Permission{
				{Deny: true, Resource: "*", Actions: policy.WordsOf("read"), Condition: failing},
				{Deny: true, Resource: "doc", Actions: policy.WordsOf("*"), Condition: failing},
			}},
		},
		"an unusable id takes away the Allows and leaves the Denies": {
			spec: `{id: "a b", permissions: [{resource: doc, actions: [read]}, {effect: Deny, resource: doc, actions: [read]}]}`, invalid: true,
			want: policy.Role{ID: "a b", Permissions: []policy.Permission{
				{Resource: "doc", Actions: policy.WordsOf("read"), Condition: failing},
				{Deny: true, Resource: "doc", Actions: policy.WordsOf("read")},
			}},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			o := object(t, `{kind: Role, metadata: {name: thing}, spec: `+tt.spec+`}`)
			got, faults := newCompiler(t).Role(o.(*v1alpha1.Role))
			tt.want.Name = "thing"
			if diff := cmp.Diff(&tt.want, got, programs); diff != "" {
				t.Error(diff)
			}
			checkInvalid(t, faults, tt.invalid)
		})
	}
}

func compiled(t *testing.T, condition string) *expr.Program {
	t.Helper()
	env, err := expr.NewEnv()
	if err != nil {
		t.Fatal(err)
	}
	p, issues := env.Compile(condition)
	if len(issues) > 0 {
		t.Fatal(issues)
	}
	return p
}

func TestRoleBinding(t *testing.T) {
	failing := expr.Failing(cmpopts.AnyError)
	user := []policy.Key{{Type: "user", ID: "u"}}
	january, february := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
	const head = `roles: [r], subjects: [{type: user, id: u}], `
	tests := map[string]struct {
		spec    string
		want    policy.Binding
		invalid bool
	}{
		"a binding with everything": {
			spec: head + `scope: "org:acme/team:web", resources: [{type: doc, id: a b}], condition: context.mfa, notBefore: "2026-01-01T01:00:00+01:00", notAfter: "2026-02-01T00:00:00Z"`,
			want: policy.Binding{
				Subjects: user, Scope: "org:acme/team:web", Resources: []policy.Instance{{Type: "doc", ID: "a b"}},
				Gate: compiled(t, "context.mfa"), NotBefore: january, NotAfter: february,
			},
		},
		"every kind of subject; a domain is folded, an id is not": {
			spec: `roles: [r], scope: "*", subjects: [{type: user, id: "*"}, {type: group, id: G}, {type: email_domain, id: Acme.COM}, {type: sso_connection, id: C}, {type: sso_group, connection: C, id: "E/*?"}, {type: sso_group, connection: C, id: E}]`,
			want: policy.Binding{Scope: "*", Subjects: []policy.Key{
				{Type: "user", ID: "*"},
				{Type: "group", ID: "G"},
				{Type: "email_domain", ID: "acme.com"},
				{Type: "sso_connection", ID: "C"},
				{}, // a star that does not stand alone
				{Type: "sso_group", Connection: "C", ID: "E"},
			}},
			invalid: true,
		},
		"a subject that cannot be is nobody, and the others stay": {
			spec:    `roles: [r], scope: "*", subjects: [{type: group, id: "*"}, {type: user, connection: c, id: u}, {type: email_domain, id: "a@b"}, {type: user, id: u}]`,
			want:    policy.Binding{Scope: "*", Subjects: []policy.Key{{}, {}, {}, {Type: "user", ID: "u"}}},
			invalid: true,
		},
		"without a scope the roles are held everywhere for Deny only": {
			spec: `roles: [r], subjects: [{type: user, id: u}], condition: context.mfa`, invalid: true,
			want: policy.Binding{Subjects: user, Scope: "*", Gate: failing},
		},
		"a malformed scope is no scope": {
			spec: head + `scope: "org:acme/"`, invalid: true,
			want: policy.Binding{Subjects: user, Scope: "*", Gate: failing},
		},
		"an unusable instance leaves no limit, for Deny only": {
			spec: head + `scope: "s", resources: [{type: doc, id: a}, {type: doc, id: "*"}]`, invalid: true,
			want: policy.Binding{Subjects: user, Scope: "s", Gate: failing},
		},
		"an empty list of instances leaves no limit, for Deny only": {
			spec: head + `scope: "s", resources: []`, invalid: true,
			want: policy.Binding{Subjects: user, Scope: "s", Gate: failing},
		},
		"a validity that ends before it begins is none, for Deny only": {
			spec: head + `scope: "s", notBefore: "2026-02-01T00:00:00Z", notAfter: "2026-01-01T00:00:00Z"`, invalid: true,
			want: policy.Binding{Subjects: user, Scope: "s", Gate: failing},
		},
		"a validity of no time is none, for Deny only": {
			spec: head + `scope: "s", notBefore: "2026-01-01T00:00:00Z", notAfter: "2026-01-01T00:00:00Z"`, invalid: true,
			want: policy.Binding{Subjects: user, Scope: "s", Gate: failing},
		},
		"the first of all moments is an end, not the lack of one": {
			spec: head + `scope: "s", notAfter: "0001-01-01T00:00:00Z"`,
			want: policy.Binding{Subjects: user, Scope: "s", NotAfter: time.Time{}.Add(1)},
		},
		"a gate that does not compile fails": {
			spec: head + `scope: "s", condition: "((("`, invalid: true,
			want: policy.Binding{Subjects: user, Scope: "s", Gate: failing},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			o := object(t, `{kind: RoleBinding, metadata: {name: thing}, spec: {`+tt.spec+`}}`)
			got, faults := newCompiler(t).RoleBinding(o.(*v1alpha1.RoleBinding))
			tt.want.Name, tt.want.Roles = "thing", []string{"r"}
			if diff := cmp.Diff(&tt.want, got, programs); diff != "" {
				t.Error(diff)
			}
			checkInvalid(t, faults, tt.invalid)
		})
	}
}

func checkInvalid(t *testing.T, faults diag.List, want bool) {
	t.Helper()
	if got := len(faults.Errors(diag.Accepted)) > 0; got != want {
		t.Errorf("faults = %v, want some: %t", faults, want)
	}
}

func TestMeta(t *testing.T) {
	created := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	o := &v1alpha1.Role{ObjectMeta: metav1.ObjectMeta{
		Name: "r", CreationTimestamp: metav1.NewTime(created), DeletionTimestamp: &metav1.Time{Time: created},
	}}
	got, _ := newCompiler(t).Role(o)
	if diff := cmp.Diff(policy.Meta{Name: "r", Created: created, Deleting: true}, got.Meta); diff != "" {
		t.Error(diff)
	}
}

// TestCompilingLeavesTheObjectAlone: the object is another's, and the unit must
// not change with it.
func TestCompilingLeavesTheObjectAlone(t *testing.T) {
	c := newCompiler(t)
	for _, path := range []string{"testdata/role.yaml", "testdata/rolebinding.yaml", "testdata/resource.yaml"} {
		for _, o := range readObjects(t, path) {
			switch o := o.(type) {
			case *v1alpha1.Role:
				before := o.DeepCopy()
				unit, first := c.Role(o)
				again, second := c.Role(before)
				for i := range o.Spec.Permissions {
					o.Spec.Permissions[i].Actions = append(o.Spec.Permissions[i].Actions[:0], "changed")
				}
				if diff := cmp.Diff(unit, again, programs) + cmp.Diff(first, second); diff != "" {
					t.Errorf("%s: %s", o.Name, diff)
				}
			case *v1alpha1.RoleBinding:
				before := o.DeepCopy()
				c.RoleBinding(o)
				if diff := cmp.Diff(before, o); diff != "" {
					t.Errorf("%s: %s", o.Name, diff)
				}
			case *v1alpha1.Resource:
				before := o.DeepCopy()
				c.Resource(o)
				if diff := cmp.Diff(before, o); diff != "" {
					t.Errorf("%s: %s", o.Name, diff)
				}
			}
		}
	}
}
