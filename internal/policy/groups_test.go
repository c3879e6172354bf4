// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/policy"
)

func user(id string) policy.Key { return policy.Key{Type: "user", ID: id} }
func team(id string) policy.Key { return policy.Key{Type: authz.TypeGroup, ID: id} }

func group(id string, members ...policy.Key) *policy.Group {
	return &policy.Group{Meta: policy.Meta{Name: id}, ID: id, Members: members}
}

// bindTeam gives a role of the group's name.
func bindTeam(id string) *policy.Binding {
	b := bind("to-"+id, "", id)
	b.Subjects = []policy.Key{team(id)}
	return b
}

func reader(id string) *policy.Role {
	return role(id, policy.Permission{Resource: "document", Actions: policy.WordsOf("read")})
}

// TestALongWay puts a subject into a hundred groups, of which each is at the end
// of a chain of fifty that meets the others in a ring.
func TestALongWay(t *testing.T) {
	const wide, deep = 100, 50
	x := policy.NewIndex(nil)
	var roles []*policy.Role
	var want []string
	for i := range wide {
		id := fmt.Sprintf("g-%03d", i)
		x.PutGroup("app", group(id, user("alice"), team(fmt.Sprintf("g-%03d", (i+1)%wide))))
		below := id
		for j := range deep {
			above := fmt.Sprintf("%s/%02d", id, j)
			x.PutGroup("app", group(above, team(below)))
			below = above
		}
		x.Put("app", bindTeam(below), 0)
		roles, want = append(roles, reader(below)), append(want, below)
	}
	x.SetVocabulary("app", policy.Link(document, roles))
	s := x.Publish("")
	for name, r := range map[string]*authz.Request{"a member": ask("alice", "read"), "who says so": ask("bob", "read")} {
		if name == "who says so" {
			r.Subject.Groups = []string{"g-042"}
		}
		got := decide(t, s, r)
		if diff := cmp.Diff(authz.Decision{Allowed: true, Reason: authz.ReasonGranted, Roles: want}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if d := decide(t, s, ask("bob", "read")); d.Reason != authz.ReasonNoRole {
		t.Errorf("who is no member: %v", d.Reason)
	}
}

// TestGroupsComeAndGo compares what is left after changes with what comes from
// nothing, where an oracle would not look: at who owns an id in between.
func TestGroupsComeAndGo(t *testing.T) {
	x := policy.NewIndex(nil)
	x.SetVocabulary("app", policy.Link(document, []*policy.Role{reader("a"), reader("b")}))
	x.Put("app", bindTeam("a"), 0)
	x.Put("app", bindTeam("b"), 0)
	claims := func(name, id string, members ...policy.Key) *policy.Group {
		g := group(id, members...)
		g.Name = name
		return g
	}
	steps := []struct {
		what   string
		change func()
		want   map[string]authz.Reason
	}{
		{"one claims it", func() { x.PutGroup("app", claims("2", "a", user("ann"))) }, map[string]authz.Reason{"ann": authz.ReasonGranted}},
		{"an older one comes", func() { x.PutGroup("app", claims("1", "a", user("bob"))) }, map[string]authz.Reason{"ann": authz.ReasonNoPermission, "bob": authz.ReasonGranted}},
		{"it goes over to another id", func() { x.PutGroup("app", claims("1", "b", user("bob"))) }, map[string]authz.Reason{"ann": authz.ReasonGranted, "bob": authz.ReasonGranted}},
		{"and comes back", func() { x.PutGroup("app", claims("1", "a", user("bob"))) }, map[string]authz.Reason{"ann": authz.ReasonNoPermission, "bob": authz.ReasonGranted}},
		{"it goes", func() { x.DeleteGroup("app", "1") }, map[string]authz.Reason{"ann": authz.ReasonGranted, "bob": authz.ReasonNoRole}},
		{"what is not there goes", func() { x.DeleteGroup("app", "1"); x.DeleteGroup("no", "1") }, map[string]authz.Reason{"ann": authz.ReasonGranted}},
		{"the last one goes", func() { x.DeleteGroup("app", "2") }, map[string]authz.Reason{"ann": authz.ReasonNoRole}},
		{"one comes again", func() { x.PutGroup("app", claims("2", "b", user("cid"))) }, map[string]authz.Reason{"ann": authz.ReasonNoRole, "cid": authz.ReasonGranted}},
	}
	for _, step := range steps {
		step.change()
		s := x.Publish("")
		for id, want := range step.want {
			if d := decide(t, s, ask(id, "read")); d.Reason != want {
				t.Errorf("%s: %s gets %v, want %v", step.what, id, d.Reason, want)
			}
		}
	}
}

// TestGroupsAlone: a namespace that has nothing but Groups is there, and without
// them it is gone.
func TestGroupsAlone(t *testing.T) {
	x := policy.NewIndex([]string{"app"})
	x.PutGroup("app", group("team", user("alice")))
	if d := decide(t, x.Publish(""), ask("alice", "read")); d.Reason != authz.ReasonUnknownResource {
		t.Errorf("got %v", d.Reason)
	}
	x.DeleteGroup("app", "team")
	x.PutGroup("app", group("team", user("bob")))
	x.SetVocabulary("app", policy.Link(document, []*policy.Role{reader("team")}))
	x.Put("app", bindTeam("team"), 0)
	s := x.Publish("")
	for id, want := range map[string]authz.Reason{"alice": authz.ReasonNoRole, "bob": authz.ReasonGranted} {
		if d := decide(t, s, ask(id, "read")); d.Reason != want {
			t.Errorf("%s: %v, want %v", id, d.Reason, want)
		}
	}
}

// BenchmarkOneMemberOfMany is what one more or one fewer member costs, by how many
// there are; the object itself is read as a whole.
func BenchmarkOneMemberOfMany(b *testing.B) {
	for _, n := range []int{10, 1_000, 10_000} {
		b.Run(fmt.Sprintf("members=%d", n), func(b *testing.B) {
			x := policy.NewIndex(nil)
			var members []policy.Key
			for i := range n {
				members = append(members, user(fmt.Sprintf("user-%d", i)))
			}
			more := slices.Insert(slices.Clone(members), n/2, user("newcomer"))
			x.PutGroup("app", group("team", members...))
			x.Publish("")
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if i%2 == 0 {
					x.PutGroup("app", group("team", more...))
				} else {
					x.PutGroup("app", group("team", members...))
				}
				x.Publish("")
			}
		})
	}
}

// BenchmarkGroups is what Groups cost a check: none, one, and many.
func BenchmarkGroups(b *testing.B) {
	for _, n := range []int{0, 1, 10, 100} {
		b.Run(fmt.Sprintf("groups=%d", n), func(b *testing.B) {
			x := policy.NewIndex(nil)
			x.SetVocabulary("app", policy.Link(document, []*policy.Role{reader("r")}))
			x.Put("app", bind("b", "alice", "r"), 0)
			for i := range n {
				id := fmt.Sprintf("g-%d", i)
				x.PutGroup("app", group(id, user("alice"), team("interns")))
				x.Put("app", bindTeam(id), 0)
			}
			s := x.Publish("")
			r := ask("alice", "read")
			var d authz.Decision
			b.ReportAllocs()
			for b.Loop() {
				if err := s.Check(r, &d); err != nil || !d.Allowed {
					b.Fatal(d, err)
				}
			}
		})
	}
}
