// SPDX-License-Identifier: Apache-2.0

// Package workload makes the one data set, the requests and their right answers
// that everything here is measured with. The seeds are fixed: it is the same in
// every process.
package workload

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// The sizes of the workload. The number of users is what varies.
const (
	Types              = 200
	Actions            = 10
	Scopes             = 50
	Roles              = 1000
	PermissionsPerRole = 20
	AssignmentsPerUser = 3
)

// Variant is a form of the workload.
type Variant string

// The variants.
const (
	// RBAC has no conditions and no wildcards.
	RBAC Variant = "rbac"
	// Condition gives each role one permission that only the owner has: a
	// comparison of two strings.
	Condition Variant = "condition"
	// CEL is Condition with an expression that is no plain comparison (CELOwner).
	CEL Variant = "cel"
	// Wildcards has a wildcard type or action in 5% of the roles.
	Wildcards Variant = "wildcards"
)

// Variants returns all variants.
func Variants() []Variant { return []Variant{RBAC, Condition, CEL, Wildcards} }

// ParseVariant returns the variant of that name.
func ParseVariant(s string) (Variant, error) {
	if v := Variant(s); slices.Contains(Variants(), v) {
		return v, nil
	}
	return "", fmt.Errorf("unknown variant %q: want one of %v", s, Variants())
}

// Conditional says that a permission of each role has a condition.
func (v Variant) Conditional() bool { return v == Condition || v == CEL }

// Any is the wildcard type, the wildcard action, and the scope that is
// everywhere.
const Any = -1

// Permission is one permission of a role.
type Permission struct {
	Type, Action int
	// Owner: it holds only for what the subject owns.
	Owner bool
}

// Covers reports whether the permission is about an action on a type.
func (p Permission) Covers(typ, action int) bool {
	return (p.Type == Any || p.Type == typ) && (p.Action == Any || p.Action == action)
}

// Expand calls visit for every type and action that the permission covers.
func (p Permission) Expand(visit func(typ, action int)) {
	types, actions := []int{p.Type}, []int{p.Action}
	if p.Type == Any {
		types = allTypes
	}
	if p.Action == Any {
		actions = allActions
	}
	for _, t := range types {
		for _, a := range actions {
			visit(t, a)
		}
	}
}

var allTypes, allActions = count(Types), count(Actions)

func count(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// Assignment gives a user a role, in one scope or everywhere.
type Assignment struct {
	Role  int32
	Scope int16
}

// Set is a policy.
type Set struct {
	Variant     Variant
	Users       int
	Roles       [][]Permission
	Assignments []Assignment // AssignmentsPerUser for each user, in their order
}

// New makes the policy for a number of users, which is at least 2.
func New(v Variant, users int) *Set {
	s := &Set{Variant: v, Users: users, Roles: make([][]Permission, Roles)}
	rng := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same in every process
	for i := range s.Roles {
		s.Roles[i] = permissions(rng)
		s.adapt(i)
	}
	rng = rand.New(rand.NewPCG(3, 4)) //nolint:gosec // the same in every process
	s.Assignments = make([]Assignment, users*AssignmentsPerUser)
	for u := range users {
		assign(rng, s.Of(u))
	}
	return s
}

func permissions(rng *rand.Rand) []Permission {
	ps := make([]Permission, 0, PermissionsPerRole)
	for len(ps) < PermissionsPerRole {
		p := Permission{Type: rng.IntN(Types), Action: rng.IntN(Actions)}
		if !slices.Contains(ps, p) {
			ps = append(ps, p)
		}
	}
	return ps
}

// adapt makes role i what the variant wants.
func (s *Set) adapt(i int) {
	first := &s.Roles[i][0]
	switch {
	case s.Variant.Conditional():
		first.Owner = true
	case s.Variant == Wildcards && i%40 == 0:
		first.Action = Any
	case s.Variant == Wildcards && i%20 == 0:
		first.Type = Any
	}
}

// assign fills in different roles, half of them in one scope.
func assign(rng *rand.Rand, as []Assignment) {
	for j := range as {
		role := int32(rng.IntN(Roles))
		for holds(as[:j], role) {
			role = int32(rng.IntN(Roles))
		}
		as[j] = Assignment{Role: role, Scope: Any}
		if rng.IntN(2) == 0 {
			as[j].Scope = int16(rng.IntN(Scopes))
		}
	}
}

func holds(as []Assignment, role int32) bool {
	return slices.ContainsFunc(as, func(a Assignment) bool { return a.Role == role })
}

// Of returns the assignments of a user. They may be changed.
func (s *Set) Of(user int) []Assignment {
	return s.Assignments[user*AssignmentsPerUser : (user+1)*AssignmentsPerUser]
}

// Spare returns a role that the user does not hold.
func (s *Set) Spare(user int) int32 {
	as := s.Of(user)
	role := (as[0].Role + 1) % Roles
	for holds(as, role) {
		role = (role + 1) % Roles
	}
	return role
}

// The shapes of an engine's objects, where it has several.
const (
	// Single is an object for each assignment.
	Single = "single"
	// Grouped is an object for up to 500 users with the same assignment; the
	// first assignment of a lone user has one of its own.
	Grouped = "grouped"
)

// loneEvery is how far lone users are apart.
const loneEvery = 20

// Lone says whether a user is lone.
func Lone(user int) bool { return user%loneEvery == 0 }
