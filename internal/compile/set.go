// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/diag"
	"github.com/rolecall/rolecall/internal/policy"
	"github.com/rolecall/rolecall/internal/routing"
)

// Object is a *v1alpha1.Resource, *v1alpha1.Role, *v1alpha1.RoleBinding or
// *v1alpha1.Group.
type Object = metav1.Object

// The kinds whose objects claim an id.
const (
	kindResource = "Resource"
	kindRole     = "Role"
	kindGroup    = "Group"
)

// Conflict reports that an object of the kind claims an id that another one
// owns.
func Conflict(kind, id, ownerName string) diag.Diagnostic {
	path, short, loss := "spec.id", "rcrole", "the Allows of this one grant nothing and its Denies stand"
	switch kind {
	case kindResource:
		path, short, loss = "spec.type", "rcres", "this one declares nothing and its instances are not known"
	case kindGroup:
		short, loss = "rcgroup", "the members of this one are in the group for its Denies and not for its Allows"
	}
	return diag.Diagnostic{
		Severity: diag.Error, Aspect: diag.Accepted, Reason: v1alpha1.ReasonConflicted, Path: path,
		Message: fmt.Sprintf("%s already belongs to the %s %s (the older object, or the first by name), so %s: "+
			"choose another id for one of them, or delete one", quote(id), short, quote(ownerName), loss),
	}
}

// Diagnose compiles and links a whole set of objects and returns all the faults
// of each, in the order of the objects. Objects refer to those of their own
// namespace. An object of any other type has none.
func (c *Compiler) Diagnose(objs []Object) []diag.List {
	s := set{namespaces: make(map[string]*namespace)}
	for _, o := range objs {
		s.add(c, o)
	}
	for _, ns := range s.namespaces {
		ns.link()
	}
	out := make([]diag.List, len(s.items))
	for i, it := range s.items {
		out[i] = append(it.faults, it.refs()...).Sorted()
	}
	return out
}

type set struct {
	items      []item
	namespaces map[string]*namespace
}

// item is an object that is compiled; refs says what else is wrong with it once
// its namespace is linked.
type item struct {
	faults diag.List
	refs   func() diag.List
}

type namespace struct {
	resources  []*policy.Resource
	roles      []*policy.Role
	vocabulary *policy.Vocabulary
	routes     *routing.Table
	// types, ids and groups hold the owner of each id.
	types, ids, groups map[string]policy.Meta
	// nested are the groups that are members of a group.
	nested map[string][]string
}

func (s *set) of(name string) *namespace {
	ns := s.namespaces[name]
	if ns == nil {
		ns = &namespace{
			types: make(map[string]policy.Meta), ids: make(map[string]policy.Meta), groups: make(map[string]policy.Meta),
			nested: make(map[string][]string),
		}
		s.namespaces[name] = ns
	}
	return ns
}

func (s *set) add(c *Compiler, o Object) {
	it := item{refs: func() diag.List { return nil }}
	switch o := o.(type) {
	case *v1alpha1.Resource:
		ns := s.of(o.Namespace)
		u, faults := c.Resource(o)
		ns.resources = append(ns.resources, u)
		claim(ns.types, u.Type, u.Meta)
		it.faults = faults
		it.refs = func() diag.List {
			return append(conflicts(kindResource, u.Type, u.Name, ns.types), RouteRefs(u, ns.routes)...)
		}
	case *v1alpha1.Role:
		ns := s.of(o.Namespace)
		u, faults := c.Role(o)
		ns.roles = append(ns.roles, u)
		claim(ns.ids, u.ID, u.Meta)
		it.faults = faults
		it.refs = func() diag.List {
			return append(conflicts(kindRole, u.ID, u.Name, ns.ids), RoleRefs(u, ns.vocabulary)...)
		}
	case *v1alpha1.RoleBinding:
		ns := s.of(o.Namespace)
		u, faults := c.RoleBinding(o)
		it.faults = faults
		it.refs = func() diag.List { return BindingRefs(u, ns.vocabulary) }
	case *v1alpha1.Group:
		ns := s.of(o.Namespace)
		u, faults := c.Group(o)
		claim(ns.groups, u.ID, u.Meta)
		ns.nested[u.ID] = append(ns.nested[u.ID], u.Nested()...)
		it.faults = faults
		it.refs = func() diag.List {
			return append(conflicts(kindGroup, u.ID, u.Name, ns.groups), GroupRefs(u, ns.vocabulary, ns.members)...)
		}
	}
	s.items = append(s.items, it)
}

func (ns *namespace) members(id string) []string { return ns.nested[id] }

func (ns *namespace) link() {
	ns.vocabulary = policy.Link(ns.resources, ns.roles)
	ns.routes = policy.Routes(slices.Values(ns.resources))
}

func claim(owners map[string]policy.Meta, id string, m policy.Meta) {
	if owner, taken := owners[id]; !taken || m.CompareClaims(owner) < 0 {
		owners[id] = m
	}
}

func conflicts(kind, id, name string, owners map[string]policy.Meta) diag.List {
	if owner := owners[id]; owner.Name != name {
		return diag.List{Conflict(kind, id, owner.Name)}
	}
	return nil
}
