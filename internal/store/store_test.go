// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/compile"
	"github.com/rolecall/rolecall/internal/expr"
	"github.com/rolecall/rolecall/internal/store"
)

// observer hands every publication to the test.
type observer chan store.Info

func (o observer) Published(info store.Info, _ time.Duration) { o <- info }

// start runs a store and returns it with the publications that it makes.
func start(t *testing.T, change func(*store.Options)) (*store.Store, observer) {
	t.Helper()
	env, err := expr.NewEnv()
	if err != nil {
		t.Fatal(err)
	}
	published := make(observer, 100)
	o := store.Options{Compiler: compile.New(env), Now: time.Now, Observer: published}
	if change != nil {
		change(&o)
	}
	s := store.New(o)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return s, published
}

func meta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: "app", Name: name, UID: types.UID("uid-" + name), Generation: 1}
}

func objects() (resource, role, binding metav1.Object) {
	return &v1alpha1.Resource{ObjectMeta: meta("document"), Spec: v1alpha1.ResourceSpec{
			Actions: []v1alpha1.ResourceAction{{Name: "read"}},
		}},
		&v1alpha1.Role{ObjectMeta: meta("reader"), Spec: v1alpha1.RoleSpec{
			Permissions: []v1alpha1.Permission{{Resource: "document", Actions: []v1alpha1.Pattern{"read"}}},
		}},
		&v1alpha1.RoleBinding{ObjectMeta: meta("readers"), Spec: v1alpha1.RoleBindingSpec{
			Roles: []v1alpha1.ID{"reader"}, Scope: "*",
			Subjects: []v1alpha1.Subject{{Type: "user", ID: "alice"}},
		}}
}

func lists(objs ...metav1.Object) []store.List {
	var ls []store.List
	for _, p := range store.Partitions(nil) {
		ls = append(ls, store.List{Partition: p})
	}
	for _, o := range objs {
		switch o.(type) {
		case *v1alpha1.Resource:
			ls[0].Objects = append(ls[0].Objects, o)
		case *v1alpha1.Role:
			ls[1].Objects = append(ls[1].Objects, o)
		case *v1alpha1.RoleBinding:
			ls[2].Objects = append(ls[2].Objects, o)
		case *v1alpha1.Group:
			ls[3].Objects = append(ls[3].Objects, o)
		}
	}
	return ls
}

func decide(t *testing.T, s *store.Store) authz.Reason {
	t.Helper()
	c, err := s.Checker()
	if err != nil {
		t.Fatal(err)
	}
	var d authz.Decision
	err = c.Check(&authz.Request{
		Namespace: "app", Time: time.Now(),
		Subject:  authz.Subject{Type: "user", ID: "alice"},
		Action:   authz.Action{Name: "read"},
		Resource: authz.Resource{Type: "document", ID: "1"},
	}, &d)
	if err != nil {
		t.Fatal(err)
	}
	return d.Reason
}

func TestNotReadyUntilEveryPartitionIsListed(t *testing.T) {
	s, published := start(t, nil)
	resource, role, binding := objects()
	ls := lists(resource, role, binding)
	s.Put(binding)
	s.Replace(ls[0])
	s.Replace(ls[1])
	s.Replace(ls[3])
	if _, err := s.Checker(); !errors.Is(err, authz.ErrNotReady) {
		t.Errorf("before the last list: error %v, want ErrNotReady", err)
	}
	s.Replace(ls[2])
	info := <-published
	want := map[store.Kind]int{store.KindResource: 1, store.KindRole: 1, store.KindRoleBinding: 1, store.KindGroup: 0}
	if diff := cmp.Diff(want, info.Objects); diff != "" || !info.Ready {
		t.Errorf("ready %v, objects (-want +got):\n%s", info.Ready, diff)
	}
	if got := decide(t, s); got != authz.ReasonGranted {
		t.Errorf("decision %v, want Granted", got)
	}
}

func TestAnEmptyClusterIsReady(t *testing.T) {
	s, published := start(t, nil)
	s.Replace(lists()...)
	<-published
	if got := decide(t, s); got != authz.ReasonUnknownResource {
		t.Errorf("decision %v, want UnknownResource", got)
	}
}

func TestEveryChangeIsSeen(t *testing.T) {
	s, published := start(t, nil)
	resource, role, binding := objects()
	s.Replace(lists(resource, role, binding)...)
	first := <-published

	s.Delete(store.KindRoleBinding, "app", "readers")
	<-published
	if got := decide(t, s); got != authz.ReasonNoRole {
		t.Errorf("without the binding: %v, want NoRole", got)
	}
	s.Put(binding)
	if again := <-published; again.Revision != first.Revision {
		t.Errorf("the same objects have revisions %s and %s", first.Revision, again.Revision)
	}
	s.Replace(lists(resource, binding)...)
	<-published
	if got := decide(t, s); got != authz.ReasonNoRole {
		t.Errorf("a list without the role: %v, want NoRole", got)
	}
}

// TestWhatChangesNothingIsNotPublished covers the events that writing status
// makes: the same object with the same generation.
func TestWhatChangesNothingIsNotPublished(t *testing.T) {
	s, published := start(t, nil)
	resource, role, binding := objects()
	s.Replace(lists(resource, role, binding)...)
	first := <-published
	s.Put(role)
	s.Delete(store.KindRole, "app", "nobody")
	edited := role.(*v1alpha1.Role).DeepCopy()
	edited.Generation++
	edited.Spec.Permissions = nil
	s.Put(edited)
	if next := <-published; next.Revision == first.Revision || len(published) > 0 {
		t.Error("an event that changes nothing was published")
	}
	if got := decide(t, s); got != authz.ReasonNoPermission {
		t.Errorf("after the edit: %v, want NoPermission", got)
	}
}

func TestFaultsAreCountedAndHeal(t *testing.T) {
	s, published := start(t, nil)
	resource, role, binding := objects()
	rival := role.(*v1alpha1.Role).DeepCopy()
	rival.Name, rival.UID = "rival", "uid-rival"
	rival.Spec.ID = "reader"
	rival.Spec.Permissions[0].Condition = "1 +"
	s.Replace(lists(role, binding, rival)...)
	want := map[string]int{
		v1alpha1.ReasonResourceNotFound: 2, v1alpha1.ReasonConflicted: 1, v1alpha1.ReasonInvalidCondition: 1,
	}
	if diff := cmp.Diff(want, (<-published).Faults); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
	s.Put(resource)
	<-published
	s.Delete(store.KindRole, "app", "rival")
	if got := (<-published).Faults; len(got) != 0 {
		t.Errorf("faults %v remain", got)
	}
}

func TestTooOldIsNotReady(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	clock := make(chan time.Time, 1)
	clock <- now
	read := func() time.Time {
		t := <-clock
		clock <- t
		return t
	}
	s, published := start(t, func(o *store.Options) { o.Now, o.MaxAge = read, time.Minute })
	s.Touch()
	s.Replace(lists()...)
	<-published
	<-clock
	clock <- now.Add(2 * time.Minute)
	resource, _, _ := objects()
	s.Put(resource) // is no contact with the other kinds
	<-published
	if _, err := s.Checker(); !errors.Is(err, authz.ErrNotReady) {
		t.Errorf("error %v, want ErrNotReady", err)
	}
	s.Touch()
	if _, err := s.Checker(); err != nil {
		t.Errorf("after contact: %v", err)
	}
}
