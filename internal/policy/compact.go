// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/grants"
	"github.com/rolecall/rolecall/internal/persist"
)

// sparse is how many numbers a space may waste before it is compacted.
const sparse = 1 << 12

// compactIfSparse gives the bindings, the scopes and the instances of a space new
// numbers if three quarters of the old ones are free, so that the memory of what has been
// removed comes back. It takes time in proportion to what is left, which is less
// than what was removed since the last time. There must be no open batch.
func (s *space) compactIfSparse() {
	if bindings := int(s.book.records.n); bindings-s.book.live > max(3*s.book.live, sparse) || s.scopes.sparse() || s.instances.numbers.sparse() {
		s.compact()
	}
}

// sparse reports whether three quarters of the numbers are free, and many.
func (n *numbering[K]) sparse() bool {
	return len(n.free) > max(3*(len(n.names)-len(n.free)), sparse)
}

func (s *space) compact() {
	newBinding := s.compactBook()
	newScope := s.compactScopes()
	var newInstance []uint32
	s.instances, newInstance = s.instances.compacted()
	s.compactHolders(newScope, newInstance)
	s.limited.renumber(newInstance, newBinding)
	s.table.Renumber(func(e grants.Entry) grants.Entry {
		number := e.Number()
		e.Binding += newBinding[number] - number
		e.Scope = newScope[e.Scope]
		return e
	})
	for _, f := range s.book.many {
		f.scope = newScope[f.scope]
	}
}

// compactHolders writes the way back anew, for scopes and instances with new numbers.
func (s *space) compactHolders(newScope, newInstance []uint32) {
	s.settle()
	s.holders.settled = s.holders.settled.Map(func(t persist.Triple) persist.Triple {
		t[0] = newScope[t[0]]
		if t[1]&onInstance != 0 {
			t[1] = newInstance[t[1]&^onInstance] | onInstance
		}
		return t
	})
}

// compactBook writes the book anew and returns the new numbers by the old ones.
func (s *space) compactBook() []uint32 {
	old, next := s.book, newBook()
	special, generations := emptyNamespace.special.Edit(), emptyNamespace.generations.Edit()
	numbers := make([]uint32, old.records.n)
	for from, name := range old.all() {
		to, _ := next.enter(name)
		numbers[from] = to
		*next.records.at(to) = *old.records.at(from)
		if f, ok := old.many[from]; ok {
			next.many[to] = f
		}
		if b, ok := s.special.Get(from); ok {
			special.Set(to, b)
		}
		if generation, ok := s.generations.Get(from); ok {
			generations.Set(to, generation)
		}
	}
	s.book, s.special, s.generations = next, special, generations
	return numbers
}

// compactScopes numbers the scopes anew and returns the new numbers by the old
// ones.
func (s *space) compactScopes() []uint32 {
	old := s.scopes
	s.scopes = numbering[string]{}
	s.scopes.hold(authz.Wildcard)
	s.scopeMap = persist.NewMap[string, uint32](persist.Hash).Edit()
	s.scopeNames = persist.Names{}.Edit()
	s.scopeNames.Set(grants.Everywhere, authz.Wildcard)
	numbers := make([]uint32, len(old.names))
	for from, refs := range old.refs {
		if refs == 0 || from == grants.Everywhere {
			continue
		}
		to, _ := s.scopes.hold(old.names[from])
		s.scopes.refs[to] = refs
		s.scopeMap.Set(old.names[from], to)
		s.scopeNames.Set(to, old.names[from])
		numbers[from] = to
	}
	s.scopes.refs[grants.Everywhere] = old.refs[grants.Everywhere]
	return numbers
}
