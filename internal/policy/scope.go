// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"strings"

	"github.com/rolecall/rolecall/internal/persist"
)

// scopeSet is the numbers of the scopes that cover a check, beside everywhere:
// its own and its ancestors, as far as any binding has them.
type scopeSet struct {
	n     int
	first [4]uint32
	more  []uint32
}

// find fills the set for the scope of a check.
func (s *scopeSet) find(numbers *persist.Map[string, uint32], scope string) {
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

func (s *scopeSet) addIfBound(numbers *persist.Map[string, uint32], scope string) {
	number, bound := numbers.Find(scope, persist.Hash(scope))
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

func (s *scopeSet) at(i int) uint32 {
	if i < len(s.first) {
		return s.first[i]
	}
	return s.more[i-len(s.first)]
}

func (s *scopeSet) has(number uint32) bool {
	for i := range s.n {
		if s.at(i) == number {
			return true
		}
	}
	return false
}
