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
	// byID finds the claimants of a type (Resources) or of an id (Roles, Groups).
	byID = "id"
	// byInherits finds the Roles that inherit an id.
	byInherits = "inherits"
	// byMember finds the Groups that have a group as a member.
	byMember = "member"
	// byType finds the Roles whose permissions, the RoleBindings whose resources or
	// subjects, or the Groups whose members name a type.
	byType = "type"
	// byRoutes finds the Resources that have routes.
	byRoutes = "routes"
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
		{&v1alpha1.Resource{}, byRoutes, of(routesKey)},
		{&v1alpha1.Role{}, byID, of(func(r *v1alpha1.Role) []string { return []string{r.RoleID()} })},
		{&v1alpha1.Role{}, byInherits, of(func(r *v1alpha1.Role) []string { return texts(r.Spec.Inherits) })},
		{&v1alpha1.Role{}, byType, of(typesOfRole)},
		{&v1alpha1.RoleBinding{}, byRole, of(func(b *v1alpha1.RoleBinding) []string { return texts(b.Spec.Roles) })},
		{&v1alpha1.RoleBinding{}, byType, of(typesOfBinding)},
		{&v1alpha1.Group{}, byID, of(func(g *v1alpha1.Group) []string { return []string{g.GroupID()} })},
		{&v1alpha1.Group{}, byMember, of(nestedGroups)},
		{&v1alpha1.Group{}, byType, of(typesOfGroup)},
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
	s.addTypes(b.Spec.Subjects)
	return s.members
}

// typesOfGroup is the same for the members of a Group.
func typesOfGroup(g *v1alpha1.Group) []string {
	var s set
	s.addTypes(g.Spec.Members)
	return s.members
}

func (s *set) addTypes(subjects []v1alpha1.Subject) {
	for i := range subjects {
		if typ := subjects[i].Type; !needsNoResource(typ) {
			s.add(string(typ))
		}
	}
}

// nestedGroups returns the ids of the members that are groups.
func nestedGroups(g *v1alpha1.Group) []string {
	var s set
	for i := range g.Spec.Members {
		if m := &g.Spec.Members[i]; m.Type == v1alpha1.SubjectGroup {
			s.add(m.ID)
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
