// SPDX-License-Identifier: Apache-2.0

package random

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/testkit"
)

// Generator makes policies and requests. It is not safe for concurrent use.
type Generator struct {
	random   *rand.Rand
	universe universe
	// generation is the last one that an edit was given.
	generation int64
}

// New returns the generator of a seed.
func New(seed uint64) *Generator {
	return &Generator{random: rand.New(rand.NewPCG(seed, 0)), universe: newUniverse(), generation: 1}
}

// Chance decides by lot: of a hundred times it is true so many.
func (g *Generator) Chance(percent int) bool { return g.random.IntN(100) < percent }

func (g *Generator) pick(from []string) string { return from[g.random.IntN(len(from))] }

// some picks at least one and at most most different ones.
func (g *Generator) some(from []string, most int) []string {
	var picked []string
	for n := 1 + g.random.IntN(most); len(picked) < n; {
		if one := g.pick(from); !slices.Contains(picked, one) {
			picked = append(picked, one)
		}
	}
	return picked
}

// Policy makes objects, valid by the schema, of two namespaces.
func (g *Generator) Policy() []testkit.Object {
	var objects []testkit.Object
	for i := range 3 + g.random.IntN(5) {
		objects = append(objects, g.resource(i))
	}
	for i := range 4 + g.random.IntN(10) {
		objects = append(objects, g.role(i))
	}
	for i := range 4 + g.random.IntN(16) {
		objects = append(objects, g.binding(i))
	}
	if g.Chance(60) {
		for i := range 1 + g.random.IntN(10) {
			objects = append(objects, g.group(i))
		}
	}
	return objects
}

func (g *Generator) resource(i int) testkit.Object {
	typ := g.pick(g.universe.types)
	b := testkit.Resource(fmt.Sprintf("res-%d", i), g.some(g.universe.actions, 5)...).Type(typ)
	if g.Chance(10) {
		b.ScopeRequired()
	}
	if g.Chance(50) {
		g.known(b)
	}
	resource := b.Obj()
	if g.Chance(30) {
		g.schema(&resource.Spec)
	}
	return g.live(resource)
}

// schema says which properties there are; some of those that there are do not fit.
func (g *Generator) schema(s *v1alpha1.ResourceSpec) {
	level := map[string]any{"type": "integer", "maximum": 2.0}
	s.Schema = testkit.JSON(map[string]any{"type": "object", "properties": map[string]any{
		"owner": map[string]any{"type": "string", "nullable": g.Chance(50)}, g.pick([]string{"level", "height"}): level,
	}})
	s.PropertyValidation = v1alpha1.PropertyValidation(g.pick([]string{"", "Warn", "Strict", "Ignore", "Ignore"}))
}

// known makes some instances known, of which something may be stored: of
// subjects, if the type is one of theirs.
func (g *Generator) known(b *testkit.ResourceBuilder) {
	for _, id := range g.some(append(g.universe.instances, g.universe.users...), 4) {
		var properties map[string]any
		if g.Chance(80) {
			properties = g.properties()
		}
		b.Knows(id, properties)
	}
}

// properties makes what conditions look at, of a resource or of a subject.
func (g *Generator) properties() map[string]any {
	p := map[string]any{}
	if g.Chance(70) {
		p["owner"] = g.pick(g.universe.users)
	}
	if g.Chance(70) {
		p["level"] = float64(g.random.IntN(4))
	}
	if g.Chance(15) {
		p["owner"] = nil
	}
	return p
}

func (g *Generator) role(i int) testkit.Object {
	b := testkit.Role(fmt.Sprintf("role-%d", i)).ID(g.pick(g.universe.roles))
	if g.Chance(40) {
		b.Inherits(g.some(append(g.universe.roles, "gone"), 3)...)
	}
	if g.Chance(40) {
		b.Assertable()
	}
	for range g.random.IntN(5) {
		action, typ := g.pick(g.universe.actionNames), g.pick(g.universe.typeNames)
		if g.Chance(25) {
			b.Deny(action, typ)
		} else {
			b.Allow(action, typ)
		}
		if g.Chance(50) {
			b.If(g.pick(g.universe.conditions))
		}
	}
	role := b.Obj()
	for i := range role.Spec.Permissions {
		g.widen(&role.Spec.Permissions[i])
	}
	return g.live(role)
}

