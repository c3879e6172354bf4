// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/internal/authz"
)

// names are those that a space holds numbers of.
type names struct {
	roles, scopes, many, special []string
	// kinds says of each whether somebody has its wildcard.
	kinds map[kindName]bool
}

// heldBy returns the names that some bindings need, as plainly as can be.
func heldBy(bindings map[string]*Binding, declared ...string) names {
	roles, scopes, many, special := map[string]bool{}, map[string]bool{authz.Wildcard: true}, map[string]bool{}, map[string]bool{}
	n := names{kinds: map[kindName]bool{}}
	for _, id := range declared {
		roles[id] = true
	}
	for name, b := range bindings {
		if !b.plain() {
			special[name] = true
		}
		if len(b.Subjects) != 1 {
			many[name] = true
		}
		for _, key := range b.Subjects {
			n.kinds[key.kind()] = n.kinds[key.kind()] || key.ID == authz.Wildcard
			scopes[b.Scope] = true
			for _, id := range b.Roles {
				roles[id] = true
			}
		}
	}
	n.roles, n.scopes = slices.Sorted(maps.Keys(roles)), slices.Sorted(maps.Keys(scopes))
	n.many, n.special = slices.Sorted(maps.Keys(many)), slices.Sorted(maps.Keys(special))
	return n
}

// held returns the names that the space holds, and checks that what it publishes
// says the same.
func (s *space) held(t *testing.T, n *namespace) names {
	t.Helper()
	h := names{
		roles:  slices.Sorted(maps.Keys(s.roles.numbers)),
		scopes: slices.Sorted(maps.Keys(s.scopes.numbers)),
		kinds:  map[kindName]bool{},
	}
	for name, number := range s.kinds.numbers {
		k, ok := n.kinds.Get(name)
		if h.kinds[name] = k.everyone; !ok || k.number != number || k.everyone != (s.everyone[number] > 0) {
			t.Errorf("kind %v is number %d with %d entries for everyone, and published as %+v, %v", name, number, s.everyone[number], k, ok)
		}
	}
	for scope, number := range s.scopes.numbers {
		if got, ok := n.scopes.find(scope); ok == (scope == authz.Wildcard) || (ok && got != number) {
			t.Errorf("scope %q is number %d, and published as %d, %v", scope, number, got, ok)
		}
	}
	for number := range s.book.records.n {
		name := n.names.At(number)
		if b, ok := n.special.Get(number); ok {
			h.special = append(h.special, name)
			if b.Name != name {
				t.Errorf("number %d is %s, and the special binding %s", number, name, b.Name)
			}
		}
		if s.book.many[number] != nil {
			h.many = append(h.many, name)
		}
	}
	slices.Sort(h.special)
	slices.Sort(h.many)
	return h
}

// randomBinding is one of few subjects or of many, some of them special.
func randomBinding(rng *rand.Rand, name string) *Binding {
	b := &Binding{Meta: Meta{Name: name}, Scope: authz.Wildcard}
	for range 1 + rng.IntN(3) {
		b.Roles = append(b.Roles, fmt.Sprintf("role-%d", rng.IntN(40)))
	}
	for range 1 + rng.IntN(4)*rng.IntN(4)*rng.IntN(4) {
		k := Key{Type: []string{"user", "service", "group", "sso_group"}[rng.IntN(4)], ID: fmt.Sprint(rng.IntN(50))}
		if k.Type == authz.TypeSSOGroup {
			k.Connection = fmt.Sprint(rng.IntN(5))
		}
		if rng.IntN(20) == 0 {
			k.ID = authz.Wildcard
		}
		b.Subjects = append(b.Subjects, k)
	}
	if rng.IntN(2) == 0 {
		b.Scope = fmt.Sprintf("org:%d", rng.IntN(30))
	}
	if rng.IntN(4) == 0 {
		b.NotBefore = time.Unix(1, 0)
	}
	return b
}

// edited is a binding with one thing changed: a subject, or what all subjects
// get.
func edited(rng *rand.Rand, b *Binding) *Binding {
	c, other := *b, randomBinding(rng, "")
	c.Subjects = slices.Clone(b.Subjects)
	i, one := rng.IntN(len(c.Subjects)), other.Subjects[0]
	switch rng.IntN(8) {
	case 0:
		c.Scope = other.Scope
		return &c
	case 1:
		c.Roles = other.Roles
		return &c
	case 2:
		c.NotBefore = other.NotBefore
		return &c
	}
	switch {
	case rng.IntN(3) == 0 && len(c.Subjects) > 1:
		c.Subjects = slices.Delete(c.Subjects, i, i+1)
	case rng.IntN(2) == 0:
		c.Subjects[i] = one
	default:
		c.Subjects = slices.Insert(c.Subjects, i, one)
	}
	return &c
}

