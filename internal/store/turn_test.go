// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/store"
)

// publishers notes for each publication whether it was made by whoever called Put or
// Delete.
type publishers chan bool

func (p publishers) Published(store.Info, time.Duration) {
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs)])
	for {
		frame, more := frames.Next()
		if strings.HasSuffix(frame.Function, "(*Store).Put") || strings.HasSuffix(frame.Function, "(*Store).Delete") {
			p <- true
			return
		}
		if !more {
			p <- false
			return
		}
	}
}

// A lone RoleBinding is in force when Put returns, and out of it when Delete does. The
// writer may still have its turn after it has published, so that it takes some changes
// in place of the caller.
func TestALoneBindingIsInForceWhenPutReturns(t *testing.T) {
	published := make(publishers, 1)
	s, _ := start(t, func(o *store.Options) { o.Observer = published })
	resource, role, binding := objects()
	s.Replace(lists(resource, role)...)
	<-published
	deleted, put := 0, 0
	for range 10_000 {
		s.Put(binding)
		if <-published {
			put++
			if got := decide(t, s); got != authz.ReasonGranted {
				t.Fatalf("after Put: %s, want %s", got, authz.ReasonGranted)
			}
		}
		s.Delete(store.KindRoleBinding, "app", binding.GetName())
		if <-published {
			deleted++
			if got := decide(t, s); got != authz.ReasonNoRole {
				t.Fatalf("after Delete: %s, want %s", got, authz.ReasonNoRole)
			}
		}
		if deleted > 0 && put > 0 {
			return
		}
	}
	t.Errorf("the callers have published %d puts and %d deletions of 10000, want some of each", put, deleted)
}

// Roles are left to the writer: linking them takes longer than a source may be kept
// from reading.
func TestARoleIsPublishedByTheWriter(t *testing.T) {
	published := make(publishers, 1)
	s, _ := start(t, func(o *store.Options) { o.Observer = published })
	resource, role, binding := objects()
	s.Replace(lists(resource, binding)...)
	<-published
	for generation := range int64(100) {
		role := *role.(*v1alpha1.Role)
		role.Generation = generation + 2
		s.Put(&role)
		if <-published {
			t.Fatal("the caller of Put has published a Role")
		}
	}
}

// Whoever publishes, what was said first comes first: what is in force in the end is
// what each source said last.
func TestNothingOvertakes(t *testing.T) {
	const sources, versions = 4, 300
	s, _ := start(t, func(o *store.Options) { o.Observer = nil })
	s.Replace(lists()...)
	var all sync.WaitGroup
	for source := range sources {
		all.Go(func() {
			for version := range versions {
				for _, obj := range said(source, version) {
					s.Put(obj)
				}
			}
		})
	}
	all.Wait()
	var last []metav1.Object
	for source := range sources {
		last = append(last, said(source, versions-1)...)
	}
	fresh, published := start(t, nil)
	fresh.Replace(lists(last...)...)
	want := (<-published).Revision
	deadline := time.Now().Add(time.Minute)
	for s.Info().Revision != want {
		if time.Now().After(deadline) {
			t.Fatalf("revision %s a minute after the last change, want %s", s.Info().Revision, want)
		}
		runtime.Gosched()
	}
}

// said is what a source says in one version: twice the same RoleBinding, and between
// them, now and then, a Role, for which the second has to wait.
func said(source, version int) []metav1.Object {
	_, r, b := objects()
	name := fmt.Sprintf("source-%d", source)
	binding := func(generation int) metav1.Object {
		o := b.(*v1alpha1.RoleBinding).DeepCopy()
		o.ObjectMeta = meta(name)
		o.Generation = int64(generation)
		return o
	}
	objs := []metav1.Object{binding(2*version + 1)}
	if version%10 == 9 {
		role := r.(*v1alpha1.Role).DeepCopy()
		role.ObjectMeta = meta(name)
		role.Generation = int64(version)
		objs = append(objs, role)
	}
	return append(objs, binding(2*version+2))
}
