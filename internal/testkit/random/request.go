// SPDX-License-Identifier: Apache-2.0

package random

import (
	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/testkit"
)

// Request makes a valid request. Most ask for what the objects are about.
func (g *Generator) Request(objects []testkit.Object) *authz.Request {
	u := &g.universe
	r := &authz.Request{
		Namespace: g.pick(u.namespaces),
		Subject:   authz.Subject{Type: g.pick(u.userTypes), ID: g.pick(u.users)},
		Action:    authz.Action{Name: g.pick(u.actions)},
		Resource:  authz.Resource{Type: g.pick(u.types)},
		Scope:     g.pick(u.askedScopes),
		Time:      g.moment(),
	}
	if g.Chance(80) {
		r.Resource.ID = g.pick(u.instances)
	}
	g.state(&r.Subject)
	g.values(r)
	g.aim(r, objects)
	return r
}

// state makes the subject state of itself what gives roles.
func (g *Generator) state(s *authz.Subject) {
	u := &g.universe
	if g.Chance(30) {
		s.Roles = g.some(append(u.roles, "gone"), 2)
	}
	if g.Chance(10) {
		s.SessionScope = g.pick(u.askedScopes)
	}
	if g.Chance(40) {
		s.Groups = g.some(u.groups, 2)
	}
	if g.Chance(40) {
		s.Email, s.EmailVerified = g.pick(u.emails), g.Chance(50)
	}
	if g.Chance(30) {
		s.SSOConnections = g.some(u.connections, 2)
	}
	if g.Chance(30) {
		s.SSOGroups = []authz.SSOGroup{{Connection: g.pick(u.connections), ID: g.pick(u.groups)}}
	}
}

// values gives the request what conditions look at, or not.
func (g *Generator) values(r *authz.Request) {
	r.Context = map[string]any{}
	for _, key := range []string{"a", "b"} {
		switch g.random.IntN(7) {
		case 0, 1, 2:
			r.Context[key] = true
		case 3, 4:
			r.Context[key] = false
		case 5:
			r.Context[key] = "true"
		}
	}
	if g.Chance(70) {
		r.Context["n"] = float64(g.random.IntN(4))
	}
	if g.Chance(70) {
		r.Context["list"] = []any{g.pick(g.universe.users), g.pick(g.universe.users)}
	}
	if g.Chance(60) {
		r.Resource.Properties = g.properties()
	}
	if g.Chance(60) {
		r.Subject.Properties = g.properties()
	}
	if g.Chance(15) {
		r.Resource.Captured = g.properties()
	}
	if g.Chance(15) {
		r.Subject.Captured = g.properties()
	}
}

// aim makes the request ask for something that is declared, as somebody who is
// bound, or who asserts what can be asserted.
func (g *Generator) aim(r *authz.Request, objects []testkit.Object) {
	resources, roles, bindings, groups := within(objects, r.Namespace)
	if len(resources) > 0 && g.Chance(92) {
		resource := resources[g.random.IntN(len(resources))]
		r.Resource.Type = resource.TypeID()
		if n := len(resource.Spec.Actions); n > 0 {
			r.Action.Name = string(resource.Spec.Actions[g.random.IntN(n)].Name)
		}
	}
	if len(roles) > 0 && g.Chance(20) {
		r.Subject.Roles = []string{roles[g.random.IntN(len(roles))].RoleID()}
	}
	for range g.random.IntN(4) {
		if len(bindings) > 0 {
			g.aimAt(r, bindings[g.random.IntN(len(bindings))])
		}
	}
	if len(groups) > 0 && g.Chance(60) {
		if members := groups[g.random.IntN(len(groups))].Spec.Members; len(members) > 0 {
			be(&r.Subject, members[g.random.IntN(len(members))])
		}
	}
}

func within(objects []testkit.Object, namespace string) (
	resources []*v1alpha1.Resource, roles []*v1alpha1.Role, bindings []*v1alpha1.RoleBinding, groups []*v1alpha1.Group,
) {
	for _, o := range objects {
		if o.GetNamespace() != namespace {
			continue
		}
		switch o := o.(type) {
		case *v1alpha1.Resource:
			resources = append(resources, o)
		case *v1alpha1.Role:
			roles = append(roles, o)
		case *v1alpha1.RoleBinding:
			bindings = append(bindings, o)
		case *v1alpha1.Group:
			groups = append(groups, o)
		}
	}
	return resources, roles, bindings, groups
}

func (g *Generator) aimAt(r *authz.Request, b *v1alpha1.RoleBinding) {
	if b.Spec.Scope != authz.Wildcard {
		r.Scope = b.Spec.Scope
	}
	if len(b.Spec.Resources) > 0 && g.Chance(50) {
		r.Resource.Type, r.Resource.ID = string(b.Spec.Resources[0].Type), b.Spec.Resources[0].ID
	}
	be(&r.Subject, b.Spec.Subjects[g.random.IntN(len(b.Spec.Subjects))])
}

// be makes the subject of a request one that has a key.
func be(s *authz.Subject, key v1alpha1.Subject) {
	switch key.Type {
	case v1alpha1.SubjectGroup:
		s.Groups = []string{key.ID}
	case v1alpha1.SubjectEmailDomain:
		s.Email = "somebody@" + key.ID
	case v1alpha1.SubjectSSOConnection:
		s.SSOConnections = []string{key.ID}
	case v1alpha1.SubjectSSOGroup:
		s.SSOGroups = []authz.SSOGroup{{Connection: key.Connection, ID: key.ID}}
	default:
		s.Type = string(key.Type)
		if key.ID != authz.Wildcard {
			s.ID = key.ID
		}
	}
}
