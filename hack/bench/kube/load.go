// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rolecall/rolecall/api/v1alpha1"
)

// The shape of the policy: types of actions, roles of permissions, and
// RoleBindings of one role and three subjects, half of them in a scope.
const (
	types       = 200
	actions     = 10
	roles       = 1000
	permissions = 20
	subjects    = 3
	scopes      = 50
	writers     = 12
	// One RoleBinding in so many is limited to an instance of the first type.
	perInstance = 10
)

func typeName(i int) string   { return fmt.Sprintf("type-%03d", i%types) }
func actionName(i int) string { return fmt.Sprintf("action-%02d", i%actions) }
func roleName(i int) string   { return fmt.Sprintf("role-%04d", i%roles) }

func named(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name}
}

func resource(i int) *v1alpha1.Resource {
	r := &v1alpha1.Resource{ObjectMeta: named(typeName(i))}
	for a := range actions {
		r.Spec.Actions = append(r.Spec.Actions, v1alpha1.ResourceAction{Name: v1alpha1.ID(actionName(a))})
	}
	return r
}

// role allows one action of each of some types; the first is what permission
// says.
func role(i int) *v1alpha1.Role {
	r := &v1alpha1.Role{ObjectMeta: named(roleName(i))}
	for p := range permissions {
		r.Spec.Permissions = append(r.Spec.Permissions, v1alpha1.Permission{
			Resource: v1alpha1.Pattern(typeName(i + p*types/permissions)),
			Actions:  []v1alpha1.Pattern{v1alpha1.Pattern(actionName(i + p))},
		})
	}
	return r
}

// binding is 585 bytes of JSON when it is stored, without managed fields.
func binding(i int) *v1alpha1.RoleBinding {
	b := &v1alpha1.RoleBinding{ObjectMeta: named(fmt.Sprintf("binding-%06d", i))}
	b.Labels = map[string]string{
		"app.kubernetes.io/managed-by": "bench",
		"app.kubernetes.io/part-of":    fmt.Sprintf("tenant-%02d", i%scopes),
	}
	b.Spec = v1alpha1.RoleBindingSpec{Roles: []v1alpha1.ID{v1alpha1.ID(roleName(i))}, Scope: "*"}
	if i%2 == 0 {
		b.Spec.Scope = fmt.Sprintf("org:tenant-%02d", i%scopes)
	}
	if i%perInstance == 0 {
		b.Spec.Resources = []v1alpha1.ResourceRef{{Type: v1alpha1.ID(typeName(0)), ID: fmt.Sprintf("instance-%06d", i)}}
	}
	for s := range subjects {
		b.Spec.Subjects = append(b.Spec.Subjects, v1alpha1.Subject{
			Type: v1alpha1.SubjectUser, ID: fmt.Sprintf("user-%07d@example.org", (i*7919+s)%1000003),
		})
	}
	return b
}

// fill creates the policy with n RoleBindings.
func (c *cluster) fill(ctx context.Context, n int) error {
	if err := c.served(ctx); err != nil {
		return err
	}
	err := parallel(ctx, 1, types, func(ctx context.Context, i int) error { return c.client.Create(ctx, resource(i)) })
	if err != nil {
		return fmt.Errorf("create Resources: %w", err)
	}
	err = parallel(ctx, 0, roles, func(ctx context.Context, i int) error { return c.client.Create(ctx, role(i)) })
	if err != nil {
		return fmt.Errorf("create Roles: %w", err)
	}
	err = parallel(ctx, 0, n, func(ctx context.Context, i int) error { return c.client.Create(ctx, binding(i)) })
	if err != nil {
		return fmt.Errorf("create RoleBindings: %w", err)
	}
	return nil
}

// parallel does something for each number from..to by some writers at once.
func parallel(ctx context.Context, from, to int, do func(context.Context, int) error) error {
	var next atomic.Int64
	next.Store(int64(from))
	all, ctx := errgroup.WithContext(ctx)
	for range writers {
		all.Go(func() error {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= to {
					return nil
				}
				if err := do(ctx, i); err != nil {
					return err
				}
			}
			return ctx.Err()
		})
	}
	return all.Wait()
}

// merge patches an object.
func (c *cluster) merge(ctx context.Context, o client.Object, patch string) error {
	return c.client.Patch(ctx, o, client.RawPatch("application/merge-patch+json", []byte(patch)))
}
