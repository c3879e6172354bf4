// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"slices"
	"sync"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/compile"
	"github.com/rolecall/rolecall/internal/policy"
	"github.com/rolecall/rolecall/internal/routing"
)

// tables keeps the routes of each namespace as the data path has them, because each
// Resource with routes is judged by those of all others. It is safe for concurrent
// use.
type tables struct {
	mu     sync.Mutex
	tables map[string]*routing.Table
	// outdated counts, by namespace, how often the routes have changed: a table that
	// was made meanwhile may be one of before.
	outdated map[string]int
}

func newTables() *tables {
	return &tables{tables: map[string]*routing.Table{}, outdated: map[string]int{}}
}

// of returns the table of a namespace.
func (t *tables) of(ctx context.Context, l lookup) (*routing.Table, error) {
	t.mu.Lock()
	table, version := t.tables[l.namespace], t.outdated[l.namespace]
	t.mu.Unlock()
	if table != nil {
		return table, nil
	}
	var list v1alpha1.ResourceList
	if err := l.list(ctx, &list); err != nil {
		return nil, err
	}
	units := make([]*policy.Resource, len(list.Items))
	for i := range list.Items {
		units[i] = compile.Routes(&list.Items[i])
	}
	table = policy.Routes(slices.Values(units))
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.outdated[l.namespace] == version {
		t.tables[l.namespace] = table
	}
	return table, nil
}

func (t *tables) drop(namespace string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.outdated[namespace]++
	delete(t.tables, namespace)
}

// fanOut returns a handler that drops the table of a namespace whose routes have
// changed before it asks again what depends on them.
func (t *tables) fanOut(next handler.EventHandler) handler.EventHandler {
	return handler.Funcs{
		CreateFunc: func(ctx context.Context, e event.CreateEvent, q queue) {
			t.drop(e.Object.GetNamespace())
			next.Create(ctx, e, q)
		},
		UpdateFunc: func(ctx context.Context, e event.UpdateEvent, q queue) {
			if e.ObjectOld.GetUID() != e.ObjectNew.GetUID() || routesOtherwise(e.ObjectOld, e.ObjectNew) {
				t.drop(e.ObjectNew.GetNamespace())
			}
			next.Update(ctx, e, q)
		},
		DeleteFunc: func(ctx context.Context, e event.DeleteEvent, q queue) {
			t.drop(e.Object.GetNamespace())
			next.Delete(ctx, e, q)
		},
	}
}

// routesOtherwise concerns those whose routes may share requests with a Resource's.
func routesOtherwise(before, after client.Object) bool {
	b, isResource := before.(*v1alpha1.Resource)
	a, stillIs := after.(*v1alpha1.Resource)
	return !isResource || !stillIs || !slices.Equal(b.Spec.Routes, a.Spec.Routes)
}

// routed returns the Resources with routes.
func routed(ctx context.Context, l lookup, _ client.Object) ([]reconcile.Request, error) {
	var list v1alpha1.ResourceList
	err := l.find(ctx, &list, byRoutes, hasRoutes)
	return requests(list.Items), err
}

// hasRoutes is the key, in byRoutes, of Resources that have some.
const hasRoutes = "yes"

func routesKey(r *v1alpha1.Resource) []string {
	if len(r.Spec.Routes) == 0 {
		return nil
	}
	return []string{hasRoutes}
}
