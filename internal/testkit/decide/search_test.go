// SPDX-License-Identifier: Apache-2.0

package decide_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/compile"
	"github.com/rolecall/rolecall/internal/policy"
	"github.com/rolecall/rolecall/internal/testkit"
	"github.com/rolecall/rolecall/internal/testkit/decide"
	"github.com/rolecall/rolecall/internal/testkit/oracle"
	"github.com/rolecall/rolecall/internal/testkit/random"
)

// searches counts what was compared.
type searches struct {
	// found is how much was found of each sort, by how many searches, and openings
	// how many strangers were allowed.
	found, searches [authz.Actions + 1]int
	openings        int
}

// TestSearch: of random policies a search finds what the oracle allows of all that
// is known, page by page too; and says so where strangers are allowed.
func TestSearch(t *testing.T) {
	t.Parallel()
	env := decide.Env(t)
	programs, compiler := decide.NewPrograms(env), compile.New(env)
	var count searches
	for seed := range uint64(400) {
		g := random.New(seed)
		objects := policyOf(g, seed)
		snapshot, naive := decide.Snapshot(compiler, objects), decide.Oracle(programs, objects)
		for range 4 {
			r := g.Request(objects)
			if !count.compare(t, g, snapshot, naive, r) {
				t.Fatalf("seed %d:\n%s", seed, testkit.FormatRequest(r))
			}
		}
	}
	t.Logf("%v found by %v searches, %d strangers are allowed", count.found, count.searches, count.openings)
	for sought, n := range count.found {
		if n < 200 {
			t.Errorf("only %d found by searches of sort %d", n, sought)
		}
	}
	if count.openings < 100 {
		t.Errorf("only %d strangers are allowed", count.openings)
	}
}

// compare compares the three searches that a request makes.
func (c *searches) compare(t *testing.T, g *random.Generator, s *policy.Snapshot, o *oracle.Oracle, r *authz.Request) bool {
	t.Helper()
	for sought := range authz.Actions + 1 {
		q := *r
		if sought == authz.Subjects {
			q.Subject = authz.Subject{Type: r.Subject.Type, Properties: r.Subject.Properties, Captured: r.Subject.Captured}
		}
		want := o.Search(sought, &q)
		got := search(t, s, &authz.Search{Sought: sought, Request: q, Limit: 1000, Candidates: 1000})
		if diff := cmp.Diff(want, got.IDs, cmpopts.EquateEmpty()); diff != "" || got.Next != "" {
			t.Errorf("search for %d finds (-oracle +snapshot), and then %q:\n%s", sought, got.Next, diff)
			return false
		}
		if paged := pages(t, g, s, sought, &q); !slices.Equal(paged, got.IDs) {
			t.Errorf("search for %d finds page by page %q, want %q", sought, paged, got.IDs)
			return false
		}
		c.found[sought] += len(want)
		c.searches[sought]++
		if sought == authz.Subjects && !c.open(t, o, &q, got.OpenTo) {
			return false
		}
	}
	return true
}

