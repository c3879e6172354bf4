// SPDX-License-Identifier: Apache-2.0

package bounds

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/hack/bench/product"
	"github.com/rolecall/rolecall/hack/bench/workload"
)

// extreme is the namespace of the extreme shape.
const extreme = "extreme"

// What asks in the extreme namespace: a user, who is in a group.
const (
	subject = "anna"
	group   = "staff"
)

// shape is the objects of an extreme shape.
type shape struct {
	resources, roles, bindings []metav1.Object

	// change returns the object of change i, which checks see.
	change func(i int, generation int64) metav1.Object
}

// Shape names an extreme shape, and says in words what it is.
type Shape struct {
	Name, What string

	make func() *shape
}

// Shapes returns all shapes.
func Shapes() []Shape {
	everyone := v1alpha1.Subject{Type: v1alpha1.SubjectUser, ID: "*"}
	staff := v1alpha1.Subject{Type: v1alpha1.SubjectGroup, ID: group}
	return []Shape{
		{"everyone-one-scope", "`user:*` in 100,000 bindings, all in one scope", func() *shape { return fat(everyone, 1) }},
		{"everyone-50-scopes", "`user:*` in 100,000 bindings, in 50 scopes", func() *shape { return fat(everyone, workload.Scopes) }},
		{"group-one-scope", "a group in 100,000 bindings, all in one scope", func() *shape { return fat(staff, 1) }},
		{"group-50-scopes", "a group in 100,000 bindings, in 50 scopes", func() *shape { return fat(staff, workload.Scopes) }},
		{"group-100000-scopes", "a group in 100,000 bindings, each in a scope of its own", scattered},
		{"binding-1000-subjects", "100 bindings of 1,000 subjects; a change replaces one subject", wide},
		{"subject-1000-bindings", "a subject with 1,000 bindings, in 50 scopes", busy},
		{"namespaces-10000", "10,000 namespaces of a resource, a role and a binding", many},
		{"roles-100000", "100,000 roles in a namespace; a change is of a role", vocabulary},
	}
}

// base has the vocabulary of the workload.
func base() *shape {
	s := workload.New(workload.RBAC, 100)
	return &shape{resources: product.In(extreme, product.Resources()), roles: product.In(extreme, product.Roles(s))}
}

func user(id string) v1alpha1.Subject { return v1alpha1.Subject{Type: v1alpha1.SubjectUser, ID: id} }

// bindings is how many a fat key has.
const bindings = 100_000

// turned returns how far the role of binding i of n has moved at change i: each time
// that the changes come round it is another.
func turned(i, n int) int { return 1 + i/n%2 }

// fat is one key with as many grants.
func fat(key v1alpha1.Subject, scopes int) *shape {
	s := base()
	give := func(i, role int, generation int64) *v1alpha1.RoleBinding {
		a := workload.Assignment{Role: int32(role % workload.Roles), Scope: int16(i % scopes)}
		return product.Binding(extreme, fmt.Sprintf("fat-%06d", i), generation, a, key)
	}
	for i := range bindings {
		s.bindings = append(s.bindings, give(i, i/scopes, 1))
	}
	s.change = func(i int, generation int64) metav1.Object {
		n := i % bindings
		return give(n, n/scopes+turned(i, bindings), generation)
	}
	return s
}

// wide is 100 bindings of 1,000 subjects each.
func wide() *shape {
	const n = 100
	s := base()
	give := func(i int, first string, generation int64) *v1alpha1.RoleBinding {
		list := []v1alpha1.Subject{user(first)}
		for j := 1; j < 1000; j++ {
			list = append(list, user(fmt.Sprintf("member-%d-%d", i, j)))
		}
		return product.Binding(extreme, fmt.Sprintf("wide-%03d", i), generation, workload.Assignment{Role: int32(i)}, list...)
	}
	for i := range n {
		s.bindings = append(s.bindings, give(i, subject, 1))
	}
	s.change = func(i int, generation int64) metav1.Object {
		return give(i%n, fmt.Sprintf("new-%d", generation), generation)
	}
	return s
}

