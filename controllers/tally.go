// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"math"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/rolecall/rolecall/api/v1alpha1"
)

const (
	// recountAfter is how long a Role's bindings must have been left alone
	// before their new number is reported: many often come at once, and each
	// number is a write.
	recountAfter = time.Second
	// recountWithin is when the number is reported even so.
	recountWithin = time.Minute
)

// tally counts the RoleBindings that name a role id: an index that holds numbers
// instead of objects, because a role may have a million bindings and to list
// them at each event would be quadratic. It is safe for concurrent use.
//
// The number that is reported is that of a moment: it follows the count when
// that has come to rest. So a Role that is judged for another reason meanwhile
// costs no write.
type tally struct {
	now func() time.Time

	mu    sync.Mutex
	roles map[types.NamespacedName]*number // by namespace and role id
	moved map[types.NamespacedName]move    // those whose number is to be reported
}

// number is how many bindings there are, and how many are reported.
type number struct{ is, reported int }

// move says when a number has changed since it was reported: first and last.
type move struct{ first, last time.Time }

func newTally(now func() time.Time) *tally {
	return &tally{now: now, roles: map[types.NamespacedName]*number{}, moved: map[types.NamespacedName]move{}}
}

// count returns how many RoleBindings of a namespace name the role id.
func (t *tally) count(namespace, id string) int32 {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.roles[types.NamespacedName{Namespace: namespace, Name: id}]
	if n == nil {
		return 0
	}
	return int32(min(n.reported, math.MaxInt32))
}

// list counts a binding of the first list, which is reported from the start.
func (t *tally) list(b *v1alpha1.RoleBinding) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.each(b, func(_ types.NamespacedName, n *number) {
		n.is++
		n.reported++
	})
}

// add counts the roles of a binding, n times.
func (t *tally) add(b *v1alpha1.RoleBinding, n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	t.each(b, func(role types.NamespacedName, of *number) {
		of.is += n
		m, moving := t.moved[role]
		if !moving {
			m.first = now
		}
		m.last = now
		t.moved[role] = m
	})
}

func (t *tally) each(b *v1alpha1.RoleBinding, do func(types.NamespacedName, *number)) {
	for _, id := range texts(b.Spec.Roles) {
		role := types.NamespacedName{Namespace: b.Namespace, Name: id}
		n := t.roles[role]
		if n == nil {
			n = &number{}
			t.roles[role] = n
		}
		do(role, n)
	}
}

// settled returns the role ids whose numbers are to be reported now, and from
// now on count returns those.
func (t *tally) settled() []types.NamespacedName {
	t.mu.Lock()
	defer t.mu.Unlock()
	var roles []types.NamespacedName
	now := t.now()
	for role, m := range t.moved {
		if now.Sub(m.last) < recountAfter && now.Sub(m.first) < recountWithin {
			continue
		}
		delete(t.moved, role)
		n := t.roles[role]
		if n.is != n.reported {
			n.reported = n.is
			roles = append(roles, role)
		}
		if n.is == 0 {
			delete(t.roles, role)
		}
	}
	return roles
}

// handler returns what keeps the tally.
func (t *tally) handler() handler.TypedEventHandler[*v1alpha1.RoleBinding, reconcile.Request] {
	return handler.TypedFuncs[*v1alpha1.RoleBinding, reconcile.Request]{
		CreateFunc: func(_ context.Context, e event.TypedCreateEvent[*v1alpha1.RoleBinding], _ queue) {
			if e.IsInInitialList {
				t.list(e.Object)
			} else {
				t.add(e.Object, 1)
			}
		},
		UpdateFunc: func(_ context.Context, e event.TypedUpdateEvent[*v1alpha1.RoleBinding], _ queue) {
			if !slices.Equal(e.ObjectOld.Spec.Roles, e.ObjectNew.Spec.Roles) {
				t.add(e.ObjectOld, -1)
				t.add(e.ObjectNew, 1)
			}
		},
		DeleteFunc: func(_ context.Context, e event.TypedDeleteEvent[*v1alpha1.RoleBinding], _ queue) {
			t.add(e.Object, -1)
		},
	}
}

// recount returns the source that asks for the Roles whose number has come to
// rest.
func (s *starter) recount(t *tally) func(context.Context, queue) error {
	return func(ctx context.Context, q queue) error {
		go wait.UntilWithContext(ctx, func(ctx context.Context) {
			for _, role := range t.settled() {
				claimants, err := lookup{client: s.mgr.GetClient(), namespace: role.Namespace}.rolesOf(ctx, role.Name)
				if err != nil {
					log.FromContext(ctx).Error(err, "find the Roles whose count has changed", "namespace", role.Namespace, "id", role.Name)
				}
				later(q, requests(claimants))
			}
		}, recountAfter)
		return nil
	}
}
