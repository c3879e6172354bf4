// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/policy"
)

// shares is a namespace in which a few subjects have a great many bindings, most of
// them about an instance or two, that come and go.
type shares struct {
	rng   *rand.Rand
	index *policy.Index
	all   map[string]*policy.Binding
}

var sharers = []policy.Key{
	{Type: "user", ID: "ann"}, {Type: "user", ID: "bob"}, {Type: "user", ID: "*"}, {Type: "group", ID: "staff"}, {Type: "", ID: "nobody"},
}

func newShares(seed uint64) *shares {
	s := &shares{rng: rand.New(rand.NewPCG(seed, 1)), index: policy.NewIndex(nil), all: map[string]*policy.Binding{}}
	read := policy.Permission{Resource: "document", Actions: policy.WordsOf("read")}
	var roles []*policy.Role
	for i := range 8 {
		roles = append(roles, role(fmt.Sprint("r", i), read))
	}
	s.index.SetVocabulary("app", policy.Link(document, roles))
	return s
}

func (s *shares) instance(n int) policy.Instance {
	return policy.Instance{Type: "document", ID: fmt.Sprint("d", s.rng.IntN(n))}
}

func (s *shares) put(name string, instances int) {
	b := &policy.Binding{
		Meta:  policy.Meta{Name: name, Deleting: s.rng.IntN(50) == 0},
		Roles: []string{fmt.Sprint("r", s.rng.IntN(9))}, // the last is not declared
		Scope: []string{"*", "org:a", "org:a/team:b", "org:c"}[s.rng.IntN(4)],
	}
	for range 1 + s.rng.IntN(2) {
		b.Subjects = append(b.Subjects, sharers[s.rng.IntN(len(sharers))])
	}
	for range s.rng.IntN(4) {
		b.Resources = append(b.Resources, s.instance(instances))
	}
	if s.rng.IntN(20) == 0 {
		b.NotAfter = noon.AddDate(0, 0, s.rng.IntN(2)*2-1)
	}
	s.all[name] = b
	s.index.Put("app", b, s.rng.Uint64())
}

func (s *shares) remove(name string) {
	delete(s.all, name)
	s.index.Delete("app", name)
}

// grantors are the roles that grant, by the bindings themselves.
func (s *shares) grantors(r *authz.Request) []string {
	var roles []string
	for _, b := range s.all {
		listed := slices.ContainsFunc(b.Subjects, func(k policy.Key) bool {
			return (k.Type == "user" && (k.ID == "*" || k.ID == r.Subject.ID)) || (k.Type == "group" && slices.Contains(r.Subject.Groups, k.ID))
		})
		about := len(b.Resources) == 0 || slices.Contains(b.Resources, policy.Instance{Type: r.Resource.Type, ID: r.Resource.ID})
		covers := b.Scope == "*" || authz.ScopeCovers(b.Scope, r.Scope)
		valid := b.NotAfter.IsZero() || r.Time.Before(b.NotAfter)
		if listed && about && covers && valid && !b.Deleting && b.Roles[0] != "r8" {
			roles = append(roles, b.Roles[0])
		}
	}
	slices.Sort(roles)
	return slices.Compact(roles)
}

func (s *shares) compare(t *testing.T, snapshot *policy.Snapshot, instances, requests int) {
	t.Helper()
	for range requests {
		r := ask([]string{"ann", "bob", "eve"}[s.rng.IntN(3)], "read")
		r.Resource.ID = s.instance(instances + 1).ID
		r.Scope = []string{"", "org:a", "org:a/team:b", "org:a/team:b/x:y", "org:c"}[s.rng.IntN(5)]
		if s.rng.IntN(2) == 0 {
			r.Subject.Groups = []string{"staff"}
		}
		if got, want := decide(t, snapshot, r).Roles, s.grantors(r); !slices.Equal(got, want) {
			t.Fatalf("%s of %s in %q is granted by %v, want %v", r.Resource.ID, r.Subject.ID, r.Scope, got, want)
		}
	}
}

// TestSharedInstances: few bindings name one instance, or a great many do; they come
// and go, and most of them at once, so that instances and bindings get new numbers.
func TestSharedInstances(t *testing.T) {
	for _, instances := range []int{2, 40, 5000} {
		t.Run(fmt.Sprint(instances), func(t *testing.T) {
			s := newShares(uint64(instances))
			name := func(i int) string { return fmt.Sprintf("b%05d", i) }
			for i := range 6000 {
				s.put(name(i), instances)
			}
			s.compare(t, s.index.Publish("1"), instances, 100)
			for round := range 6 {
				for range 100 {
					if i := s.rng.IntN(6000); s.rng.IntN(3) == 0 {
						s.remove(name(i))
					} else {
						s.put(name(i), instances)
					}
				}
				s.compare(t, s.index.Publish(fmt.Sprint("2-", round)), instances, 50)
			}
			for i := range 6000 {
				if i%20 != 0 {
					s.remove(name(i))
				}
			}
			s.compare(t, s.index.Publish("3"), instances, 100)
			for i := range 1000 {
				s.put(name(i), instances)
			}
			s.compare(t, s.index.Publish("4"), instances, 100)
		})
	}
}

// BenchmarkShared is a check of a subject with ten thousand bindings, each about an
// instance of its own, beside one of a subject with one such binding.
func BenchmarkShared(b *testing.B) {
	s := newShares(1)
	for i := range 10_000 {
		for user, n := range map[string]int{"ann": 10_000, "bob": 1} {
			if i < n {
				share := bind(fmt.Sprintf("%s-%d", user, i), user, "r0")
				share.Resources = []policy.Instance{{Type: "document", ID: fmt.Sprint("d", i)}}
				s.index.Put("app", share, 0)
			}
		}
	}
	snapshot := s.index.Publish("1")
	for _, user := range []string{"ann", "bob"} {
		b.Run(user, func(b *testing.B) {
			b.ReportAllocs()
			r := ask(user, "read")
			r.Resource.ID = "d0"
			var d authz.Decision
			for b.Loop() {
				if err := snapshot.Check(r, &d); err != nil || !d.Allowed {
					b.Fatal(d, err)
				}
			}
		})
	}
}
