// SPDX-License-Identifier: Apache-2.0

package decide_test

import (
	"cmp"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/compile"
	"github.com/rolecall/rolecall/internal/policy"
	"github.com/rolecall/rolecall/internal/testkit"
	"github.com/rolecall/rolecall/internal/testkit/decide"
	"github.com/rolecall/rolecall/internal/testkit/random"
)

// worlds are the resources that the conditions and the bindings of random
// policies can tell from one another.
func worlds() []authz.Resource {
	var all []authz.Resource
	for _, id := range []string{"", "d0", "d1", "u0", "another"} {
		for _, owner := range []any{nil, "u0", "u1", "u2", "user:u0", "nobody", 7.0} {
			w := authz.Resource{ID: id}
			if owner != nil {
				w.Properties = map[string]any{"owner": owner}
			}
			all = append(all, w)
		}
	}
	return all
}

// TestPermissions: of random policies, what is allowed or denied is so for every
// resource, says the oracle; and little is called conditional that is not.
func TestPermissions(t *testing.T) {
	t.Parallel()
	env := decide.Env(t)
	programs, compiler := decide.NewPrograms(env), compile.New(env)
	e := enumerated{tally: map[authz.Outlook]int{}}
	for seed := range uint64(200) {
		g := random.New(seed)
		objects := policyOf(g, seed+1) // a crowd is for the core alone; see TestPermissionsOfACrowd
		snapshot, naive := decide.Snapshot(compiler, objects), decide.Oracle(programs, objects)
		for range 2 {
			r := g.Request(objects)
			if !e.compare(t, snapshot, func(r *authz.Request) authz.Decision { return naive.Check(r) }, r) {
				t.Fatalf("seed %d, %+v", seed, r)
			}
			held, err := snapshot.Held(r)
			if err != nil {
				t.Fatal(err)
			}
			if diff := gocmp.Diff(sortedRoles(naive.Held(r)), held, cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("seed %d, %+v holds (-oracle +snapshot):\n%s", seed, r, diff)
			}
			e.held += len(held)
		}
	}
	e.enough(t)
}

// TestPermissionsOfACrowd is the same for policies that bind a great many, by the
// checks of the core.
func TestPermissionsOfACrowd(t *testing.T) {
	t.Parallel()
	compiler := compile.New(decide.Env(t))
	e := enumerated{tally: map[authz.Outlook]int{}}
	for seed := range uint64(5) {
		g := random.New(seed)
		objects := g.Crowd()
		for _, o := range objects { // who asks what is refused gets no decision
			if r, ok := o.(*v1alpha1.Resource); ok {
				r.Spec.PropertyValidation = ""
			}
		}
		snapshot := decide.Snapshot(compiler, objects)
		check := func(r *authz.Request) authz.Decision {
			var d authz.Decision
			if err := snapshot.Check(r, &d); err != nil {
				t.Fatal(err)
			}
			return d
		}
		for range 10 {
			r := g.Request(objects)
			if !e.compare(t, snapshot, check, r) {
				t.Fatalf("seed %d, %+v", seed, r)
			}
		}
	}
}

func sortedRoles(held []authz.HeldRole) []authz.HeldRole {
	number := map[bool]int{true: 1}
	slices.SortFunc(held, func(a, b authz.HeldRole) int {
		return cmp.Or(cmp.Compare(a.Role, b.Role), cmp.Compare(a.Scope, b.Scope), number[a.Conditional]-number[b.Conditional], number[a.Asserted]-number[b.Asserted])
	})
	return slices.Compact(held)
}

// enumerated counts what was compared.
type enumerated struct {
	tally                map[authz.Outlook]int
	settled, overCareful int
	held                 int
}

// compare compares the permissions of a subject with the decisions about every
// world.
func (e *enumerated) compare(t *testing.T, s *policy.Snapshot, check func(*authz.Request) authz.Decision, r *authz.Request) bool {
	t.Helper()
	all, err := s.Permissions(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		q := *r
		q.Action.Name = p.Action
		may, mayNot := false, false
		for _, w := range worlds() {
			q.Resource = w
			q.Resource.Type = p.Resource
			d := check(&q)
			may, mayNot = may || d.Allowed, mayNot || !d.Allowed
			if d.Allowed && !containsAll(p.Roles, d.Roles) {
				t.Errorf("%+v: %v is allowed through %v", p, q.Resource, d.Roles)
				return false
			}
		}
		e.tally[p.Outlook]++
		if may != mayNot {
			e.settled++
		}
		switch {
		case p.Outlook == authz.Allowed && mayNot, p.Outlook == authz.Denied && may:
			t.Errorf("%+v, and checks are allowed: %v, denied: %v", p, may, mayNot)
			return false
		case p.Outlook == authz.Conditional && may != mayNot:
			e.overCareful++
		}
	}
	return true
}

func containsAll(all, some []string) bool {
	return !slices.ContainsFunc(some, func(s string) bool { return !slices.Contains(all, s) })
}

// enough shows that the comparison was worth something.
func (e *enumerated) enough(t *testing.T) {
	t.Helper()
	t.Logf("%v, %d of %d settled ones are called conditional, %d roles", e.tally, e.overCareful, e.settled, e.held)
	for o := authz.Denied; o <= authz.Allowed; o++ {
		if e.tally[o] < 50 {
			t.Errorf("only %d are %v", e.tally[o], o)
		}
	}
	if e.overCareful*20 > e.settled {
		t.Errorf("%d of %d that no resource changes are called conditional, want at most a twentieth", e.overCareful, e.settled)
	}
	if e.held < 100 {
		t.Errorf("the subjects hold only %d roles", e.held)
	}
}

// TestPermissionsOfABadRequest: there is nothing to tell.
func TestPermissionsOfABadRequest(t *testing.T) {
	t.Parallel()
	s := decide.Snapshot(compile.New(decide.Env(t)), nil)
	bad := &authz.Request{Namespace: testkit.Namespace, Time: testkit.Now(), Subject: authz.Subject{Type: "group", ID: "g"}}
	if got, err := s.Permissions(bad); err == nil {
		t.Errorf("a group has the permissions %v", got)
	}
	if got, err := s.Held(bad); err == nil {
		t.Errorf("a group holds the roles %v", got)
	}
	if got, err := policy.NewSnapshot([]string{"served"}).Permissions(&authz.Request{
		Namespace: "elsewhere", Time: testkit.Now(), Subject: authz.Subject{Type: "user", ID: "u"},
	}); err == nil {
		t.Errorf("a namespace that is not served has the permissions %v", got)
	}
}
