// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"math"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/rolecall/rolecall/api/v1alpha1"
)

// recount is how long a Role's count of bindings may be behind. Many bindings
// often come at once, and each new count is a write.
const recount = time.Second

// tally counts the RoleBindings that name a role id: an index that holds numbers
// instead of objects, because a role may have a million bindings and to list
// them at each event would be quadratic. It is safe for concurrent use.
type tally struct {
	mu sync.RWMutex
	n  map[types.NamespacedName]int // by namespace and role id
}

func newTally() *tally {
	return &tally{n: map[types.NamespacedName]int{}}
}

// count returns how many RoleBindings of a namespace name the role id.
func (t *tally) count(namespace, id string) int32 {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return int32(min(t.n[types.NamespacedName{Namespace: namespace, Name: id}], math.MaxInt32))
}

// add counts the roles of a binding, n times.
func (t *tally) add(b *v1alpha1.RoleBinding, n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, id := range texts(b.Spec.Roles) {
		key := types.NamespacedName{Namespace: b.Namespace, Name: id}
		t.n[key] += n
		if t.n[key] == 0 {
			delete(t.n, key)
		}
	}
}

// count returns the handler that keeps the tally and asks for the Roles whose
// count has changed. Both in one, so that no Role is asked for before its
// binding has been counted.
func (s *starter) count(t *tally) handler.TypedEventHandler[*v1alpha1.RoleBinding, reconcile.Request] {
	soon := func(ctx context.Context, q queue, b *v1alpha1.RoleBinding) {
		l := lookup{client: s.mgr.GetClient(), namespace: b.Namespace}
		for _, id := range texts(b.Spec.Roles) {
			claimants, err := l.rolesOf(ctx, id)
			if err != nil {
				logMissed(ctx, b, err)
			}
			for _, r := range requests(claimants) {
				q.AddAfter(r, recount)
			}
		}
	}
	return handler.TypedFuncs[*v1alpha1.RoleBinding, reconcile.Request]{
		CreateFunc: func(ctx context.Context, e event.TypedCreateEvent[*v1alpha1.RoleBinding], q queue) {
			t.add(e.Object, 1)
			if !e.IsInInitialList {
				soon(ctx, q, e.Object)
			}
		},
		UpdateFunc: func(ctx context.Context, e event.TypedUpdateEvent[*v1alpha1.RoleBinding], q queue) {
			if slices.Equal(e.ObjectOld.Spec.Roles, e.ObjectNew.Spec.Roles) {
				return
			}
			t.add(e.ObjectOld, -1)
			t.add(e.ObjectNew, 1)
			soon(ctx, q, e.ObjectOld)
			soon(ctx, q, e.ObjectNew)
		},
		DeleteFunc: func(ctx context.Context, e event.TypedDeleteEvent[*v1alpha1.RoleBinding], q queue) {
			t.add(e.Object, -1)
			soon(ctx, q, e.Object)
		},
	}
}
