// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/policy"
)

// The indexes. Each is looked up together with a namespace.
const (
	// byID finds the claimants of a type (Resources) or of an id (Roles).
	byID = "id"
	// byInherits finds the Roles that inherit an id.
	byInherits = "inherits"
	// byType finds the Roles whose permissions, or the RoleBindings whose
	// resources or subjects, name a type.
	byType = "type"
	// byRole finds the RoleBindings that name a role id.
	byRole = "role"
)

// anyPattern is the key, in byType, of Roles that name types by a pattern. No
// type is called so.
const anyPattern = "*"

func addIndexes(ctx context.Context, indexer client.FieldIndexer) error {
	indexes := []struct {
		kind  client.Object
		name  string
		index func(client.Object) []string
	}{
		{&v1alpha1.Resource{}, byID, of(func(r *v1alpha1.Resource) []string { return []string{r.TypeID()} })},
		{&v1alpha1.Role{}, byID, of(func(r *v1alpha1.Role) []string { return []string{r.RoleID()} })},
		{&v1alpha1.Role{}, byInherits, of(func(r *v1alpha1.Role) []string { return texts(r.Spec.Inherits) })},
		{&v1alpha1.Role{}, byType, of(typesOfRole)},
		{&v1alpha1.RoleBinding{}, byRole, of(func(b *v1alpha1.RoleBinding) []string { return texts(b.Spec.Roles) })},
		{&v1alpha1.RoleBinding{}, byType, of(typesOfBinding)},
	}
	for _, i := range indexes {
		if err := indexer.IndexField(ctx, i.kind, i.name, i.index); err != nil {
			return fmt.Errorf("index %T by %s: %w", i.kind, i.name, err)
		}
	}
	return nil
}

// of makes a typed index function one that takes any object. Objects of another
// kind have no keys.
func of[T client.Object](keys func(T) []string) func(client.Object) []string {
	return func(o client.Object) []string {
		if t, ok := o.(T); ok {
			return keys(t)
		}
		return nil
	}
}

// typesOfRole returns the types that the permissions name, patterns under a key
// of their own.
func typesOfRole(r *v1alpha1.Role) []string {
	var s set
	for i := range r.Spec.Permissions {
		typ := string(r.Spec.Permissions[i].Resource)
		if policy.IsPattern(typ) {
			typ = anyPattern
		}
		s.add(typ)
	}
	return s.members
}

// typesOfBinding returns the types that a Resource may have to declare. The
// types of most subjects need no Resource, and are left out: under `user` there
// would be every binding.
func typesOfBinding(b *v1alpha1.RoleBinding) []string {
	var s set
	for i := range b.Spec.Resources {
		s.add(string(b.Spec.Resources[i].Type))
	}
	for i := range b.Spec.Subjects {
		if typ := b.Spec.Subjects[i].Type; !needsNoResource(typ) {
			s.add(string(typ))
		}
	}
	return s.members
}

func needsNoResource(subjectType v1alpha1.ID) bool {
	switch subjectType {
	case v1alpha1.SubjectUser, v1alpha1.SubjectGroup, v1alpha1.SubjectEmailDomain,
		v1alpha1.SubjectSSOConnection, v1alpha1.SubjectSSOGroup:
		return true
	}
	return false
}

// set keeps each string once, in the order in which they came.
type set struct {
	members []string
	seen    map[string]bool
}

func (s *set) add(member string) {
	if s.seen[member] {
		return
	}
	if s.seen == nil {
		s.seen = map[string]bool{}
	}
	s.seen[member] = true
	s.members = append(s.members, member)
}

func texts(ids []v1alpha1.ID) []string {
	var s set
	for _, id := range ids {
		s.add(string(id))
	}
	return s.members
}
