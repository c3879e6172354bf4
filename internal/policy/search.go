// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"context"
	"slices"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/grants"
)

var _ authz.Searcher = (*Snapshot)(nil)

// Search finds what a check allows; see authz.Searcher. It goes over the index for
// candidates, which costs in proportion to them, and asks a check about each: the
// index may name too many, and never too few.
func (s *Snapshot) Search(ctx context.Context, q *authz.Search) (authz.Found, error) {
	x := &search{ctx: ctx, snapshot: s, q: q, request: q.Request}
	var gather func()
	placeholder := authz.Wildcard
	switch r := &x.request; q.Sought {
	case authz.Subjects:
		gather = x.subjects
		r.Subject.ID, placeholder = anybody, ""
	case authz.Resources:
		gather = x.resources
		r.Resource.ID, placeholder = "", ""
	case authz.Actions:
		gather = x.actions
	}
	if placeholder != "" {
		x.request.Action.Name = placeholder
	}
	if err := x.request.Validate(); err != nil {
		return authz.Found{}, err
	}
	ns, err := s.namespace(q.Request.Namespace)
	if err != nil {
		return authz.Found{}, err
	}
	if !x.begin(ns) {
		return authz.Found{}, nil
	}
	return x.run(gather)
}

// anybody stands for the subject that is sought where a request must have one.
const anybody = "?"

// search is the state of one search.
type search struct {
	check
	ctx      context.Context //nolint:containedctx // of the one call that it lives for
	snapshot *Snapshot
	q        *authz.Search
	// request is that of the check of a candidate.
	request authz.Request
	// scopeNumbers are the table's numbers of the scopes that cover the check, and
	// wanted those of the roles that may allow it.
	scopeNumbers []uint32
	wanted       row
	candidates   candidates
	decision     authz.Decision
	// whereto is what the subject holds, if resources are sought.
	whereto *whereto
	// looked counts what was looked at, so that the context is asked now and then.
	looked int
	err    error
	// openTo are the ways by which others may be allowed.
	openTo openings
}

// begin reports whether there is anything to find.
func (x *search) begin(ns *namespace) bool {
	x.r, x.ns, x.v = &x.request, ns, ns.vocabulary
	home := x.request.Subject.SessionScope
	if home != "" && !authz.ScopeCovers(home, x.request.Scope) {
		return false
	}
	if x.q.Sought == authz.Actions {
		return true
	}
	x.pair = x.v.pair(x.request.Resource.Type, x.request.Action.Name)
	if x.pair == nil || (x.pair.scopeRequired && x.request.Scope == "") {
		return false
	}
	x.scopes.find(ns.scopes, x.request.Scope)
	x.scopeNumbers = append(x.scopeNumbers, grants.Everywhere)
	for i := range x.scopes.n {
		x.scopeNumbers = append(x.scopeNumbers, x.scopes.at(i))
	}
	for _, role := range x.pair.mayAllow().members() {
		x.wanted.add(ns.numbers[role])
	}
	return true
}

// firstRound is how many candidates, at the least, a search looks for at first.
const firstRound = 1 << 10

// run decides about the candidates in order, until there are enough. They are found
// in no order at all, so each round keeps the first ones and finds the others
// again: a round costs little beside deciding about what it finds, and each is
// four times as long as the one before.
func (x *search) run(gather func()) (authz.Found, error) {
	var found authz.Found
	at, left := x.q.After, x.q.Candidates
	for round := max(firstRound, x.q.Limit); ; round *= 4 {
		x.candidates = candidates{after: at, limit: min(round, left)}
		gather()
		ids, more := x.candidates.sorted()
		for i, id := range ids {
			if x.err != nil {
				return authz.Found{}, x.err
			}
			allowed, err := x.decide(id, &found)
			if err != nil {
				return authz.Found{}, err
			}
			at, left = id, left-1
			if allowed {
				found.IDs = append(found.IDs, id)
			}
			if len(found.IDs) == x.q.Limit || left == 0 {
				if more || i+1 < len(ids) {
					found.Next = at
				}
				found.OpenTo = x.openTo.list()
				return found, nil
			}
		}
		if x.err != nil || !more {
			found.OpenTo = x.openTo.list()
			return found, x.err
		}
	}
}

// decide asks about one candidate.
func (x *search) decide(id string, found *authz.Found) (bool, error) {
	d := &x.decision
	switch r := &x.request; x.q.Sought {
	case authz.Subjects:
		r.Subject.ID = id
	case authz.Resources:
		r.Resource.ID = id
	case authz.Actions:
		r.Action.Name = id
	}
	if x.q.Sought == authz.Resources {
		x.checkResource(d)
	} else if err := x.snapshot.check(&x.request, d, false); err != nil {
		return false, err
	}
	if d.Reason == authz.ReasonConditionError || d.Reason == authz.ReasonDenyError {
		found.Undecided++
	}
	x.look()
	return d.Allowed, nil
}

// take takes a candidate in, and reports whether to go on.
func (x *search) take(id string) bool {
	x.candidates.take(id)
	return x.look()
}

// lookEvery is how often the context is asked.
const lookEvery = 1 << 8

// look reports whether to go on: as long as somebody waits for the answer.
func (x *search) look() bool {
	if x.looked++; x.looked%lookEvery == 0 && x.err == nil {
		x.err = x.ctx.Err()
	}
	return x.err == nil
}

// actions gathers the actions of the type.
func (x *search) actions() {
	names, _ := x.v.Actions(x.request.Resource.Type)
	for _, name := range names {
		x.take(name)
	}
}

// candidates keeps the first ids, in the order of their bytes, behind one of them.
type candidates struct {
	after string
	limit int
	ids   []string
	// last is that of the first limit ids that were kept so far, and cut says that
	// some behind it were not.
	last string
	cut  bool
}

func (c *candidates) take(id string) {
	if id <= c.after || (c.cut && id >= c.last) {
		return
	}
	c.ids = append(c.ids, id)
	if len(c.ids) >= 2*c.limit && len(c.ids) >= firstRound {
		c.shorten()
	}
}

func (c *candidates) shorten() {
	slices.Sort(c.ids)
	c.ids = slices.Compact(c.ids)
	if len(c.ids) > c.limit {
		clear(c.ids[c.limit:])
		c.ids = c.ids[:c.limit]
		c.last, c.cut = c.ids[c.limit-1], true
	}
}

// sorted returns the ids that were kept, and whether there are more.
func (c *candidates) sorted() (ids []string, more bool) {
	c.shorten()
	return c.ids, c.cut
}
