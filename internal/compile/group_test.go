// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/policy"
)

func TestGroup(t *testing.T) {
	user := policy.Key{Type: "user", ID: "u"}
	tests := map[string]struct {
		spec    string
		want    policy.Group
		invalid bool
	}{
		"the id is the name unless it is given": {
			spec: `{members: [{type: user, id: u}]}`,
			want: policy.Group{ID: "thing", Members: []policy.Key{user}},
		},
		"a group without members is one of whom tokens state it": {
			spec: `{id: "Team:a"}`,
			want: policy.Group{ID: "Team:a"},
		},
		"every kind of member; a domain is folded, an id is not": {
			spec: `{members: [{type: user, id: "*"}, {type: group, id: G}, {type: email_domain, id: Acme.COM}, {type: sso_connection, id: C}, {type: sso_group, connection: C, id: E}, {type: service, id: S}]}`,
			want: policy.Group{ID: "thing", Members: []policy.Key{
				{Type: "user", ID: "*"},
				{Type: "group", ID: "G"},
				{Type: "email_domain", ID: "acme.com"},
				{Type: "sso_connection", ID: "C"},
				{Type: "sso_group", Connection: "C", ID: "E"},
				{Type: "service", ID: "S"},
			}},
		},
		"a member that cannot be is nobody, and the others stay": {
			spec: `{members: [{type: group, id: "*"}, {type: user, connection: c, id: u}, {type: "", id: u}, {type: user, id: u}]}`, invalid: true,
			want: policy.Group{ID: "thing", Members: []policy.Key{{}, {}, {}, user}},
		},
		"an unusable id leaves the Denies to the members": {
			spec: `{id: "a b", members: [{type: user, id: u}]}`, invalid: true,
			want: policy.Group{ID: "a b", DenyOnly: true, Members: []policy.Key{user}},
		},
		"a member that stands twice is one": {
			spec: `{members: [{type: user, id: u}, {type: user, id: u}]}`, invalid: true,
			want: policy.Group{ID: "thing", Members: []policy.Key{user, user}},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			o, ok := object(t, `{kind: Group, metadata: {name: thing}, spec: `+tt.spec+`}`).(*v1alpha1.Group)
			if !ok {
				t.Fatal("no Group")
			}
			before := o.DeepCopy()
			got, faults := newCompiler(t).Group(o)
			tt.want.Name = "thing"
			if diff := cmp.Diff(&tt.want, got); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(before, o); diff != "" {
				t.Errorf("the object has changed: %s", diff)
			}
			checkInvalid(t, faults, tt.invalid)
		})
	}
}