// widen sometimes adds another action, or says the usual effect.
func (g *Generator) widen(p *v1alpha1.Permission) {
	if more := v1alpha1.Pattern(g.pick(g.universe.actionNames)); g.Chance(30) && !slices.Contains(p.Actions, more) {
		p.Actions = append(p.Actions, more)
	}
	if p.Effect == "" && g.Chance(20) {
		p.Effect = v1alpha1.EffectAllow
	}
}

func (g *Generator) binding(i int) testkit.Object {
	b := testkit.Binding(fmt.Sprintf("bind-%d", i), g.some(append(g.universe.roles, "gone"), 3)...)
	b.Scope(g.pick(g.universe.heldScopes))
	for range 1 + g.random.IntN(3) {
		b.ToSubject(g.subject())
	}
	if g.Chance(15) {
		for _, id := range g.some(g.universe.instances, 2) {
			b.For(g.pick(g.universe.types), id)
		}
	}
	if g.Chance(35) {
		b.If(g.pick(g.universe.conditions))
	}
	g.bound(b)
	binding := b.Obj()
	binding.Spec.Subjects = unique(binding.Spec.Subjects)
	return g.live(binding)
}

func (g *Generator) subject() v1alpha1.Subject {
	u := &g.universe
	s := v1alpha1.Subject{Type: v1alpha1.ID(g.pick(u.userTypes)), ID: g.pick(u.users)}
	switch g.random.IntN(9) {
	case 0:
		s.ID = authz.Wildcard
	case 1, 2:
		s.Type, s.ID = v1alpha1.SubjectGroup, g.pick(u.groups)
	case 3:
		s.Type, s.ID = v1alpha1.SubjectEmailDomain, g.pick(u.domains)
	case 4:
		s.Type, s.ID = v1alpha1.SubjectSSOConnection, g.pick(u.connections)
	case 5:
		s = v1alpha1.Subject{Type: v1alpha1.SubjectSSOGroup, Connection: g.pick(u.connections), ID: g.pick(u.groups)}
	}
	return s
}

// group makes a Group; half of its members are groups, so that there are chains
// and cycles.
func (g *Generator) group(i int) testkit.Object {
	b := testkit.Group(fmt.Sprintf("group-%d", i)).ID(g.pick(g.universe.groups))
	for range g.random.IntN(4) {
		if g.Chance(40) {
			b.Of(v1alpha1.Subject{Type: v1alpha1.SubjectGroup, ID: g.pick(g.universe.groups)})
		} else {
			b.Of(g.subject())
		}
	}
	group := b.Obj()
	group.Spec.Members = unique(group.Spec.Members)
	return g.live(group)
}

// bound sometimes limits the validity.
func (g *Generator) bound(b *testkit.BindingBuilder) {
	// In an object a time has whole seconds.
	from, to := g.moment().Truncate(time.Second), g.moment().Truncate(time.Second)
	if g.Chance(15) {
		b.From(from)
		if !from.Before(to) {
			return
		}
	}
	if g.Chance(15) {
		b.Until(to)
	}
}

func (g *Generator) moment() time.Time {
	return g.universe.moments[g.random.IntN(len(g.universe.moments))]
}

// live gives an object a namespace, a time of creation, and sometimes its end.
func (g *Generator) live(o testkit.Object) testkit.Object {
	o.SetNamespace(g.pick(g.universe.namespaces))
	o.SetCreationTimestamp(metav1.Time{Time: testkit.Now().Add(-time.Duration(g.random.IntN(3)) * time.Hour)})
	if g.Chance(6) {
		testkit.Deleting(o)
	}
	return o
}

func unique[T comparable](list []T) []T {
	var out []T
	for _, one := range list {
		if !slices.Contains(out, one) {
			out = append(out, one)
		}
	}
	return out
}
