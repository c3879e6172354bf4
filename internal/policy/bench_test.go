// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/expr"
	"github.com/rolecall/rolecall/internal/policy"
)

// The workload of the benchmarks: 200 types of 10 actions, 1,000 roles of 20
// permissions, three bindings a user, half of them in one of 50 scopes.
const (
	benchTypes, benchActions    = 200, 10
	benchRoles, benchPermission = 1000, 20
	benchBindings, benchScopes  = 3, 50
)

type workload struct {
	index    *policy.Index
	declared []*policy.Resource
	roles    []*policy.Role
	snapshot *policy.Snapshot
	requests []authz.Request
	last     *policy.Binding
	grants   map[string]map[[2]string]bool // role -> (type, action): the floor's policy
	holds    map[string][][2]string        // user -> (role, scope)
}

func newWorkload(b *testing.B, users int, condition string) *workload {
	b.Helper()
	rng := rand.New(rand.NewPCG(7, 7))
	w := &workload{grants: map[string]map[[2]string]bool{}, holds: map[string][][2]string{}}
	var resources []*policy.Resource
	for t := range benchTypes {
		r := &policy.Resource{Type: fmt.Sprintf("type-%d", t)}
		for a := range benchActions {
			r.Actions = append(r.Actions, fmt.Sprintf("action-%d", a))
		}
		resources = append(resources, r)
	}
	var compiled *expr.Program
	if condition != "" {
		compiled = program(b, condition)
	}
	var roles []*policy.Role
	for i := range benchRoles {
		roles = append(roles, w.role(rng, fmt.Sprintf("role-%d", i), compiled))
	}
	w.declared, w.roles = resources, roles
	w.index = policy.NewIndex(nil)
	w.index.SetVocabulary("app", policy.Link(resources, roles))
	for u := range users {
		for i := range benchBindings {
			w.last = w.bind(rng, fmt.Sprintf("user-%d", u), i)
			w.index.Put("app", w.last, 0)
		}
	}
	w.snapshot = w.index.Publish("1")
	for range 1 << 14 {
		w.requests = append(w.requests, w.request(rng, roles, users))
	}
	return w
}

func (w *workload) role(rng *rand.Rand, id string, condition *expr.Program) *policy.Role {
	r := role(id)
	w.grants[id] = map[[2]string]bool{}
	for range benchPermission {
		typ, action := fmt.Sprintf("type-%d", rng.IntN(benchTypes)), fmt.Sprintf("action-%d", rng.IntN(benchActions))
		p := policy.Permission{Resource: typ, Actions: policy.WordsOf(action), Condition: condition}
		w.grants[id][[2]string{typ, action}] = true
		r.Permissions = append(r.Permissions, p)
	}
	return r
}

func (w *workload) bind(rng *rand.Rand, user string, i int) *policy.Binding {
	id := fmt.Sprintf("role-%d", rng.IntN(benchRoles))
	x := bind(fmt.Sprintf("%s-%d", user, i), user, id)
	if rng.IntN(2) == 0 {
		x.Scope = fmt.Sprintf("org:%d", rng.IntN(benchScopes))
	}
	w.holds[user] = append(w.holds[user], [2]string{id, x.Scope})
	return x
}

// request aims half of the requests at something that the user holds.
func (w *workload) request(rng *rand.Rand, roles []*policy.Role, users int) authz.Request {
	user := fmt.Sprintf("user-%d", rng.IntN(users))
	r := *ask(user, fmt.Sprintf("action-%d", rng.IntN(benchActions)))
	r.Resource.Type = fmt.Sprintf("type-%d", rng.IntN(benchTypes))
	r.Resource.Properties = map[string]any{"owner_id": user}
	r.Scope = fmt.Sprintf("org:%d", rng.IntN(benchScopes))
	if rng.IntN(2) == 0 {
		held := w.holds[user][rng.IntN(benchBindings)]
		for _, x := range roles {
			if x.ID == held[0] {
				p := x.Permissions[rng.IntN(benchPermission)]
				r.Resource.Type, r.Action.Name = p.Resource, slices.Collect(p.Actions.All())[0]
			}
		}
		if held[1] != authz.Wildcard {
			r.Scope = held[1]
		}
	}
	return r
}

