// SPDX-License-Identifier: Apache-2.0

package testkit

import (
	"encoding/json"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/rolecall/rolecall/api/v1alpha1"
)

// Namespace is where builders put their objects, and what a check asks, unless
// told otherwise.
const Namespace = "default"

func meta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: name, Namespace: Namespace}
}

func typeMeta(kind string) metav1.TypeMeta {
	return metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: kind}
}

// ResourceBuilder builds a Resource. Like every builder here it is used once.
type ResourceBuilder struct{ obj *v1alpha1.Resource }

// Resource begins a Resource that declares actions.
func Resource(name string, actions ...string) *ResourceBuilder {
	b := &ResourceBuilder{&v1alpha1.Resource{TypeMeta: typeMeta("Resource"), ObjectMeta: meta(name)}}
	for _, a := range actions {
		b.obj.Spec.Actions = append(b.obj.Spec.Actions, v1alpha1.ResourceAction{Name: v1alpha1.ID(a)})
	}
	return b
}

// Type sets spec.type.
func (b *ResourceBuilder) Type(id string) *ResourceBuilder {
	b.obj.Spec.Type = v1alpha1.ID(id)
	return b
}

// ScopeRequired makes a check need a scope.
func (b *ResourceBuilder) ScopeRequired() *ResourceBuilder {
	b.obj.Spec.Scoping = v1alpha1.ScopingRequired
	return b
}

// Knows adds to spec.instances.
func (b *ResourceBuilder) Knows(id string, properties map[string]any) *ResourceBuilder {
	in := v1alpha1.ResourceInstance{ID: id}
	if properties != nil {
		in.Properties = JSON(properties)
	}
	b.obj.Spec.Instances = append(b.obj.Spec.Instances, in)
	return b
}

// JSON returns a field that may hold any object. The value is one of
// encoding/json.
func JSON(value any) *runtime.RawExtension {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return &runtime.RawExtension{Raw: text}
}

// Obj returns the object.
func (b *ResourceBuilder) Obj() *v1alpha1.Resource { return b.obj }

// RoleBuilder builds a Role.
type RoleBuilder struct{ obj *v1alpha1.Role }

// Role begins a Role without permissions.
func Role(name string) *RoleBuilder {
	return &RoleBuilder{&v1alpha1.Role{TypeMeta: typeMeta("Role"), ObjectMeta: meta(name)}}
}

// ID sets spec.id.
func (b *RoleBuilder) ID(id string) *RoleBuilder {
	b.obj.Spec.ID = v1alpha1.ID(id)
	return b
}

// Inherits adds to spec.inherits.
func (b *RoleBuilder) Inherits(ids ...string) *RoleBuilder {
	for _, id := range ids {
		b.obj.Spec.Inherits = append(b.obj.Spec.Inherits, v1alpha1.ID(id))
	}
	return b
}

// Assertable lets the role be held without a binding.
func (b *RoleBuilder) Assertable() *RoleBuilder {
	b.obj.Spec.Assertable = true
	return b
}

// Allow adds a permission for one action on a resource.
func (b *RoleBuilder) Allow(action, resource string) *RoleBuilder {
	return b.permission("", action, resource)
}

// Deny adds a Deny permission for one action on a resource.
func (b *RoleBuilder) Deny(action, resource string) *RoleBuilder {
	return b.permission(v1alpha1.EffectDeny, action, resource)
}

func (b *RoleBuilder) permission(effect v1alpha1.Effect, action, resource string) *RoleBuilder {
	b.obj.Spec.Permissions = append(b.obj.Spec.Permissions, v1alpha1.Permission{
		Effect: effect, Resource: v1alpha1.Pattern(resource), Actions: []v1alpha1.Pattern{v1alpha1.Pattern(action)},
	})
	return b
}

// If gives the last permission a condition; without one it panics.
func (b *RoleBuilder) If(condition string) *RoleBuilder {
	b.obj.Spec.Permissions[len(b.obj.Spec.Permissions)-1].Condition = v1alpha1.Expression(condition)
	return b
}

// Obj returns the object.
func (b *RoleBuilder) Obj() *v1alpha1.Role { return b.obj }

// BindingBuilder builds a RoleBinding.
type BindingBuilder struct{ obj *v1alpha1.RoleBinding }

