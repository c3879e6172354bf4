// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/grants"
	"github.com/rolecall/rolecall/internal/persist"
)

// sparse is how many numbers a space may waste before it is compacted.
const sparse = 1 << 12

// compactIfSparse gives the bindings and the scopes of a space new numbers if
// three quarters of the old ones are free, so that the memory of what has been
// removed comes back. It takes time in proportion to what is left, which is less
// than what was removed since the last time. There must be no open batch.
func (s *space) compactIfSparse() {
	bindings, scopes := int(s.book.records.n), len(s.scopes.names)
	if bindings-s.book.live > max(3*s.book.live, sparse) || len(s.scopes.free) > max(3*(scopes-len(s.scopes.free)), sparse) {
		s.compact()
	}
}

func (s *space) compact() {
	newBinding := s.compactBook()
	newScope := s.compactScopes()
	s.table.Renumber(func(e grants.Entry) grants.Entry {
		special := e.Binding & grants.Special
		e.Binding = newBinding[e.Binding&^grants.Special] | special
		e.Scope = newScope[e.Scope]
		return e
	})
	for _, f := range s.book.many {
		f.scope = newScope[f.scope]
	}
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
