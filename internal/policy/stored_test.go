// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/policy"
)

func knowing(r *policy.Resource, instances map[string]map[string]any) *policy.Resource {
	known := *r
	known.Instances = policy.NewInstances(instances)
	return &known
}

// TestInstancesLinkNothing: a type that is declared as before, with other
// instances, costs a look at the type and judges no role.
func TestInstancesLinkNothing(t *testing.T) {
	l := policy.NewLinker()
	var roles []*policy.Role
	for i := range 50 {
		roles = append(roles, reader(fmt.Sprint("r", i)))
		l.ReplaceRole(nil, roles[i])
	}
	before := document[0]
	l.ReplaceResource(nil, before)
	if v, judged := l.Link(); len(judged) != len(roles) || v.Instances(before.Type).IDs() != nil {
		t.Fatalf("%d roles judged and instances %v before there are any", len(judged), v.Instances(before.Type).IDs())
	}
	for _, want := range [][]string{{"a", "b"}, {"c"}, nil} {
		instances := map[string]map[string]any{}
		for _, id := range want {
			instances[id] = map[string]any{"owner": id}
		}
		after := knowing(before, instances)
		l.ReplaceResource(before, after)
		v, judged := l.Link()
		if got := v.Instances(before.Type).IDs(); !slices.Equal(got, want) {
			t.Errorf("instances %v, want %v", got, want)
		}
		if len(judged) > 0 {
			t.Errorf("%d roles are judged anew", len(judged))
		}
		if actions, declared := v.Actions(before.Type); !declared || !slices.Equal(actions, before.Actions) {
			t.Errorf("actions %v, want %v", actions, before.Actions)
		}
		before = after
	}
}

// TestInstancesFollowTheOwner: who claims a type later, or owns it no more, says
// nothing of its instances.
func TestInstancesFollowTheOwner(t *testing.T) {
	claim := func(name string, ids ...string) *policy.Resource {
		instances := map[string]map[string]any{}
		for _, id := range ids {
			instances[id] = nil
		}
		r := knowing(document[0], instances)
		r.Name = name
		return r
	}
	l := policy.NewLinker()
	check := func(when string, want ...string) {
		t.Helper()
		v, _ := l.Link()
		if got := v.Instances(document[0].Type).IDs(); !slices.Equal(got, want) {
			t.Errorf("%s: instances %v, want %v", when, got, want)
		}
	}
	a, b, c := claim("a", "of-a"), claim("b", "of-b"), claim("c")
	l.ReplaceResource(nil, b)
	check("one", "of-b")
	l.ReplaceResource(nil, c)
	check("a later claim", "of-b")
	l.ReplaceResource(nil, a)
	check("an earlier claim", "of-a")
	other := claim("b", "other")
	l.ReplaceResource(b, other)
	check("another claims otherwise", "of-a")
	l.ReplaceResource(a, nil)
	check("the owner is gone", "other")
	l.ReplaceResource(other, nil)
	check("the owner knows none")
	l.ReplaceResource(c, nil)
	check("nobody claims it")
}

// TestStoredPropertiesAreNotChanged: what one check merges, no other sees.
func TestStoredPropertiesAreNotChanged(t *testing.T) {
	stored := map[string]any{"owner": "alice"}
	s := storing(t, stored)
	r := ask("alice", "read")
	for _, tt := range []struct {
		stated map[string]any
		want   authz.Reason
	}{
		{map[string]any{"owner": "bob", "more": 1.0}, authz.ReasonConditionFalse},
		{nil, authz.ReasonGranted},
		{map[string]any{"more": 1.0}, authz.ReasonGranted},
		{map[string]any{}, authz.ReasonGranted},
	} {
		r.Resource.Properties = tt.stated
		var d authz.Decision
		if err := s.Check(r, &d); err != nil || d.Reason != tt.want {
			t.Errorf("stated %v: %v, %v, want %v", tt.stated, d.Reason, err, tt.want)
		}
	}
	if len(stored) != 1 || stored["owner"] != "alice" {
		t.Errorf("stored is now %v", stored)
	}
}

// storing is a policy by which the stored or stated owner of a document reads it.
func storing(t testing.TB, stored map[string]any) *policy.Snapshot {
	t.Helper()
	owner := reader("owner")
	owner.Permissions[0].Condition = program(t, "resource.properties.owner == subject.id")
	return snapshot(t, []*policy.Resource{knowing(document[0], map[string]map[string]any{"d1": stored})},
		[]*policy.Role{owner}, bind("b", "alice", "owner"))
}
