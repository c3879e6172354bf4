// SPDX-License-Identifier: Apache-2.0

package admission_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/rolecall/rolecall/api/v1alpha1"
)

// pairs is how many pairs of objects each random test tries.
const pairs = 2000

// moment is a point of everything that a binding distinguishes: it gives a role to
// somebody, for an instance, at a scope and a time, with conditions that hold or not.
type moment struct {
	subject  v1alpha1.Subject
	resource v1alpha1.ResourceRef
	scope    string
	at       int
	holds    string // the conditions that hold
}

// namedSubjects are the subjects that the random bindings name.
var namedSubjects = []v1alpha1.Subject{
	{Type: "user", ID: "a"},
	{Type: "user", ID: "b"},
	{Type: "service", ID: "a"},
	{Type: "group", ID: "a"},
	{Type: "sso_group", Connection: "x", ID: "a"},
	{Type: "sso_group", Connection: "y", ID: "a"},
}

// The worlds in which a binding is looked at: for each of what the random bindings
// name there is one more that they do not.
var (
	subjects  = slices.Concat(namedSubjects, []v1alpha1.Subject{{Type: "user", ID: "unnamed"}, {Type: "service", ID: "unnamed"}})
	instances = []v1alpha1.ResourceRef{{Type: "d", ID: "1"}, {Type: "d", ID: "2"}, {Type: "e", ID: "1"}, {Type: "e", ID: "unnamed"}}
	scopes    = []string{"", "a", "a/b", "a/b/c", "ab", "unnamed"}
	truths    = []string{"", "p", "q", "pq"}
)

const days = 5

// gives says to whom a binding gives its roles, in the plainest way.
func gives(b *v1alpha1.RoleBindingSpec, m moment) bool {
	listed := slices.ContainsFunc(b.Subjects, func(s v1alpha1.Subject) bool {
		return s == m.subject || s.ID == "*" && s.Type == m.subject.Type
	})
	inScope := b.Scope == "*" || b.Scope == m.scope || strings.HasPrefix(m.scope, b.Scope+"/")
	named := b.Resources == nil || slices.Contains(b.Resources, m.resource)
	begun := b.NotBefore == nil || !day(m.at).Before(b.NotBefore)
	over := b.NotAfter != nil && !day(m.at).Before(b.NotAfter)
	return listed && inScope && named && begun && !over && (b.Condition == "" || strings.Contains(m.holds, string(b.Condition)))
}

func day(n int) *metav1.Time { return new(metav1.Date(2026, 1, 1+n, 0, 0, 0, 0, time.UTC)) }

