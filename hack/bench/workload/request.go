// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// Request is one question, with its right answer.
type Request struct {
	User, Type, ID, Action, Scope string
	// Owner is the user who owns the resource.
	Owner string

	UserN, TypeN, ActionN, ScopeN int

	// Allowed is the right answer.
	Allowed bool
	// Hinges says that the answer is that of a condition: the user holds a
	// permission with one for this, and none without.
	Hinges bool
}

// Granting is the oracle, as naive as it can be: the roles that allow it, sorted.
func (s *Set) Granting(user, typ, action, scope int, owner bool) []int32 {
	var roles []int32
	for _, a := range s.Of(user) {
		if a.Scope != Any && int(a.Scope) != scope {
			continue
		}
		for _, p := range s.Roles[a.Role] {
			if p.Covers(typ, action) && (!p.Owner || owner) {
				roles = append(roles, a.Role)
				break
			}
		}
	}
	slices.Sort(roles)
	return roles
}

// GrantingNames returns the ids of the roles that allow r, sorted.
func (s *Set) GrantingNames(r *Request) []string {
	var names []string
	for _, role := range s.Granting(r.UserN, r.TypeN, r.ActionN, r.ScopeN, r.Owner == r.User) {
		names = append(names, RoleName(int(role)))
	}
	return names
}

// Requests makes n requests. About half are aimed at a permission that the user
// holds; the rest are random, and mostly denied. With conditions more are aimed,
// half of them at the permission that has one.
func (s *Set) Requests(n int) []Request {
	rng := rand.New(rand.NewPCG(5, 6)) //nolint:gosec // the same in every process
	g := generator{
		Set: s, rng: rng, aim: 50,
		types: Table(Types, TypeName), actions: Table(Actions, ActionName), scopes: Table(Scopes, ScopeName),
	}
	if s.Variant.Conditional() {
		g.aim = 65
	}
	out := make([]Request, n)
	for i := range out {
		out[i] = g.request()
	}
	return out
}

type generator struct {
	*Set

	rng                    *rand.Rand
	aim                    int // percent
	types, actions, scopes []string
}

func (g *generator) request() Request {
	q := Request{UserN: g.rng.IntN(g.Users), TypeN: g.rng.IntN(Types), ActionN: g.rng.IntN(Actions), ScopeN: g.rng.IntN(Scopes)}
	if g.rng.IntN(100) < g.aim {
		g.target(&q)
	}
	owner := q.UserN
	if g.rng.IntN(2) == 0 {
		owner = (q.UserN + 1 + g.rng.IntN(g.Users-1)) % g.Users
	}
	q.User, q.Owner = UserName(q.UserN), UserName(owner)
	q.Type, q.Action, q.Scope = g.types[q.TypeN], g.actions[q.ActionN], g.scopes[q.ScopeN]
	q.ID = fmt.Sprintf("r-%06d", g.rng.IntN(1000000))
	q.Allowed = len(g.Granting(q.UserN, q.TypeN, q.ActionN, q.ScopeN, owner == q.UserN)) > 0
	q.Hinges = len(g.Granting(q.UserN, q.TypeN, q.ActionN, q.ScopeN, true)) > 0 &&
		len(g.Granting(q.UserN, q.TypeN, q.ActionN, q.ScopeN, false)) == 0
	return q
}

// target aims a request at something that its user holds.
func (g *generator) target(q *Request) {
	a := g.Of(q.UserN)[g.rng.IntN(AssignmentsPerUser)]
	ps := g.Roles[a.Role]
	p := ps[g.rng.IntN(len(ps))]
	if g.Variant.Conditional() && g.rng.IntN(2) == 0 {
		p = ps[0]
	}
	if p.Type != Any {
		q.TypeN = p.Type
	}
	if p.Action != Any {
		q.ActionN = p.Action
	}
	if a.Scope != Any {
		q.ScopeN = int(a.Scope)
	}
}

// Effective returns the ids of the roles that the user holds in the scope, for
// engines that take them from the request.
func (s *Set) Effective(user, scope int) []string {
	var out []string
	for _, a := range s.Of(user) {
		if a.Scope == Any || int(a.Scope) == scope {
			out = append(out, RoleName(int(a.Role)))
		}
	}
	return out
}

// Aimed returns a request of a user for the last permission of an assignment's
// role, where the assignment is held. It may be answered otherwise when the
// policy has changed.
func (s *Set) Aimed(user int, a Assignment) Request {
	p := s.Roles[a.Role][PermissionsPerRole-1]
	q := Request{UserN: user, TypeN: max(p.Type, 0), ActionN: max(p.Action, 0), ScopeN: max(int(a.Scope), 0)}
	q.User, q.Owner, q.ID = UserName(user), UserName(user), "r-000000"
	q.Type, q.Action, q.Scope = TypeName(q.TypeN), ActionName(q.ActionN), ScopeName(q.ScopeN)
	q.Allowed = len(s.GrantingNames(&q)) > 0
	return q
}
