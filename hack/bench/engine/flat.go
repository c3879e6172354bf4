// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"hash/maphash"
	"math"

	"github.com/rolecall/rolecall/hack/bench/workload"
)

// flat is the floor with the fewest cache misses that was found: an open-addressed
// table of slots without pointers, the assignments in line, and one arena of names
// to compare. The collector has nothing to scan. It changes in place: unlike
// ideal, it has no way for a writer to share it with readers.
type flat struct {
	tables *tables
	seed   maphash.Seed
	mask   uint64
	slots  []slot
	arena  []byte
}

// slot is a user in half a cache line. A hash of 0 is an empty slot.
type slot struct {
	hash   uint64
	offset uint32
	length uint16
	n      uint16
	held   [workload.AssignmentsPerUser]packed
	_      uint32
}

// packed is an assignment in 32 bits: the role above, the scope's number plus
// one in the lowest eight.
type packed uint32

func pack(a workload.Assignment) packed { return packed(a.Role)<<8 | packed(a.Scope-workload.Any) }

func (p packed) role() int  { return int(p >> 8) }
func (p packed) scope() int { return int(p&0xff) + workload.Any }

// Build implements Engine.
func (e *flat) Build(s *workload.Set) error {
	e.tables, e.seed = newTables(s), maphash.MakeSeed()
	size := uint64(16)
	for size*3 < uint64(s.Users)*4 {
		size *= 2
	}
	e.mask, e.slots = size-1, make([]slot, size)
	for u := range s.Users {
		e.add(workload.UserName(u), s.Of(u))
	}
	return nil
}

func (e *flat) add(name string, as []workload.Assignment) {
	hash := e.hash(name)
	i := hash >> 1 & e.mask
	for e.slots[i].hash != 0 {
		i = (i + 1) & e.mask
	}
	if len(e.arena) > math.MaxUint32 {
		panic("the names do not fit in the arena")
	}
	sl := &e.slots[i]
	sl.hash, sl.offset, sl.length = hash, uint32(len(e.arena)), uint16(len(name))
	for _, a := range as {
		sl.held[sl.n] = pack(a)
		sl.n++
	}
	e.arena = append(e.arena, name...)
}

func (e *flat) hash(name string) uint64 { return maphash.String(e.seed, name) | 1 }

func (e *flat) find(name string) *slot {
	hash := e.hash(name)
	for i := hash >> 1 & e.mask; ; i = (i + 1) & e.mask {
		sl := &e.slots[i]
		if sl.hash == 0 {
			return nil
		}
		if sl.hash == hash && string(e.arena[sl.offset:sl.offset+uint32(sl.length)]) == name {
			return sl
		}
	}
}

// Reader implements Engine.
func (e *flat) Reader(requests []workload.Request) Reader {
	return func(i int) bool { return e.allows(&requests[i]) }
}

func (e *flat) allows(q *workload.Request) bool {
	bit, scope, ok := e.tables.what(q)
	if !ok {
		return false
	}
	sl := e.find(q.User)
	if sl == nil {
		return false
	}
	for _, a := range sl.held[:sl.n] {
		if held := a.scope(); held != workload.Any && held != scope {
			continue
		}
		if e.tables.grants(a.role(), bit, q) {
			return true
		}
	}
	return false
}

// Change implements Engine.
func (e *flat) Change(user int, from, to workload.Assignment) func() {
	name := workload.UserName(user)
	return func() {
		sl := e.find(name)
		for i, a := range sl.held[:sl.n] {
			if a == pack(from) {
				sl.held[i] = pack(to)
				return
			}
		}
	}
}