// gained returns the roles that somebody has by after and not by before, sorted.
func gained(before, after *v1alpha1.RoleBindingSpec) []string {
	found := map[string]bool{}
	for _, s := range subjects {
		for _, r := range instances {
			for _, scope := range scopes {
				for at := range days + 1 {
					for _, holds := range truths {
						m := moment{s, r, scope, at, holds}
						if !gives(after, m) {
							continue
						}
						had := before != nil && gives(before, m)
						for _, role := range after.Roles {
							if !had || !slices.Contains(before.Roles, role) {
								found[string(role)] = true
							}
						}
						if len(found) == len(after.Roles) {
							return slices.Sorted(maps.Keys(found))
						}
					}
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// TestRandomRoleBindings: who may bind nothing is refused exactly the roles that
// somebody would gain. So nothing that gives more goes through, and nothing that
// gives less, or the same, is refused.
func TestRandomRoleBindings(t *testing.T) {
	e, r := newEngine(t, "rolebindings"), rand.New(rand.NewPCG(1, 2))
	wider := 0
	for i := range pairs {
		before := randomBinding(r)
		after := nextBinding(r, before)
		var old *unstructured.Unstructured
		if i%10 == 0 {
			before = nil
		} else {
			old = unstructuredOf(t, &v1alpha1.RoleBinding{Spec: *before})
		}
		want := gained(before, after)
		var got []string
		for _, refusal := range e.refusals(t, write{before: old, after: unstructuredOf(t, &v1alpha1.RoleBinding{Spec: *after})}, nothing) {
			_, rest, _ := strings.Cut(refusal, `the rcrole "`)
			id, _, _ := strings.Cut(rest, `"`)
			got = append(got, id)
		}
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("pair %d: roles gained and roles refused (-gained +refused):\n%s\nbefore: %+v\nafter: %+v", i, diff, before, after)
		}
		if len(want) > 0 {
			wider++
		}
	}
	if wider < pairs/4 || wider > pairs*3/4 {
		t.Errorf("%d of %d pairs are wider: the test looks at one side only", wider, pairs)
	}
}

// randomBinding returns a binding that names what the worlds have.
func randomBinding(r *rand.Rand) *v1alpha1.RoleBindingSpec {
	b := &v1alpha1.RoleBindingSpec{Roles: some(r, []v1alpha1.ID{"r1", "r2", "r3"}), Scope: pick(r, []string{"*", "a", "a/b", "ab"})}
	b.Subjects = some(r, slices.Concat(namedSubjects, []v1alpha1.Subject{{Type: "user", ID: "*"}, {Type: "service", ID: "*"}}))
	if r.IntN(2) == 0 {
		b.Resources = some(r, instances[:3])
	}
	b.Condition = pick(r, []v1alpha1.Expression{"", "p", "q"})
	from := r.IntN(days - 1)
	if r.IntN(2) == 0 {
		b.NotBefore = day(1 + from)
	}
	if r.IntN(2) == 0 {
		b.NotAfter = day(2 + from + r.IntN(days-1-from))
	}
	return b
}

// nextBinding changes a field or two of a binding; of two that have nothing in
// common one is always wider.
func nextBinding(r *rand.Rand, before *v1alpha1.RoleBindingSpec) *v1alpha1.RoleBindingSpec {
	after, other := before.DeepCopy(), randomBinding(r)
	for range 1 + r.IntN(2) {
		switch r.IntN(6) {
		case 0:
			after.Roles = other.Roles
		case 1:
			after.Subjects = other.Subjects
		case 2:
			after.Scope = other.Scope
		case 3:
			after.Resources = other.Resources
		case 4:
			after.Condition = other.Condition
		default:
			after.NotBefore, after.NotAfter = other.NotBefore, other.NotAfter
		}
	}
	return after
}

// TestRandomGroups is the same for the members of groups.
func TestRandomGroups(t *testing.T) {
	e, r := newEngine(t, "groups"), rand.New(rand.NewPCG(3, 4))
	members := func() []v1alpha1.Subject {
		if r.IntN(8) == 0 {
			return nil
		}
		return randomBinding(r).Subjects
	}
	for i := range pairs {
		before, after := members(), members()
		has := func(members []v1alpha1.Subject, s v1alpha1.Subject) bool {
			return gives(&v1alpha1.RoleBindingSpec{Scope: "*", Subjects: members}, moment{subject: s})
		}
		more := slices.ContainsFunc(subjects, func(s v1alpha1.Subject) bool { return has(after, s) && !has(before, s) })
		w := write{
			before: unstructuredOf(t, &v1alpha1.Group{Spec: v1alpha1.GroupSpec{Members: before}}),
			after:  unstructuredOf(t, &v1alpha1.Group{Spec: v1alpha1.GroupSpec{Members: after}}),
		}
		if got := e.refusals(t, w, nothing); (len(got) > 0) != more {
			t.Fatalf("pair %d: more members: %t, refused: %q\nbefore: %v\nafter: %v", i, more, got, before, after)
		}
	}
}

// TestRandomRoles: whatever makes a Role allow more or deny less at any point is
// refused. Not the other way round: a permission that is changed counts as another.
func TestRandomRoles(t *testing.T) {
	e, r := newEngine(t, "roles"), rand.New(rand.NewPCG(5, 6))
	wider, passed := 0, 0
	for i := range pairs {
		before := randomRole(r)
		after := before.DeepCopy()
		for range 1 + r.IntN(2) {
			changeRole(r, after, randomRole(r))
		}
		more := somewhere(func(p point) bool {
			return says(after, p, false) && !says(before, p, false) || says(before, p, true) && !says(after, p, true)
		})
		w := write{before: unstructuredOf(t, &v1alpha1.Role{Spec: *before}), after: unstructuredOf(t, &v1alpha1.Role{Spec: *after})}
		switch got := e.refusals(t, w, nothing); {
		case more && len(got) == 0:
			t.Fatalf("pair %d gives more and is not refused\nbefore: %+v\nafter: %+v", i, before, after)
		case more:
			wider++
		case len(got) == 0:
			passed++
		}
	}
	if wider < pairs/4 || passed < pairs/20 {
		t.Errorf("of %d pairs %d are wider, and %d of the others pass: the test looks at one side only", pairs, wider, passed)
	}
}

// point is a question that a role answers: for a type and an action, with conditions
// that hold, as a bound or an asserted role.
type point struct {
	typ, action, holds string
	asserted           bool
}

// says reports whether a role, or one that it inherits, allows or denies a point. An
// inherited role is not known: it allows and denies its own id.
func says(r *v1alpha1.RoleSpec, p point, deny bool) bool {
	if p.asserted && !r.Assertable {
		return false
	}
	return slices.Contains(r.Inherits, v1alpha1.ID(p.typ)) || slices.ContainsFunc(r.Permissions, func(q v1alpha1.Permission) bool {
		return (q.Effect == v1alpha1.EffectDeny) == deny && string(q.Resource) == p.typ &&
			slices.Contains(q.Actions, v1alpha1.Pattern(p.action)) && (q.Condition == "" || strings.Contains(p.holds, string(q.Condition)))
	})
}

func somewhere(holds func(point) bool) bool {
	for _, typ := range []string{"d", "e", "r1", "r2"} {
		for _, action := range []string{"x", "y"} {
			for _, truth := range truths {
				if holds(point{typ, action, truth, false}) || holds(point{typ, action, truth, true}) {
					return true
				}
			}
		}
	}
	return false
}

func randomRole(r *rand.Rand) *v1alpha1.RoleSpec {
	s := &v1alpha1.RoleSpec{Assertable: r.IntN(2) == 0}
	if r.IntN(2) == 0 {
		s.Inherits = some(r, []v1alpha1.ID{"r1", "r2"})
	}
	for range r.IntN(4) {
		s.Permissions = append(s.Permissions, v1alpha1.Permission{
			Effect: pick(r, []v1alpha1.Effect{"", v1alpha1.EffectAllow, v1alpha1.EffectDeny}), Resource: pick(r, []v1alpha1.Pattern{"d", "e"}),
			Actions: some(r, []v1alpha1.Pattern{"x", "y"}), Condition: pick(r, []v1alpha1.Expression{"", "p", "q"}),
		})
	}
	return s
}

func changeRole(r *rand.Rand, s, other *v1alpha1.RoleSpec) {
	switch n := len(s.Permissions); r.IntN(5) {
	case 0:
		s.Inherits = other.Inherits
	case 1:
		s.Assertable = other.Assertable
	case 2:
		s.Permissions = append(s.Permissions, other.Permissions...)
	case 3:
		if n > 0 {
			at := r.IntN(n)
			s.Permissions = slices.Delete(s.Permissions, at, at+1)
		}
	default:
		s.Permissions = other.Permissions
	}
}

// TestLongLists: the longest lists are judged within the cost that there is, by what
// is in them or, where comparing costs too much, as having more.
func TestLongLists(t *testing.T) {
	list := func(n, from int) []v1alpha1.Subject {
		all := make([]v1alpha1.Subject, n)
		for i := range all {
			all[i] = v1alpha1.Subject{Type: "user", ID: fmt.Sprintf("somebody-%d@department.example.com", from+i)}
		}
		return all
	}
	roles := make([]v1alpha1.ID, maxRoles)
	for i := range roles {
		roles[i] = v1alpha1.ID(fmt.Sprintf("role-%d", i))
	}
	bindings, groups := newEngine(t, "rolebindings"), newEngine(t, "groups")
	for _, tt := range []struct {
		name          string
		members       bool
		before, after []v1alpha1.Subject
		refused       int
	}{
		{name: "a full binding with another subject", before: list(maxSubjects, 0), after: list(maxSubjects, 1), refused: maxRoles},
		{name: "the longest binding of which one subject goes", before: list(939, 0), after: list(938, 0)},
		{name: "a full binding of which a tenth goes", before: list(maxSubjects, 0), after: list(maxSubjects*88/100, 0)},
		{name: "a full binding of which too little goes to tell", before: list(maxSubjects, 0), after: list(maxSubjects-1, 1), refused: maxRoles},
		{name: "a full binding unchanged", before: list(maxSubjects, 0), after: list(maxSubjects, 0)},
		{name: "a full binding of others", before: list(939, 0), after: list(938, 9000), refused: maxRoles},
		{name: "a full group unchanged", members: true, before: list(maxMembers, 0), after: list(maxMembers, 0)},
		{name: "a full group of which all but a few go", members: true, before: list(maxMembers, 0), after: list(150, 4000)},
		{name: "a full group of which too little goes to tell", members: true, before: list(maxMembers, 0), after: list(maxMembers-1, 1), refused: 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w, e := write{}, bindings
			if tt.members {
				w.before = unstructuredOf(t, &v1alpha1.Group{Spec: v1alpha1.GroupSpec{Members: tt.before}})
				w.after = unstructuredOf(t, &v1alpha1.Group{Spec: v1alpha1.GroupSpec{Members: tt.after, Description: "x"}})
				e = groups
			} else {
				w.before = unstructuredOf(t, &v1alpha1.RoleBinding{Spec: v1alpha1.RoleBindingSpec{Roles: roles, Subjects: tt.before, Scope: "*"}})
				w.after = unstructuredOf(t, &v1alpha1.RoleBinding{Spec: v1alpha1.RoleBindingSpec{Roles: roles, Subjects: tt.after, Scope: "a"}})
			}
			if got := e.refusals(t, w, nothing); len(got) != tt.refused {
				t.Errorf("%d refusals, want %d: %q", len(got), tt.refused, got)
			}
			all := func(verb, _, _ string) bool { return verb == "bind" }
			if got := e.refusals(t, w, all); len(got) > 0 {
				t.Errorf("who may bind everything is refused: %q", got)
			}
		})
	}
}

func some[T any](r *rand.Rand, from []T) []T {
	all := slices.Clone(from)
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:1+r.IntN(len(all))]
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

func unstructuredOf(tb testing.TB, o runtime.Object) *unstructured.Unstructured {
	tb.Helper()
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
	if err != nil {
		tb.Fatal(err)
	}
	return named(&unstructured.Unstructured{Object: content})
}
