// SPDX-License-Identifier: Apache-2.0

package random

import (
	"fmt"
	"slices"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/testkit"
)

// crowd makes bindings most of which list one of a few keys, so that these have
// a great many.
type crowd struct {
	*Generator
	keys []v1alpha1.Subject
}

func (g *Generator) crowd() crowd {
	all := []v1alpha1.Subject{
		{Type: v1alpha1.SubjectUser, ID: "*"},
		{Type: v1alpha1.SubjectUser, ID: "u0"},
		{Type: v1alpha1.SubjectGroup, ID: "g0"},
		{Type: v1alpha1.SubjectEmailDomain, ID: "acme.com"},
		{Type: v1alpha1.SubjectSSOConnection, ID: "c0"},
		{Type: v1alpha1.SubjectSSOGroup, Connection: "c0", ID: "g0"},
	}
	first := g.random.IntN(len(all) - 1)
	return crowd{g, all[first : first+2]}
}

// Crowd makes a policy like Policy and adds some hundred bindings: most of them
// list one of two keys, at more scopes, and a few have hundreds of subjects.
func (g *Generator) Crowd() []testkit.Object {
	objects, c := g.Policy(), g.crowd()
	for i := range 60 + g.random.IntN(240) {
		objects = append(objects, c.binding(100+i))
	}
	for i := range g.random.IntN(30) {
		objects = append(objects, c.group(100+i))
	}
	return objects
}

// group makes a Group of hundreds: a great many Groups list the same key, and one
// has a great many members.
func (c crowd) group(i int) testkit.Object {
	o := c.Generator.group(i)
	g, ok := o.(*v1alpha1.Group)
	if !ok {
		return o
	}
	if c.Chance(50) {
		g.Spec.Members = append(g.Spec.Members, c.keys[c.random.IntN(len(c.keys))])
	}
	if c.Chance(10) {
		for member := range 100 + c.random.IntN(300) {
			g.Spec.Members = append(g.Spec.Members, v1alpha1.Subject{Type: v1alpha1.SubjectUser, ID: fmt.Sprintf("m%d", member)})
		}
	}
	g.Spec.Members = unique(g.Spec.Members)
	return g
}

func (c crowd) binding(i int) testkit.Object {
	o := c.Generator.binding(i)
	b, ok := o.(*v1alpha1.RoleBinding)
	if !ok {
		return o
	}
	spec := &b.Spec
	if c.Chance(70) { // those that a check need not look at
		spec.Condition, spec.Resources, spec.NotBefore, spec.NotAfter = "", nil, nil, nil
	}
	if c.Chance(30) {
		spec.Scope = fmt.Sprintf("org:a/t:%d", c.random.IntN(100))
	}
	if c.Chance(80) {
		key := c.keys[c.random.IntN(len(c.keys))]
		spec.Subjects = slices.Insert(spec.Subjects, c.random.IntN(len(spec.Subjects)+1), key)
	}
	if c.Chance(3) {
		for member := range 100 + c.random.IntN(300) {
			spec.Subjects = append(spec.Subjects, v1alpha1.Subject{Type: v1alpha1.SubjectUser, ID: fmt.Sprintf("m%d", member)})
		}
	}
	spec.Subjects = unique(spec.Subjects)
	return b
}