func search(t *testing.T, s *policy.Snapshot, q *authz.Search) authz.Found {
	t.Helper()
	found, err := s.Search(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// pages collects the pages of a search, of which each is short for some reason.
func pages(t *testing.T, g *random.Generator, s *policy.Snapshot, sought authz.Sought, r *authz.Request) []string {
	t.Helper()
	var all []string
	for after := ""; ; {
		q := &authz.Search{Sought: sought, Request: *r, After: after, Limit: 1, Candidates: 2}
		if g.Chance(50) {
			q.Limit, q.Candidates = 3, 7
		}
		found := search(t, s, q)
		if len(found.IDs) > q.Limit {
			t.Fatalf("%d found, want %d at most", len(found.IDs), q.Limit)
		}
		all = append(all, found.IDs...)
		if found.Next == "" {
			return all
		}
		if found.Next <= after {
			t.Fatalf("after %q comes %q", after, found.Next)
		}
		after = found.Next
	}
}

// open fails if somebody whom no object names is allowed by what he states, and the
// search does not say that such may be.
func (c *searches) open(t *testing.T, o *oracle.Oracle, r *authz.Request, openTo []authz.Opening) bool {
	t.Helper()
	for by, strangers := range map[authz.Opening][]authz.Subject{
		authz.OpenToAll:           {{}},
		authz.OpenToAsserted:      {{Roles: []string{"r0", "r1", "r2", "r3", "r4", "A", "Team:x/1"}}},
		authz.OpenToGroup:         {{Groups: []string{"g0", "g1", "g2", "g3", "u0"}}},
		authz.OpenToEmailDomain:   {{Email: "x@acme.com", EmailVerified: true}, {Email: "x@b.org", EmailVerified: true}},
		authz.OpenToSSOConnection: {{SSOConnections: []string{"c0", "c1", "g0"}}},
		authz.OpenToSSOGroup:      {{SSOGroups: []authz.SSOGroup{{Connection: "c0", ID: "g0"}, {Connection: "c1", ID: "g1"}}}},
	} {
		for _, stranger := range strangers {
			q := *r
			q.Subject = stranger
			q.Subject.Type, q.Subject.ID, q.Subject.Properties = r.Subject.Type, "stranger", r.Subject.Properties
			if !o.Check(&q).Allowed {
				continue
			}
			c.openings++
			if !slices.Contains(openTo, by) && !slices.Contains(openTo, authz.OpenToAll) {
				t.Errorf("%+v is allowed, and the search is open to %v", q.Subject, openTo)
				return false
			}
		}
	}
	return true
}

// TestSearchesThatFindNothing: what nobody knows is not found, and is no error.
func TestSearchesThatFindNothing(t *testing.T) {
	t.Parallel()
	objects := []testkit.Object{
		testkit.Resource("doc", "read").Obj(), testkit.Resource("scoped", "read").ScopeRequired().Obj(),
		testkit.Role("reader").Allow("*", "*").Obj(), testkit.Binding("b", "reader").To("user", "ann").Obj(),
	}
	s := decide.Snapshot(compile.New(decide.Env(t)), objects)
	for name, change := range map[string]func(*authz.Request){
		"another type of resource": func(r *authz.Request) { r.Resource.Type = "ship" },
		"another type of subject":  func(r *authz.Request) { r.Subject.Type = "ship" },
		"another action":           func(r *authz.Request) { r.Action.Name = "sail" },
		"no scope where one must":  func(r *authz.Request) { r.Resource.Type = "scoped" },
		"an empty namespace":       func(r *authz.Request) { r.Namespace = "empty" },
		"another session's scope":  func(r *authz.Request) { r.Subject.SessionScope = "org:a" },
	} {
		r := *ask("ann")
		change(&r)
		for sought := range authz.Actions + 1 {
			if name == "another action" && sought == authz.Actions {
				continue
			}
			if found := search(t, s, &authz.Search{Sought: sought, Request: r, Limit: 9, Candidates: 9}); len(found.IDs) > 0 || found.Next != "" {
				t.Errorf("%s: %+v", name, found)
			}
		}
	}
	if found := search(t, s, &authz.Search{Request: *ask(""), Limit: 9, Candidates: 9}); !slices.Equal(found.IDs, []string{"ann"}) {
		t.Errorf("and without all that: %+v", found)
	}
}

func ask(id string) *authz.Request {
	return &authz.Request{
		Namespace: testkit.Namespace, Subject: authz.Subject{Type: "user", ID: id}, Action: authz.Action{Name: "read"},
		Resource: authz.Resource{Type: "doc", ID: "d"}, Time: testkit.Now(),
	}
}

// TestSearchesThatCannotBe: the errors are those of a check, and what is sought need
// not be said.
func TestSearchesThatCannotBe(t *testing.T) {
	t.Parallel()
	s := policy.NewSnapshot([]string{testkit.Namespace})
	for name, change := range map[string]func(*authz.Request){
		"no time":                   func(r *authz.Request) { r.Time = authz.Request{}.Time },
		"no type of subject":        func(r *authz.Request) { r.Subject.Type = "" },
		"a reserved type":           func(r *authz.Request) { r.Subject.Type = "group" },
		"no type of resource":       func(r *authz.Request) { r.Resource.Type = "" },
		"no scope":                  func(r *authz.Request) { r.Scope = "a//b" },
		"a namespace of nobody's":   func(r *authz.Request) { r.Namespace = "elsewhere" },
		"what the subject is not":   func(r *authz.Request) { r.Subject.Groups = []string{"*"} },
		"an action, but for itself": func(r *authz.Request) { r.Action.Name = "" },
		"a subject, but for itself": func(r *authz.Request) { r.Subject.ID = "" },
	} {
		for sought := range authz.Actions + 1 {
			r := *ask("ann")
			change(&r)
			_, err := s.Search(t.Context(), &authz.Search{Sought: sought, Request: r, Limit: 1, Candidates: 1})
			unsaid := (sought == authz.Actions && r.Action.Name == "") || (sought == authz.Subjects && r.Subject.ID == "")
			if (err == nil) != unsaid {
				t.Errorf("%s, sought %d: error %v", name, sought, err)
			}
		}
	}
}

// TestSearchesEndWithTheirContext: nobody waits for the answer any more.
func TestSearchesEndWithTheirContext(t *testing.T) {
	t.Parallel()
	objects := []testkit.Object{testkit.Resource("doc", "read").Obj(), testkit.Role("reader").Allow("read", "doc").Obj()}
	b := testkit.Binding("b", "reader")
	for i := range 2000 {
		b.To("user", string(rune('a'+i/26%26))+string(rune('a'+i%26))+string(rune('a'+i/676)))
	}
	s := decide.Snapshot(compile.New(decide.Env(t)), append(objects, b.Obj()))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	found, err := s.Search(ctx, &authz.Search{Request: *ask(""), Limit: 5000, Candidates: 5000})
	if !errors.Is(err, context.Canceled) || len(found.IDs) > 0 {
		t.Errorf("found %d, error %v", len(found.IDs), err)
	}
}
