// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"slices"

	"github.com/rolecall/rolecall/internal/grants"
	"github.com/rolecall/rolecall/internal/persist"
)

// holders is the way back from what a table holds to the keys that hold it, for
// searches: for a scope and a role the marks of the keys to which some binding
// gives the role there; and for a scope and an instance those to which some binding
// gives whatever roles there for that instance. It never changes.
//
// It may name a key that no longer holds what it says, or another one with the same
// mark: who is found is asked about.
type holders struct {
	settled *persist.Postings
	// pending are the changes that are not settled yet. They are few.
	pending []persist.Posting
	// size is how many postings there are, those that are pending included, and read
	// says that a snapshot may read what is pending.
	size int
	read bool
}

// onInstance marks, in place of a role, the number of an instance.
const onInstance = 1 << 31

var noHolders = holders{settled: &persist.Postings{}}

// each calls do with the marks of the keys that hold a role, or something on an
// instance, in a scope, until it returns false. Those that are not settled yet are
// left to eachPending.
func (h *holders) each(scope, what uint32, do func(grants.Mark) bool) {
	h.settled.Each(scope, what, do)
}

// eachPending calls do with what has come and is not settled yet.
func (h *holders) eachPending(do func(scope, what uint32, m grants.Mark)) {
	for i := range h.pending {
		if p := &h.pending[i]; p.N > 0 {
			do(p.Triple[0], p.Triple[1], p.Triple[2])
		}
	}
}

const (
	// maxPending is how many changes a snapshot may leave unsettled: each alone would
	// copy a leaf and its branch, and all of them are looked through by each search. So
	// few changes settle the others' that the ninety-ninth of a hundred does not.
	maxPending = 256
	// minUnpublished is how many may wait for the first snapshot at least. There may be
	// as many as are settled: each time it is all of them that are written anew.
	minUnpublished = 1 << 18
)

// post notes that a key gets something in a scope, or loses it.
func (s *space) post(scope, what uint32, hash uint64, by int32) {
	h := &s.holders
	h.pending = append(h.pending, persist.Posting{Triple: persist.Triple{scope, what, grants.MarkOf(hash)}, N: by})
	h.size += int(by)
	if n := len(h.pending); n >= max(minUnpublished, h.size/2) {
		s.settle()
	}
}

// postSpecial does so for all that a binding gives of which a check has to look at
// it. Its entries are filed, and so its names have numbers.
func (s *space) postSpecial(number uint32, b *Binding, by int32) {
	if by < 0 {
		s.postLimited(number, b, by) // as long as the instances have their numbers
	} else {
		defer s.postLimited(number, b, by)
	}
	for i := range b.Subjects {
		subject := &b.Subjects[i]
		if !subject.possible() {
			continue
		}
		key := grants.Key{Kind: s.kinds.numbers[subject.kind()], ID: subject.ID}
		hash, scope := key.Hash(), s.scopes.numbers[b.Scope]
		if len(b.Resources) == 0 {
			for _, id := range b.Roles {
				s.post(scope, s.roles.numbers[id], hash, by)
			}
			continue
		}
		for _, instance := range b.Resources {
			s.post(scope, s.instances.count(instance, by)|onInstance, hash, by)
		}
	}
}

// settle makes up the changes.
func (s *space) settle() {
	h := &s.holders
	changes, room := h.pending, h.pending[:0]
	if h.read {
		changes, room = slices.Clone(changes), nil
	}
	h.settled, h.pending, h.read = h.settled.With(changes), room, false
}

// publishHolders ends the batch.
func (s *space) publishHolders() holders {
	h := &s.holders
	if len(h.pending) >= maxPending {
		s.settle()
	}
	if cap(h.pending) > 2*maxPending { // it is a bulk's room
		h.pending = append([]persist.Posting(nil), h.pending...)
	}
	h.read = true
	return *h
}
