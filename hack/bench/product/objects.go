// SPDX-License-Identifier: Apache-2.0

package product

import (
	"fmt"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/hack/bench/workload"
)

// Namespace is where the workload is.
const Namespace = "default"

// Conditions by variant; both mean that the subject owns the resource (ids of
// users are of one length).
const (
	// OwnerCondition is a plain comparison.
	OwnerCondition = "resource.properties.owner_id == subject.id"
	// CELCondition is not.
	CELCondition = `resource.properties.owner_id.startsWith(subject.id) && !(resource.properties.owner_id in ["nobody", "everybody"])`
)

func condition(v workload.Variant) v1alpha1.Expression {
	if v == workload.CEL {
		return CELCondition
	}
	return OwnerCondition
}

// created is when all objects were, so that nothing here depends on the clock.
var created = metav1.NewTime(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))

// Meta is the metadata of an object as an API server gives it, without managed
// fields. Every string is the object's own, as if decoded.
func Meta(namespace, name string, generation int64) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Name: name, Namespace: namespace, UID: types.UID("00000000-0000-4000-8000-" + name),
		ResourceVersion: strconv.FormatInt(generation, 10), Generation: generation, CreationTimestamp: created,
	}
}

// In puts objects into another namespace, and returns them.
func In(namespace string, objects []metav1.Object) []metav1.Object {
	for _, o := range objects {
		o.SetNamespace(namespace)
		o.SetUID(types.UID(namespace + "-" + string(o.GetUID())))
	}
	return objects
}

// Binding returns a RoleBinding of a namespace that gives a role to subjects.
func Binding(namespace, name string, generation int64, a workload.Assignment, subjects ...v1alpha1.Subject) *v1alpha1.RoleBinding {
	b := binding(name, generation, a)
	b.Spec.Subjects = subjects
	In(namespace, []metav1.Object{b})
	return b
}

// Resources returns the resource types.
func Resources() []metav1.Object {
	var out []metav1.Object
	for t := range workload.Types {
		out = append(out, resource(t, 1))
	}
	return out
}

func resource(t int, generation int64) *v1alpha1.Resource {
	r := &v1alpha1.Resource{ObjectMeta: Meta(Namespace, workload.TypeName(t), generation)}
	for a := range workload.Actions {
		r.Spec.Actions = append(r.Spec.Actions, v1alpha1.ResourceAction{Name: v1alpha1.ID(workload.ActionName(a))})
	}
	return r
}

// Roles returns the roles.
func Roles(s *workload.Set) []metav1.Object {
	var out []metav1.Object
	for i := range s.Roles {
		out = append(out, role(s, i, 1))
	}
	return out
}

func role(s *workload.Set, i int, generation int64) *v1alpha1.Role {
	r := &v1alpha1.Role{ObjectMeta: Meta(Namespace, workload.RoleName(i), generation)}
	for _, p := range s.Roles[i] {
		permission := v1alpha1.Permission{
			Resource: pattern(p.Type, workload.TypeName), Actions: []v1alpha1.Pattern{pattern(p.Action, workload.ActionName)},
		}
		if p.Owner {
			permission.Condition = condition(s.Variant)
		}
		r.Spec.Permissions = append(r.Spec.Permissions, permission)
	}
	return r
}

func pattern(i int, name func(int) string) v1alpha1.Pattern {
	if i == workload.Any {
		return "*"
	}
	return v1alpha1.Pattern(name(i))
}

func scope(i int16) string {
	if i == workload.Any {
		return "*"
	}
	return workload.ScopeName(int(i))
}

// binding gives a role to users.
func binding(name string, generation int64, a workload.Assignment, users ...int32) *v1alpha1.RoleBinding {
	b := &v1alpha1.RoleBinding{ObjectMeta: Meta(Namespace, name, generation)}
	b.Spec.Roles = []v1alpha1.ID{v1alpha1.ID(workload.RoleName(int(a.Role)))}
	b.Spec.Scope = scope(a.Scope)
	b.Spec.Subjects = make([]v1alpha1.Subject, len(users))
	for i, u := range users {
		b.Spec.Subjects[i] = v1alpha1.Subject{Type: v1alpha1.SubjectUser, ID: workload.UserName(int(u))}
	}
	return b
}

func singleName(user, i int) string { return fmt.Sprintf("%s-%d", workload.UserName(user), i) }

// Singles returns a RoleBinding for each assignment.
func Singles(s *workload.Set) []metav1.Object {
	out := make([]metav1.Object, 0, len(s.Assignments))
	for u := range s.Users {
		for i, a := range s.Of(u) {
			out = append(out, binding(singleName(u, i), 1, a, int32(u)))
		}
	}
	return out
}
