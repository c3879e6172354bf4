// SPDX-License-Identifier: Apache-2.0

package engine

import "github.com/rolecall/rolecall/hack/bench/workload"

const words = (workload.Types*workload.Actions + 63) / 64

type bits [words]uint64

func (b *bits) has(i int) bool { return b[i>>6]&(1<<(i&63)) != 0 }
func (b *bits) set(i int)      { b[i>>6] |= 1 << (i & 63) }

// tables are what the floors know of roles: names as numbers, and a bit set for
// each role.
type tables struct {
	types, actions, scopes map[string]int
	always, owner          []bits
}

func newTables(s *workload.Set) *tables {
	t := &tables{
		types:   index(workload.Types, workload.TypeName),
		actions: index(workload.Actions, workload.ActionName),
		scopes:  index(workload.Scopes, workload.ScopeName),
		always:  make([]bits, len(s.Roles)),
		owner:   make([]bits, len(s.Roles)),
	}
	for r, ps := range s.Roles {
		for _, p := range ps {
			to := &t.always[r]
			if p.Owner {
				to = &t.owner[r]
			}
			p.Expand(func(typ, action int) { to.set(typ*workload.Actions + action) })
		}
	}
	return t
}

func index(n int, name func(int) string) map[string]int {
	m := make(map[string]int, n)
	for i := range n {
		m[name(i)] = i
	}
	return m
}

// what returns the bit and the scope that a request asks for.
func (t *tables) what(q *workload.Request) (bit, scope int, ok bool) {
	typ, ok := t.types[q.Type]
	if !ok {
		return 0, 0, false
	}
	action, ok := t.actions[q.Action]
	if !ok {
		return 0, 0, false
	}
	if scope, ok = t.scopes[q.Scope]; !ok {
		scope = workload.Any - 1 // no assignment's
	}
	return typ*workload.Actions + action, scope, true
}

func (t *tables) grants(role, bit int, q *workload.Request) bool {
	return t.always[role].has(bit) || t.owner[role].has(bit) && q.Owner == q.User
}