// floor is what a decision costs at the least with built-in maps: no deny, no
// reasons, no validity, no conditions.
func (w *workload) floor(r *authz.Request) bool {
	for _, h := range w.holds[r.Subject.ID] {
		if (h[1] == authz.Wildcard || h[1] == r.Scope) && w.grants[h[0]][[2]string{r.Resource.Type, r.Action.Name}] {
			return true
		}
	}
	return false
}

// BenchmarkCheck measures one decision at 1,000 roles, beside the floor.
func BenchmarkCheck(b *testing.B) {
	for _, users := range []int{1000, 33334} {
		for name, condition := range map[string]string{"unconditional": "", "owner": "resource.properties.owner_id == subject.id"} {
			w := newWorkload(b, users, condition)
			suffix := fmt.Sprintf("%s/assignments=%d", name, users*benchBindings)
			b.Run("rolecall/"+suffix, func(b *testing.B) {
				b.ReportAllocs()
				var d authz.Decision
				for i := 0; b.Loop(); i++ {
					if err := w.snapshot.Check(&w.requests[i%len(w.requests)], &d); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run("floor/"+suffix, func(b *testing.B) {
				b.ReportAllocs()
				n := 0
				for i := 0; b.Loop(); i++ {
					if w.floor(&w.requests[i%len(w.requests)]) {
						n++
					}
				}
			})
		}
	}
}

// BenchmarkChangeBinding measures one changed binding until checks see it.
func BenchmarkChangeBinding(b *testing.B) {
	for _, users := range []int{1000, 33334} {
		w := newWorkload(b, users, "")
		b.Run(fmt.Sprintf("assignments=%d", users*benchBindings), func(b *testing.B) {
			b.ReportAllocs()
			other := *w.last
			other.Roles = []string{"role-0"}
			pair := [2]*policy.Binding{w.last, &other}
			for i := 0; b.Loop(); i++ {
				w.index.Put("app", pair[i%2], 0)
				w.index.Publish("2")
			}
		})
	}
}

// BenchmarkLink measures the first vocabulary of a namespace.
func BenchmarkLink(b *testing.B) {
	w := newWorkload(b, 1, "")
	b.ReportAllocs()
	for b.Loop() {
		policy.Link(w.declared, w.roles)
	}
}

// BenchmarkChangeVocabulary measures a Role that gets a permission or loses it, and
// a Resource that gets an action or loses it, until checks see it.
func BenchmarkChangeVocabulary(b *testing.B) {
	for _, roles := range []int{1000, 100_000} {
		for name, condition := range map[string]string{"unconditional": "", "owner": "resource.properties.owner_id == subject.id"} {
			w := newWorkload(b, 1, condition)
			rng := rand.New(rand.NewPCG(8, 8))
			for i := len(w.roles); i < roles; i++ {
				w.roles = append(w.roles, w.role(rng, fmt.Sprintf("role-%d", i), w.roles[0].Permissions[0].Condition))
			}
			l := linker(w)
			role, resource := w.roles[roles/2], w.declared[benchTypes/2]
			more, wider := *role, *resource
			more.Permissions = append(slices.Clone(role.Permissions), policy.Permission{Resource: "type-0", Actions: policy.WordsOf("action-0")})
			wider.Actions = append(slices.Clone(resource.Actions), "another")
			b.Run(fmt.Sprintf("role/%s/roles=%d", name, roles), func(b *testing.B) {
				b.ReportAllocs()
				for pair := [2]*policy.Role{role, &more}; b.Loop(); pair[0], pair[1] = pair[1], pair[0] {
					l.ReplaceRole(pair[0], pair[1])
					w.publish(l)
				}
			})
			l = linker(w)
			b.Run(fmt.Sprintf("resource/%s/roles=%d", name, roles), func(b *testing.B) {
				b.ReportAllocs()
				for pair := [2]*policy.Resource{resource, &wider}; b.Loop(); pair[0], pair[1] = pair[1], pair[0] {
					l.ReplaceResource(pair[0], pair[1])
					w.publish(l)
				}
			})
		}
	}
}

func linker(w *workload) *policy.Linker {
	l := policy.NewLinker()
	for _, r := range w.declared {
		l.ReplaceResource(nil, r)
	}
	for _, r := range w.roles {
		l.ReplaceRole(nil, r)
	}
	w.publish(l)
	return l
}

func (w *workload) publish(l *policy.Linker) {
	v, _ := l.Link()
	w.index.SetVocabulary("app", v)
	w.snapshot = w.index.Publish("2")
}
