// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"slices"
	"sync/atomic"

	"github.com/rolecall/rolecall/hack/bench/workload"
)

// ideal is the floor that ratios are taken to: one map from user to assignments,
// three small ones, a bit set for each role. It stops at the first role that
// grants, and knows no reasons. A change stores a new slice behind an atomic
// pointer, so readers may run meanwhile.
type ideal struct {
	tables *tables
	users  map[string]*atomic.Pointer[[]workload.Assignment]
}

// Build implements Engine.
func (e *ideal) Build(s *workload.Set) error {
	e.tables = newTables(s)
	e.users = make(map[string]*atomic.Pointer[[]workload.Assignment], s.Users)
	for u := range s.Users {
		as := slices.Clone(s.Of(u))
		p := new(atomic.Pointer[[]workload.Assignment])
		p.Store(&as)
		e.users[workload.UserName(u)] = p
	}
	return nil
}

// Reader implements Engine.
func (e *ideal) Reader(requests []workload.Request) Reader {
	return func(i int) bool { return e.allows(&requests[i]) }
}

func (e *ideal) allows(q *workload.Request) bool {
	held := e.users[q.User]
	if held == nil {
		return false
	}
	bit, scope, ok := e.tables.what(q)
	if !ok {
		return false
	}
	for _, a := range *held.Load() {
		if a.Scope != workload.Any && int(a.Scope) != scope {
			continue
		}
		if e.tables.grants(int(a.Role), bit, q) {
			return true
		}
	}
	return false
}

// Shared says that readers may run while it changes.
func (*ideal) Shared() {}

// Change implements Engine.
func (e *ideal) Change(user int, from, to workload.Assignment) func() {
	name := workload.UserName(user)
	return func() {
		held := e.users[name]
		as := slices.Clone(*held.Load())
		as[slices.Index(as, from)] = to
		held.Store(&as)
	}
}

// mapGet looks one string up among the users, and decides nothing.
type mapGet struct {
	users map[string]int32
}

// Marker says that it does not decide.
func (*mapGet) Marker() {}

// Build implements Engine.
func (e *mapGet) Build(s *workload.Set) error {
	e.users = make(map[string]int32, s.Users)
	for u := range s.Users {
		e.users[workload.UserName(u)] = int32(u)
	}
	return nil
}

// Reader implements Engine.
func (e *mapGet) Reader(requests []workload.Request) Reader {
	return func(i int) bool { return int(e.users[requests[i].User]) == requests[i].UserN }
}

// Change implements Engine.
func (e *mapGet) Change(user int, _, _ workload.Assignment) func() {
	name := workload.UserName(user)
	return func() { e.users[name] = int32(user) }
}