// busy is one subject with 1,000 bindings.
func busy() *shape {
	const n = 1000
	s := base()
	give := func(i, role int, generation int64) *v1alpha1.RoleBinding {
		a := workload.Assignment{Role: int32(role % workload.Roles), Scope: int16(i % workload.Scopes)}
		return product.Binding(extreme, fmt.Sprintf("busy-%04d", i), generation, a, user(subject))
	}
	for i := range n {
		s.bindings = append(s.bindings, give(i, i, 1))
	}
	s.change = func(i int, generation int64) metav1.Object { return give(i%n, i%n+turned(i, n), generation) }
	return s
}

// many is 10,000 small namespaces, of which extreme is one.
func many() *shape {
	s := &shape{}
	resource := product.Resources()[0].(*v1alpha1.Resource)
	role := product.Roles(workload.New(workload.RBAC, 100))[0].(*v1alpha1.Role)
	role.Spec.Permissions = []v1alpha1.Permission{{Resource: v1alpha1.Pattern(resource.Name), Actions: []v1alpha1.Pattern{"*"}}}
	for i := range 10_000 {
		namespace := extreme
		if i > 0 {
			namespace = fmt.Sprintf("app-%05d", i)
		}
		s.resources = append(s.resources, product.In(namespace, []metav1.Object{resource.DeepCopy()})...)
		s.roles = append(s.roles, product.In(namespace, []metav1.Object{role.DeepCopy()})...)
		s.bindings = append(s.bindings, product.Binding(namespace, "only", 1, workload.Assignment{}, user(subject)))
	}
	s.change = func(i int, generation int64) metav1.Object {
		return product.Binding(extreme, "only", generation, workload.Assignment{Scope: int16((i + 1) % 2)}, user(subject))
	}
	return s
}

// vocabulary is 100,000 roles in one namespace; one of them changes.
func vocabulary() *shape {
	s := base()
	templates := s.roles
	copied := func(i int, generation int64) *v1alpha1.Role {
		r := templates[i%workload.Roles].(*v1alpha1.Role).DeepCopy()
		r.Name, r.Generation = fmt.Sprintf("copy-%06d", i), generation
		return r
	}
	s.roles = nil
	for i := range 100_000 {
		s.roles = append(s.roles, product.In(extreme, []metav1.Object{copied(i, 1)})...)
	}
	for i := range 100 {
		b := product.Binding(extreme, fmt.Sprintf("few-%03d", i), 1, workload.Assignment{}, user(subject))
		b.Spec.Roles = []v1alpha1.ID{v1alpha1.ID(fmt.Sprintf("copy-%06d", i*1000))}
		s.bindings = append(s.bindings, b)
	}
	s.change = func(i int, generation int64) metav1.Object {
		r := copied(i/2%100*1000, generation)
		if i%2 == 0 {
			r.Spec.Permissions = r.Spec.Permissions[:workload.PermissionsPerRole/2]
		}
		return product.In(extreme, []metav1.Object{r})[0]
	}
	return s
}

// scattered is a group with a binding in each of 100,000 scopes.
func scattered() *shape {
	s := base()
	give := func(i, role int, generation int64) *v1alpha1.RoleBinding {
		b := product.Binding(extreme, fmt.Sprintf("scattered-%06d", i), generation, workload.Assignment{Role: int32(role % workload.Roles)},
			v1alpha1.Subject{Type: v1alpha1.SubjectGroup, ID: group})
		if i > 0 { // the first is in scope 0
			b.Spec.Scope = fmt.Sprintf("tenant-%06d", i)
		}
		return b
	}
	for i := range bindings {
		s.bindings = append(s.bindings, give(i, i, 1))
	}
	s.change = func(i int, generation int64) metav1.Object {
		return give(i%bindings, i%bindings+turned(i, bindings), generation)
	}
	return s
}
