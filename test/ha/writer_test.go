// SPDX-License-Identifier: Apache-2.0

//go:build kube

package ha

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/testkit"
)

// namespace is where the objects are.
const namespace = "shop"

// users are those whom bindings name; each has one at times.
const users = 6

// editEvery is the pause between two writes.
const editEvery = 15 * time.Millisecond

// writer is the only one who changes the objects, directly at the API server, and
// keeps the history of what it did.
type writer struct {
	client  client.Client
	history *history

	mu sync.Mutex // held during a write
	// bound are the bindings that there are, by user.
	bound map[int]*v1alpha1.RoleBinding
	role  *v1alpha1.Role
	turn  int
}

// begin writes what the changes start from.
func (w *writer) begin(t *testing.T) {
	t.Helper()
	resource := &v1alpha1.Resource{ObjectMeta: named("document"), Spec: v1alpha1.ResourceSpec{
		Actions: []v1alpha1.ResourceAction{{Name: "read"}, {Name: "update"}},
	}}
	w.role = &v1alpha1.Role{ObjectMeta: named("reader"), Spec: v1alpha1.RoleSpec{
		Permissions: []v1alpha1.Permission{{Resource: "document", Actions: []v1alpha1.Pattern{"read"}}},
	}}
	w.bound = map[int]*v1alpha1.RoleBinding{}
	for _, o := range []testkit.Object{resource, w.role} {
		if err := w.write(t.Context(), o, w.client.Create); err != nil {
			t.Fatal(err)
		}
	}
}

func named(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: namespace, Name: name} }

func userID(n int) string { return fmt.Sprint("user-", n) }

// write writes an object and notes it.
func (w *writer) write(ctx context.Context, o testkit.Object, how func(context.Context, client.Object, ...client.CreateOption) error) error {
	if err := how(ctx, o); err != nil {
		return err
	}
	return w.history.written(ctx, o.DeepCopyObject().(testkit.Object), false)
}

// run changes things until ctx ends. While the API server is away it waits.
func (w *writer) run(ctx context.Context, t *testing.T) {
	for ctx.Err() == nil {
		if err := w.edit(ctx); err != nil && ctx.Err() == nil {
			w.recover(ctx, t)
		}
		pause(ctx, editEvery)
	}
}

// edit makes the next change: most are of bindings.
func (w *writer) edit(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.turn++
	if w.turn%40 == 0 {
		return w.editRole(ctx)
	}
	user := w.turn * 7 % users
	if w.bound[user] != nil {
		return w.unbind(ctx, user)
	}
	return w.bind(ctx, user)
}

func (w *writer) editRole(ctx context.Context) error {
	next := w.role.DeepCopy()
	actions := []v1alpha1.Pattern{"read", "update"}
	if len(w.role.Spec.Permissions[0].Actions) == 2 {
		actions = actions[:1]
	}
	next.Spec.Permissions[0].Actions = actions
	if err := w.client.Patch(ctx, next, client.MergeFrom(w.role)); err != nil {
		return err
	}
	w.role = next
	return w.history.written(ctx, next.DeepCopy(), false)
}

func (w *writer) bind(ctx context.Context, user int) error {
	b := &v1alpha1.RoleBinding{ObjectMeta: named(fmt.Sprint("binding-", user)), Spec: v1alpha1.RoleBindingSpec{
		Roles: []v1alpha1.ID{"reader"}, Scope: "*", Subjects: []v1alpha1.Subject{{Type: "user", ID: userID(user)}},
	}}
	if err := w.client.Create(ctx, b); err != nil {
		return err
	}
	w.bound[user] = b
	return w.history.written(ctx, b.DeepCopy(), false)
}

func (w *writer) unbind(ctx context.Context, user int) error {
	b := w.bound[user]
	if err := w.client.Delete(ctx, b); err != nil {
		return err
	}
	delete(w.bound, user)
	return w.history.written(ctx, b, true)
}

// recover finds out what became of a write that failed, once the API server
// answers again, and notes that if it was done.
func (w *writer) recover(ctx context.Context, t *testing.T) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var bindings v1alpha1.RoleBindingList
	role := &v1alpha1.Role{}
	for {
		err := w.client.List(ctx, &bindings, client.InNamespace(namespace))
		if err == nil {
			err = w.client.Get(ctx, client.ObjectKeyFromObject(w.role), role)
		}
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			return
		}
		pause(ctx, editEvery)
	}
	if err := w.reconcile(ctx, role, bindings.Items); err != nil {
		t.Errorf("find out what became of a write: %v", err)
	}
}

// reconcile notes what is not as it was noted: one write at the most.
func (w *writer) reconcile(ctx context.Context, role *v1alpha1.Role, bindings []v1alpha1.RoleBinding) error {
	if role.Generation != w.role.Generation {
		w.role = role
		if err := w.history.written(ctx, role.DeepCopy(), false); err != nil {
			return err
		}
	}
	there := map[int]*v1alpha1.RoleBinding{}
	for i := range bindings {
		var user int
		if _, err := fmt.Sscanf(bindings[i].Name, "binding-%d", &user); err != nil {
			return err
		}
		there[user] = &bindings[i]
	}
	for _, user := range slices.Sorted(maps.Keys(w.bound)) {
		if there[user] == nil {
			gone := w.bound[user]
			delete(w.bound, user)
			if err := w.history.written(ctx, gone, true); err != nil {
				return err
			}
		}
	}
	for user, b := range there {
		if w.bound[user] == nil {
			w.bound[user] = b
			if err := w.history.written(ctx, b.DeepCopy(), false); err != nil {
				return err
			}
		}
	}
	return nil
}

// revoke deletes the binding of a user, after making it if there is none and
// granted has seen it. It has watch look on, and returns when the API server had
// said that it is gone and watch has seen it.
func (w *writer) revoke(ctx context.Context, user int, granted func(context.Context) error, watch func(context.Context) (wait func())) (time.Time, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.bound[user] == nil {
		if err := w.bind(ctx, user); err != nil {
			return time.Time{}, err
		}
	}
	if err := granted(ctx); err != nil {
		return time.Time{}, err
	}
	wait := watch(ctx)
	b := w.bound[user]
	if err := w.client.Delete(ctx, b); err != nil {
		return time.Time{}, err
	}
	at := time.Now()
	wait()
	delete(w.bound, user)
	return at, w.history.written(ctx, b, true)
}

// pause returns after a while, or when ctx ends.
func pause(ctx context.Context, d time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	<-ctx.Done()
}
