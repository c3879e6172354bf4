// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/policy"
)

// dependentPriority is that of objects which another object's change concerns:
// before what the first list brings, after what people have just changed, so
// that one Role with a million bindings keeps nobody waiting.
const dependentPriority = handler.LowPriority / 2

// A dependents function returns the objects that name, or share the id of, an
// object. They are found by an index in the object's namespace.
type dependents func(ctx context.Context, l lookup, o client.Object) ([]reconcile.Request, error)

// A difference says whether a change of an object concerns its dependents.
type difference func(before, after client.Object) bool

// fanOut returns the handler that asks again what depends on an object: when it
// comes, when it goes, and when it changes in a way that concerns them. The
// objects of the first list are left out: whatever depends on them is in the
// first list of its own kind, and the work begins when all kinds have been
// listed.
func (s *starter) fanOut(of dependents, concerns difference) handler.EventHandler {
	add := func(ctx context.Context, q queue, o client.Object) {
		requests, err := of(ctx, lookup{client: s.mgr.GetClient(), namespace: o.GetNamespace()}, o)
		if err != nil {
			logMissed(ctx, o, err)
		}
		later(q, requests)
	}
	return handler.Funcs{
		CreateFunc: func(ctx context.Context, e event.CreateEvent, q queue) {
			if !e.IsInInitialList {
				add(ctx, q, e.Object)
			}
		},
		UpdateFunc: func(ctx context.Context, e event.UpdateEvent, q queue) {
			// Another UID is another object: the watch was away when one went
			// and the next one came.
			if e.ObjectOld.GetUID() != e.ObjectNew.GetUID() {
				add(ctx, q, e.ObjectOld)
				add(ctx, q, e.ObjectNew)
			} else if concerns(e.ObjectOld, e.ObjectNew) {
				add(ctx, q, e.ObjectNew) // it is still called the same: ids are immutable
			}
		},
		DeleteFunc: func(ctx context.Context, e event.DeleteEvent, q queue) { add(ctx, q, e.Object) },
	}
}

// logMissed says that the status of what depends on an object may be behind. A
// handler has nobody to return an error to; the cache is in memory, so there is
// none unless the process is ending.
func logMissed(ctx context.Context, o client.Object, err error) {
	log.FromContext(ctx).Error(err, "find what depends on an object", "namespace", o.GetNamespace(), "name", o.GetName())
}

type queue = workqueue.TypedRateLimitingInterface[reconcile.Request]

func later(q queue, requests []reconcile.Request) {
	priority := dependentPriority
	if pq, ok := q.(priorityqueue.PriorityQueue[reconcile.Request]); ok {
		pq.AddWithOpts(priorityqueue.AddOpts{Priority: &priority}, requests...)
		return
	}
	for _, r := range requests {
		q.Add(r)
	}
}

// comesOrGoes concerns those to whom it only matters that the object is there.
func comesOrGoes(client.Object, client.Object) bool { return false }

// declaresOtherwise concerns those who name a Resource's actions, or whose
// conditions are to fit its schema.
func declaresOtherwise(before, after client.Object) bool {
	b, isResource := before.(*v1alpha1.Resource)
	a, stillIs := after.(*v1alpha1.Resource)
	return !isResource || !stillIs || fitsOtherwise(before, after) ||
		!slices.EqualFunc(b.Spec.Actions, a.Spec.Actions, func(b, a v1alpha1.ResourceAction) bool { return b.Name == a.Name })
}

// fitsOtherwise concerns those whose conditions are to fit a Resource's schema.
func fitsOtherwise(before, after client.Object) bool {
	b, isResource := before.(*v1alpha1.Resource)
	a, stillIs := after.(*v1alpha1.Resource)
	return !isResource || !stillIs || !equality.Semantic.DeepEqual(b.Spec.Schema, a.Spec.Schema)
}

// inheritsOtherwise concerns those who may be in a cycle with a Role.
func inheritsOtherwise(before, after client.Object) bool {
	b, isRole := before.(*v1alpha1.Role)
	a, stillIs := after.(*v1alpha1.Role)
	return !isRole || !stillIs || !slices.Equal(b.Spec.Inherits, a.Spec.Inherits)
}

// resourceClaimants returns the Resources that claim the type of a Resource.
func resourceClaimants(ctx context.Context, l lookup, o client.Object) ([]reconcile.Request, error) {
	claimants, err := l.resourcesOf(ctx, v1alpha1.IDOf(o))
	return requests(claimants), err
}

// roleClaimants returns the Roles that claim the id of a Role.
func roleClaimants(ctx context.Context, l lookup, o client.Object) ([]reconcile.Request, error) {
	claimants, err := l.rolesOf(ctx, v1alpha1.IDOf(o))
	return requests(claimants), err
}

// rolesNamingType returns the Roles whose permissions name the type of a
// Resource, or match it by a pattern.
func rolesNamingType(ctx context.Context, l lookup, o client.Object) ([]reconcile.Request, error) {
	var named, matching v1alpha1.RoleList
	if err := l.find(ctx, &named, byType, v1alpha1.IDOf(o)); err != nil {
		return nil, err
	}
	if err := l.find(ctx, &matching, byType, anyPattern); err != nil {
		return nil, err
	}
	matching.Items = slices.DeleteFunc(matching.Items, func(r v1alpha1.Role) bool { return !matches(&r, v1alpha1.IDOf(o)) })
	return requests(append(named.Items, matching.Items...)), nil
}

func matches(r *v1alpha1.Role, typ string) bool {
	return slices.ContainsFunc(r.Spec.Permissions, func(p v1alpha1.Permission) bool {
		return policy.Match(string(p.Resource), typ)
	})
}

// inheritors returns the Roles that inherit a Role, directly or through others:
// all that may be in a cycle with it.
func inheritors(ctx context.Context, l lookup, o client.Object) ([]reconcile.Request, error) {
	return upwards(v1alpha1.IDOf(o), func(id string, reached *set) ([]reconcile.Request, error) {
		var list v1alpha1.RoleList
		err := l.find(ctx, &list, byInherits, id)
		for i := range list.Items {
			reached.add(list.Items[i].RoleID())
		}
		return requests(list.Items), err
	})
}

// upwards goes from an id to the objects that name it, and from their ids, which
// next adds to what is reached, further on.
func upwards(id string, next func(id string, reached *set) ([]reconcile.Request, error)) ([]reconcile.Request, error) {
	var reached set
	var found []reconcile.Request
	reached.add(id)
	for i := 0; i < len(reached.members); i++ {
		more, err := next(reached.members[i], &reached)
		if err != nil {
			return found, err
		}
		found = append(found, more...)
	}
	return found, nil
}

// bindingsOfRole returns the RoleBindings that name the id of a Role.
func bindingsOfRole(ctx context.Context, l lookup, o client.Object) ([]reconcile.Request, error) {
	var list v1alpha1.RoleBindingList
	err := l.find(ctx, &list, byRole, v1alpha1.IDOf(o))
	return requests(list.Items), err
}

// bindingsNamingType returns the RoleBindings whose resources or subjects are of
// the type of a Resource.
func bindingsNamingType(ctx context.Context, l lookup, o client.Object) ([]reconcile.Request, error) {
	var list v1alpha1.RoleBindingList
	err := l.find(ctx, &list, byType, v1alpha1.IDOf(o))
	return requests(list.Items), err
}

func requests[T any, P object[T]](objects []T) []reconcile.Request {
	rs := make([]reconcile.Request, len(objects))
	for i := range objects {
		rs[i].NamespacedName = client.ObjectKeyFromObject(P(&objects[i]))
	}
	return rs
}
