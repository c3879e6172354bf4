// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"slices"

	"github.com/rolecall/rolecall/internal/persist"
)

// limited is the way from an instance, by its number, to the bindings that name it.
// Without it a check would go through all that was ever shared with somebody.
type limited struct {
	settled *persist.Postings
	pending []persist.Posting // of this batch
}

var noLimited = &persist.Postings{}

// postLimited notes which instances a binding names, or that it no longer does. Those
// of a binding that lists nobody who can exist have no numbers, and nobody asks.
func (s *space) postLimited(number uint32, b *Binding, by int32) {
	if !slices.ContainsFunc(b.Subjects, func(k Key) bool { return k.possible() }) {
		return
	}
	for _, instance := range b.Resources {
		named := s.instances.numbers.numbers[instance]
		s.limited.pending = append(s.limited.pending, persist.Posting{Triple: persist.Triple{named, 0, number}, N: by})
	}
}

// settle ends the batch.
func (l *limited) settle() {
	if len(l.pending) > 0 {
		l.settled, l.pending = l.settled.With(l.pending), nil
	}
}

// renumber is for instances and bindings with new numbers, in the order of the old.
func (l *limited) renumber(newInstance, newBinding []uint32) {
	l.settled = l.settled.Map(func(t persist.Triple) persist.Triple {
		return persist.Triple{newInstance[t[0]], 0, newBinding[t[2]]}
	})
}
