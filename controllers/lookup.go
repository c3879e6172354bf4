// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/policy"
)

// lookup reads objects of one namespace by index. What it returns belongs to
// the cache and must not be changed.
type lookup struct {
	client    client.Reader
	namespace string
}

// find lists the objects under a key of an index.
func (l lookup) find(ctx context.Context, list client.ObjectList, index, key string) error {
	return l.list(ctx, list, client.MatchingFields{index: key})
}

// list lists the objects of the namespace that the options leave.
func (l lookup) list(ctx context.Context, list client.ObjectList, opts ...client.ListOption) error {
	opts = append(opts, client.InNamespace(l.namespace), client.UnsafeDisableDeepCopy)
	if err := l.client.List(ctx, list, opts...); err != nil {
		return fmt.Errorf("look up %T in %s: %w", list, l.namespace, err)
	}
	return nil
}

// resourcesOf returns the Resources that claim a type, its owner first.
func (l lookup) resourcesOf(ctx context.Context, typ string) ([]v1alpha1.Resource, error) {
	var list v1alpha1.ResourceList
	err := l.find(ctx, &list, byID, typ)
	ownerFirst(list.Items)
	return list.Items, err
}

// rolesOf returns the Roles that claim an id, its owner first.
func (l lookup) rolesOf(ctx context.Context, id string) ([]v1alpha1.Role, error) {
	var list v1alpha1.RoleList
	err := l.find(ctx, &list, byID, id)
	ownerFirst(list.Items)
	return list.Items, err
}

// groupsOf returns the Groups that claim an id, its owner first.
func (l lookup) groupsOf(ctx context.Context, id string) ([]v1alpha1.Group, error) {
	var list v1alpha1.GroupList
	err := l.find(ctx, &list, byID, id)
	ownerFirst(list.Items)
	return list.Items, err
}

// object is a pointer to a kind.
type object[T any] interface {
	*T
	client.Object
}

// ownerFirst puts the object that owns what all of them claim in the first
// place.
func ownerFirst[T any, P object[T]](claimants []T) {
	for i := range claimants {
		if claim(P(&claimants[i])).CompareClaims(claim(P(&claimants[0]))) < 0 {
			claimants[0], claimants[i] = claimants[i], claimants[0]
		}
	}
}

// claim is what decides which of the claimants owns an id.
func claim(o client.Object) policy.Meta {
	return policy.Meta{Name: o.GetName(), Created: o.GetCreationTimestamp().Time}
}
