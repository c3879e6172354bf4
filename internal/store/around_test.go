// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/policy"
	"github.com/rolecall/rolecall/internal/store"
)

func TestAround(t *testing.T) {
	s, published := start(t, func(o *store.Options) { o.Namespaces = []string{"app"} })
	if _, err := s.Around("app", store.KindRole, "reader"); !errors.Is(err, authz.ErrNotReady) {
		t.Errorf("before the first list: error %v", err)
	}
	var lists []store.List
	for _, p := range store.Partitions([]string{"app"}) {
		lists = append(lists, store.List{Partition: p})
	}
	s.Replace(lists...)
	<-published
	if _, err := s.Around("elsewhere", store.KindRole, "reader"); !errors.Is(err, authz.ErrUnknownNamespace) {
		t.Errorf("a namespace that is not served: error %v", err)
	}
	around := func(kind store.Kind, id string) *store.Around {
		t.Helper()
		a, err := s.Around("app", kind, id)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	if a := around(store.KindRole, "reader"); a.Bound || len(a.Resources)+len(a.Roles)+len(a.Claimants) > 0 || a.Vocabulary.HasRole("reader") {
		t.Errorf("around nothing: %+v", a)
	}

	resource, role, binding := objects()
	group := &v1alpha1.Group{ObjectMeta: meta("team"), Spec: v1alpha1.GroupSpec{
		ID: "Team:a", Members: []v1alpha1.Subject{{Type: "user", ID: "jane"}, {Type: "group", ID: "interns"}},
	}}
	s.Put(role)
	<-published
	if a := around(store.KindRole, "reader"); a.Bound || len(a.Roles) != 1 || !a.Vocabulary.HasRole("reader") {
		t.Errorf("around a role that nobody has: %+v", a)
	}
	s.Put(binding)
	<-published
	s.Put(resource)
	<-published
	s.Put(group)
	<-published
	a := around(store.KindRole, "reader")
	if !a.Bound || len(a.Resources) != 1 {
		t.Errorf("around a role that is bound: %+v", a)
	}
	if diff := cmp.Diff([]policy.Meta{{Name: "reader"}}, a.Claimants); diff != "" {
		t.Errorf("claimants (-want +got):\n%s", diff)
	}
	a = around(store.KindGroup, "Team:a")
	if diff := cmp.Diff(map[string][]string{"Team:a": {"interns"}}, a.Nested); diff != "" {
		t.Errorf("nested groups (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]policy.Meta{{Name: "team"}}, a.Claimants); diff != "" {
		t.Errorf("claimants (-want +got):\n%s", diff)
	}
	if a := around(store.KindResource, "document"); len(a.Claimants) != 1 {
		t.Errorf("claimants of a type: %v", a.Claimants)
	}

	s.Delete(store.KindRole, "app", "reader")
	<-published
	if !around(store.KindRole, "reader").Bound {
		t.Error("a role that is bound is not, because it is not there")
	}
	s.Delete(store.KindRoleBinding, "app", binding.GetName())
	<-published
	if around(store.KindRole, "reader").Bound {
		t.Error("a role is still bound")
	}
}