// answers returns what random requests are told. The roles say everything, since
// every role allows the one action that is asked for.
func answers(t *testing.T, s *Snapshot, seed uint64) []string {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 0))
	var all []string
	for range 20 {
		r := authz.Request{
			Namespace: "app", Time: time.Unix(int64(rng.IntN(2)), 0), Scope: fmt.Sprintf("org:%d/team:x", rng.IntN(30)),
			Subject: authz.Subject{
				Type: []string{"user", "service"}[rng.IntN(2)], ID: fmt.Sprint(rng.IntN(50)),
				Groups:    []string{fmt.Sprint(rng.IntN(50))},
				SSOGroups: []authz.SSOGroup{{Connection: fmt.Sprint(rng.IntN(5)), ID: fmt.Sprint(rng.IntN(50))}},
			},
			Action: authz.Action{Name: "read"}, Resource: authz.Resource{Type: "document"},
		}
		var d authz.Decision
		if err := s.Check(&r, &d); err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprint(d))
	}
	return all
}

// vocabulary declares some of the roles, each of which allows to read documents.
func vocabulary(declared ...string) *Vocabulary {
	var roles []*Role
	for _, id := range declared {
		roles = append(roles, &Role{ID: id, Permissions: []Permission{{Resource: "document", Actions: WordsOf("read")}}})
	}
	return Link([]*Resource{{Type: "document", Actions: []string{"read"}}}, roles)
}

// TestNothingIsHeldForNothing: after every batch a space holds the names that its
// bindings and its vocabulary need, and no other, and decides like a new one,
// also when its numbers have become others. In the end nothing is left.
func TestNothingIsHeldForNothing(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	x := NewIndex(nil)
	bindings := map[string]*Binding{}
	for batch := range 400 {
		limit := 150
		if batch > 300 {
			limit = 20
		}
		for range rng.IntN(30) {
			name := fmt.Sprintf("b-%d", rng.IntN(200))
			b := bindings[name]
			switch {
			case len(bindings) > limit || rng.IntN(8) == 0:
				delete(bindings, name)
				x.Delete("app", name)
				continue
			case b != nil && rng.IntN(2) == 0:
				b = edited(rng, b)
			default:
				b = randomBinding(rng, name)
			}
			bindings[name] = b
			x.Put("app", b, 0)
		}
		declared := []string{"unbound"}
		for _, i := range rng.Perm(60)[:20] {
			declared = append(declared, fmt.Sprintf("role-%d", i))
		}
		x.SetVocabulary("app", vocabulary(declared...))
		s := x.Publish("")
		n, _ := s.namespaces.Get("app")
		if diff := cmp.Diff(heldBy(bindings, declared...), x.spaces["app"].held(t, n), cmp.AllowUnexported(names{}, kindName{})); diff != "" {
			t.Fatalf("batch %d (-needed +held):\n%s", batch, diff)
		}
		other := NewIndex(nil)
		other.SetVocabulary("app", vocabulary(declared...))
		for _, b := range bindings {
			other.Put("app", b, 0)
		}
		if diff := cmp.Diff(answers(t, other.Publish(""), uint64(batch)), answers(t, s, uint64(batch))); diff != "" {
			t.Fatalf("batch %d (-new index +worn one):\n%s", batch, diff)
		}
		if rng.IntN(8) == 0 {
			x.spaces["app"].compact()
		}
	}
	for name := range bindings {
		x.Delete("app", name)
	}
	x.SetVocabulary("app", Link(nil, nil))
	x.SetVocabulary("nothing", Link(nil, nil))
	s := x.Publish("")
	if _, left := s.namespaces.Get("app"); left || len(x.spaces)+len(x.changed)+x.Bindings() > 0 || s.only != nil {
		t.Errorf("of nothing, %d spaces and %d bindings are left", len(x.spaces), x.Bindings())
	}
}

// TestEmptyTableWhenNothingIsBound: a namespace that keeps its vocabulary keeps
// nothing of its bindings.
func TestEmptyTableWhenNothingIsBound(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 3))
	x := NewIndex(nil)
	x.SetVocabulary("app", Link(nil, []*Role{{ID: "role-1"}}))
	var all []string
	for i := range 5000 {
		b := randomBinding(rng, fmt.Sprint(i))
		x.Put("app", b, 0)
		all = append(all, b.Name)
	}
	x.Publish("")
	for _, name := range all {
		x.Delete("app", name)
	}
	n, _ := x.Publish("").namespaces.Get("app")
	for _, key := range []Key{{Type: "user", ID: "1"}, {Type: "user", ID: "*"}} {
		if list := n.table.Find(0, key.ID); list.Len() > 0 || list.Fat() != nil {
			t.Errorf("%v still has entries", key)
		}
	}
	want := heldBy(nil, "role-1")
	if diff := cmp.Diff(want, x.spaces["app"].held(t, n), cmp.AllowUnexported(names{}, kindName{})); diff != "" {
		t.Errorf("(-needed +held):\n%s", diff)
	}
	if n.users != nil || len(x.spaces["app"].book.places.tags) > minPlaces {
		t.Errorf("users are known: %v; %d places for no name", n.users != nil, len(x.spaces["app"].book.places.tags))
	}
}
