// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"strings"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/grants"
	"github.com/rolecall/rolecall/internal/persist"
)

// scopeSet is the numbers of the scopes that cover a check, beside everywhere:
// its own and its ancestors, as far as any binding has them.
type scopeSet struct {
	n     int
	first [4]uint32
	more  []uint32
}

// findLone fills the set for the scope of a check, if it is one of few and has no
// ancestors. Then it is valid, too.
func (s *scopeSet) findLone(numbers *scopeNumbers, scope string) bool {
	if numbers.few == nil {
		return false
	}
	slot := numbers.few.slot(scope)
	if !slot.marked {
		return false
	}
	s.first[0], s.n = slot.number-1, 1
	return true
}

// find fills the set for the scope of a check.
func (s *scopeSet) find(numbers *scopeNumbers, scope string) {
	if scope == "" {
		return
	}
	s.addIfBound(numbers, scope)
	for end := strings.IndexByte(scope, '/'); end >= 0; {
		s.addIfBound(numbers, scope[:end])
		next := strings.IndexByte(scope[end+1:], '/')
		if next < 0 {
			return
		}
		end += 1 + next
	}
}

func (s *scopeSet) addIfBound(numbers *scopeNumbers, scope string) {
	number, bound := numbers.find(scope)
	if !bound {
		return
	}
	if s.n < len(s.first) {
		s.first[s.n] = number
	} else {
		s.more = append(s.more, number)
	}
	s.n++
}

// scopeNumbers finds the numbers of the scopes that some binding has, but for
// everywhere. It never changes once it is made.
type scopeNumbers struct {
	all *persist.Map[string, uint32]
	// few has all of them, and is read in a third of the time, if it is not nil. It
	// is made anew when a scope comes or goes, so they must not be many.
	few *dict
}

// fewScopes is up to how many scopes, in use or not, are few.
const fewScopes = 256

func newScopeNumbers(all *persist.Map[string, uint32], scopes *numbering[string]) *scopeNumbers {
	n := &scopeNumbers{all: all}
	if len(scopes.names) <= fewScopes {
		few := newMarkedDict(scopes, loneScope)
		n.few = &few
	}
	return n
}

// loneScope reports whether a name is a scope without ancestors.
func loneScope(name string) bool {
	return authz.ValidScope(name) && !strings.Contains(name, "/")
}

func (n *scopeNumbers) find(scope string) (number uint32, bound bool) {
	if n.few != nil {
		number, bound = n.few.find(scope)
		return number, bound && number != grants.Everywhere
	}
	return n.all.Get(scope)
}

func (s *scopeSet) at(i int) uint32 {
	if i < len(s.first) {
		return s.first[i]
	}
	return s.more[i-len(s.first)]
}

// covers returns 1 if a number is that of everywhere or in the set, else 0.
func (s *scopeSet) covers(number uint32) uint64 {
	// Without bound scopes, the first number is that of everywhere.
	in := one(number == grants.Everywhere) | one(number == s.first[0])
	for i := 1; i < s.n; i++ {
		in |= one(number == s.at(i))
	}
	return in
}
