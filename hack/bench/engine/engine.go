// SPDX-License-Identifier: Apache-2.0

// Package engine is the interface of what is measured in process, and the
// floors: code that does the least that such a decision can cost, useless for
// anything else.
package engine

import "github.com/rolecall/rolecall/hack/bench/workload"

// Engine holds one policy.
type Engine interface {
	// Build compiles the policy into the engine's own form.
	Build(s *workload.Set) error

	// Reader returns what answers the requests, in the engine's own form if it
	// has one. Readers of several goroutines may run at once; one belongs to one
	// goroutine.
	Reader(requests []workload.Request) Reader

	// Change prepares, in the form in which the engine takes it, that a user holds
	// one assignment instead of another, and returns what does it: when that
	// returns, every Reader sees it. Prepared changes are done in their order, and
	// none is left out. Unless the engine is Shared, no Reader may run meanwhile.
	Change(user int, from, to workload.Assignment) func()
}

// Reader answers request i, which is below the number of requests that it was
// made for.
type Reader func(i int) bool

// Preparer is an Engine whose input is not the workload itself. What Prepare
// makes is not timed, and is let go by Build.
type Preparer interface {
	Prepare(s *workload.Set)
}

// Shared is an Engine that readers may use while it changes.
type Shared interface {
	Shared()
}

// Vocabulary is an Engine whose roles and resources can be changed alone.
type Vocabulary interface {
	// ChangeRole prepares a change of role i, and returns what does it. Done
	// twice, the role is as before.
	ChangeRole(i int) func()
	// ChangeResource is ChangeRole for resource type i.
	ChangeResource(i int) func()
}

// Roler is an Engine that says which roles grant.
type Roler interface {
	// Roles returns the ids of the roles that grant a request, sorted.
	Roles(q *workload.Request) []string
}

// Marker is an Engine that does less than decide, a lower mark for the machine:
// its answers are not compared.
type Marker interface {
	Marker()
}

// New makes an Engine.
type New func() Engine

// Floors returns the floors by name.
func Floors() map[string]New {
	return map[string]New{
		"mapget":     func() Engine { return &mapGet{} },
		"ideal":      func() Engine { return &ideal{} },
		"ideal-flat": func() Engine { return &flat{} },
	}
}