// Binding begins a RoleBinding of roles, with the scope everywhere.
func Binding(name string, roles ...string) *BindingBuilder {
	b := &BindingBuilder{&v1alpha1.RoleBinding{TypeMeta: typeMeta("RoleBinding"), ObjectMeta: meta(name)}}
	for _, id := range roles {
		b.obj.Spec.Roles = append(b.obj.Spec.Roles, v1alpha1.ID(id))
	}
	return b.Scope("*")
}

// To adds a subject, also of a reserved type other than sso_group.
func (b *BindingBuilder) To(typ, id string) *BindingBuilder {
	b.obj.Spec.Subjects = append(b.obj.Spec.Subjects, v1alpha1.Subject{Type: v1alpha1.ID(typ), ID: id})
	return b
}

// ToUser adds a user.
func (b *BindingBuilder) ToUser(id string) *BindingBuilder { return b.To(v1alpha1.SubjectUser, id) }

// ToSubject adds any subject.
func (b *BindingBuilder) ToSubject(s v1alpha1.Subject) *BindingBuilder {
	b.obj.Spec.Subjects = append(b.obj.Spec.Subjects, s)
	return b
}

// ToSSOGroup adds a group of an SSO connection.
func (b *BindingBuilder) ToSSOGroup(connection, id string) *BindingBuilder {
	b.obj.Spec.Subjects = append(b.obj.Spec.Subjects,
		v1alpha1.Subject{Type: v1alpha1.SubjectSSOGroup, Connection: connection, ID: id})
	return b
}

// Scope sets where the roles are held.
func (b *BindingBuilder) Scope(scope string) *BindingBuilder {
	b.obj.Spec.Scope = scope
	return b
}

// For limits the binding to an instance; each call adds one.
func (b *BindingBuilder) For(typ, id string) *BindingBuilder {
	b.obj.Spec.Resources = append(b.obj.Spec.Resources, v1alpha1.ResourceRef{Type: v1alpha1.ID(typ), ID: id})
	return b
}

// If sets the gate.
func (b *BindingBuilder) If(condition string) *BindingBuilder {
	b.obj.Spec.Condition = v1alpha1.Expression(condition)
	return b
}

// From sets notBefore.
func (b *BindingBuilder) From(t time.Time) *BindingBuilder {
	b.obj.Spec.NotBefore = &metav1.Time{Time: t}
	return b
}

// Until sets notAfter.
func (b *BindingBuilder) Until(t time.Time) *BindingBuilder {
	b.obj.Spec.NotAfter = &metav1.Time{Time: t}
	return b
}

// Obj returns the object.
func (b *BindingBuilder) Obj() *v1alpha1.RoleBinding { return b.obj }

// GroupBuilder builds a Group.
type GroupBuilder struct{ obj *v1alpha1.Group }

// Group begins a Group without members.
func Group(name string) *GroupBuilder {
	return &GroupBuilder{&v1alpha1.Group{TypeMeta: typeMeta("Group"), ObjectMeta: meta(name)}}
}

// ID sets spec.id.
func (b *GroupBuilder) ID(id string) *GroupBuilder {
	b.obj.Spec.ID = v1alpha1.ID(id)
	return b
}

// Of adds members.
func (b *GroupBuilder) Of(members ...v1alpha1.Subject) *GroupBuilder {
	b.obj.Spec.Members = append(b.obj.Spec.Members, members...)
	return b
}

// Obj returns the object.
func (b *GroupBuilder) Obj() *v1alpha1.Group { return b.obj }

// Created sets when an object was created, and returns it.
func Created[T metav1.Object](obj T, t time.Time) T {
	obj.SetCreationTimestamp(metav1.Time{Time: t})
	return obj
}

// Deleting makes an object one that is being deleted, and returns it.
func Deleting[T metav1.Object](obj T) T {
	obj.SetDeletionTimestamp(&metav1.Time{Time: Now()})
	obj.SetFinalizers([]string{Finalizer})
	return obj
}

// Finalizer holds the objects back that tests want in deletion.
const Finalizer = "test.rolecall.dev/hold"

// In puts an object into a namespace, and returns it.
func In[T metav1.Object](namespace string, obj T) T {
	obj.SetNamespace(namespace)
	return obj
}

// Now is the moment of a check that names none.
func Now() time.Time { return time.Date(2026, 6, 15, 12, 0, 0, 0, time.UTC) }
