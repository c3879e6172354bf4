// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"slices"
	"sync"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/grants"
	"github.com/rolecall/rolecall/internal/persist"
)

// groups is the Groups of a namespace, as a check sees them. It never changes.
type groups struct {
	// members is which Groups list a key: each entry gives the number of one as if
	// that were a role.
	members *namespace
	// nested is the kind of those members that are groups, or nil.
	nested      *kind
	memberships *persist.Map[uint32, *membership]
	// numbers are those of the ids that Groups claim, all below count.
	numbers *persist.Map[string, uint32]
	count   int
	// owners are, by the number of an id, those of the Groups that put their members
	// into it for Allows too.
	owners *persist.Map[uint32, uint32]
}

// membership is what it means to be listed by a Group.
type membership struct {
	// group is the number of the group's id.
	group uint32
	id    string
	// denyOnly says that it counts for Deny only.
	denyOnly bool
}

// standing is how a subject is in a group; the greater one counts.
type standing uint8

const (
	outside standing = iota
	// doubtful is for Deny only: every way into the group leads through an
	// unverified e-mail, or through a Group that is being deleted or does not own
	// its id.
	doubtful
	joined
	// stated is by the word of the request.
	stated
)

// walk is the way from what a subject is up to all groups that it is in. Each
// group is visited once, or twice if it is found to be beyond doubt later on, so
// cycles end by themselves. Walks are used again.
type walk struct {
	groups    *groups
	standings []standing // by number of the group
	// found are the groups with a standing, in no particular order.
	found []*membership
	known []uint32 // the numbers of those that are stated
	todo  []visit

	with, without authz.Request
	ids           []string
}

type visit struct {
	to       *membership
	standing standing
}

var walks = sync.Pool{New: func() any { return new(walk) }}

// walked returns the groups that Groups put the subject into. It is to be released
// at the end of the check. Only a namespace with Groups has any.
func (c *check) walked() *walk {
	if c.walk == nil {
		c.walk, _ = walks.Get().(*walk)
		c.walk.run(c.ns.groups, c.r)
	}
	return c.walk
}

// eachJoined is eachKey for the groups that Groups put the subject into.
func (c *check) eachJoined(do func(k *kind, id string, denyOnly bool)) {
	k := c.kind(authz.TypeGroup, "")
	if k == nil {
		return
	}
	w := c.walked()
	for _, m := range w.found {
		if s := w.standings[m.group]; s != stated {
			do(k, m.id, s == doubtful)
		}
	}
}

func (w *walk) run(g *groups, r *authz.Request) {
	w.groups = g
	if len(w.standings) < g.count {
		w.standings = make([]standing, g.count)
	}
	for _, id := range r.Subject.Groups {
		if number, ok := g.numbers.Get(id); ok && w.standings[number] != stated {
			w.standings[number] = stated
			w.known = append(w.known, number)
		}
	}
	members := check{r: r, ns: g.members}
	members.eachKey(w.join)
	for g.nested != nil && len(w.todo) > 0 {
		next := w.todo[len(w.todo)-1]
		w.todo = w.todo[:len(w.todo)-1]
		if w.standings[next.to.group] == next.standing {
			w.join(g.nested, next.to.id, next.standing == doubtful)
		}
	}
}

// join goes to the groups that have a key as a member.
func (w *walk) join(k *kind, id string, denyOnly bool) {
	list := w.groups.members.table.Find(k.number, id)
	for i := range list.Len() {
		w.reach(list.At(i), denyOnly)
	}
	if fat := list.Fat(); fat != nil {
		fat.Each(grants.Everywhere, func(e grants.Entry) { w.reach(e, denyOnly) })
	}
}

func (w *walk) reach(e grants.Entry, denyOnly bool) {
	m, ok := w.groups.memberships.Get(e.Role)
	if !ok {
		return
	}
	is, was := joined, w.standings[m.group]
	if denyOnly || m.denyOnly {
		is = doubtful
	}
	if is <= was {
		return
	}
	w.standings[m.group] = is
	if was == outside {
		w.found = append(w.found, m)
	}
	w.todo = append(w.todo, visit{m, is})
}

// release gives the walk back, without what it points to.
func (w *walk) release() {
	for _, m := range w.found {
		w.standings[m.group] = outside
	}
	for _, number := range w.known {
		w.standings[number] = outside
	}
	clear(w.found)
	clear(w.todo[:cap(w.todo)])
	clear(w.ids)
	w.found, w.known, w.todo, w.ids = w.found[:0], w.known[:0], w.todo[:0], w.ids[:0]
	w.groups, w.with, w.without = nil, authz.Request{}, authz.Request{}
	walks.Put(w)
}

// requests returns the request as conditions see it, whose groups are all that the
// subject is in: those that it states, as it states them, then those that Groups
// put it into, sorted. If some of them are doubtful, without is the request
// without those; else it is nil.
func (w *walk) requests(r *authz.Request) (with, without *authz.Request) {
	if len(w.found) == 0 {
		return r, nil
	}
	w.with = *r
	sure := w.add(r.Subject.Groups, joined)
	w.with.Subject.Groups = sure
	all := w.add(r.Subject.Groups, doubtful)
	if len(all) == len(sure) {
		return &w.with, nil
	}
	w.without = w.with
	w.with.Subject.Groups = all
	return &w.with, &w.without
}

// add appends to the ids, and returns, the groups that are stated and those of at
// least a standing.
func (w *walk) add(said []string, least standing) []string {
	from := len(w.ids)
	w.ids = append(w.ids, said...)
	rest := len(w.ids)
	for _, m := range w.found {
		if s := w.standings[m.group]; s >= least && s != stated {
			w.ids = append(w.ids, m.id)
		}
	}
	slices.Sort(w.ids[rest:])
	return w.ids[from:len(w.ids):len(w.ids)]
}
