// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"cmp"
	"slices"
	"sync"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/expr"
)

// hold is a held role. If there is something to evaluate before it counts, a gate
// or a condition of a permission that covers the request, it is deferred.
type hold struct {
	role     uint32
	denyOnly bool
	// ways are those in which the role covers the pair that a check is about.
	ways ways
	// binding is the one that gives the role, if a check has to look at it.
	binding *Binding
}

// gate returns the program to evaluate before the role is held, or nil.
func (h *hold) gate() *expr.Program {
	if h.binding == nil {
		return nil
	}
	return h.binding.Gate
}

// compareHolds puts the roles that are held without a gate first, by id, then
// the others by binding, and there by id. It is the objects alone that decide the
// order, so it must not depend on which of several bindings has been met.
func (v *Vocabulary) compareHolds(a, b hold) int {
	gatedA, gatedB := a.gate() != nil, b.gate() != nil
	switch {
	case gatedA && gatedB && a.binding.Name != b.binding.Name:
		return cmp.Compare(a.binding.Name, b.binding.Name)
	case gatedA != gatedB:
		if gatedB {
			return -1
		}
		return 1
	}
	return cmp.Compare(v.ids[a.role], v.ids[b.role])
}

// deferred is what a check has put off, and what has been evaluated: one program
// is evaluated once a check, however many bindings and roles share it. It stands
// in the check, so that the usual one or two cost no more than they must.
type deferred struct {
	holds    [few]hold
	known    [few]evaluated
	n, evals int
	many     *many    // if there are more than a few
	merging  *merging // if conditions see other properties than the request has
	budget   expr.Budget
}

const few = 2

// many is the same for checks that put off a great deal. It is used again.
type many struct {
	holds []hold
	known map[*expr.Program]verdict
}

type evaluated struct {
	program *expr.Program
	verdict verdict
}

// verdict is what a program says for a Deny and for an Allow. The two differ only
// if it is in doubt which groups the subject is in: then a Deny applies if it
// would with or without the doubtful ones, and an Allow only if it would with and
// without them.
type verdict struct{ deny, allow outcome }

// certain is the verdict of a program with one outcome.
func certain(o outcome) verdict { return verdict{o, o} }

type outcome uint8

const (
	isFalse outcome = iota
	isTrue
	failed
)

// and is CEL's conjunction: what is false stays false whatever else fails.
func (o outcome) and(other outcome) outcome {
	switch {
	case o == isFalse || other == isFalse:
		return isFalse
	case o == failed || other == failed:
		return failed
	}
	return isTrue
}

// or is CEL's disjunction: what is true stays true whatever else fails.
func (o outcome) or(other outcome) outcome {
	switch {
	case o == isTrue || other == isTrue:
		return isTrue
	case o == failed || other == failed:
		return failed
	}
	return isFalse
}

var manyPool = sync.Pool{New: func() any { return &many{known: make(map[*expr.Program]verdict)} }}

// grown returns the room for many.
func (p *deferred) grown() *many {
	if p.many == nil {
		p.many, _ = manyPool.Get().(*many)
	}
	return p.many
}

// release gives the room for many back, without what it points to.
func (p *deferred) release() {
	if p.merging != nil {
		p.merging.release()
	}
	if m := p.many; m != nil {
		clear(m.holds)
		clear(m.known)
		m.holds = m.holds[:0]
		manyPool.Put(m)
	}
}

func (p *deferred) add(h hold) {
	switch {
	case p.n < few:
		p.holds[p.n] = h
	case p.n == few:
		m := p.grown()
		m.holds = append(append(m.holds, p.holds[:]...), h)
	default:
		p.many.holds = append(p.many.holds, h)
	}
	p.n++
}

func (p *deferred) list() []hold {
	if p.n > few {
		return p.many.holds
	}
	return p.holds[:p.n]
}

// forbids reports whether a Deny of the role may apply that is not settled yet.
func (c *check) forbids(h *hold) bool {
	return h.ways.has(condDeny) || (h.gate() != nil && h.ways.has(deny))
}

// permits reports whether an Allow of the role may apply that is not settled
// yet.
func (c *check) permits(h *hold) bool {
	if h.denyOnly {
		return false
	}
	return h.ways.has(condAllow) || (h.gate() != nil && h.ways.has(allow))
}

// resolve evaluates what was deferred and returns the reason to give if nothing
// denies or grants. The order is fixed by the objects alone (see compareHolds;
// then by permission; Denies before Allows), because it decides what is left of
// the budget.
func (c *check) resolve() authz.Reason {
	c.prepare()
	holds := c.deferred.list()
	if len(holds) == 1 && holds[0].gate() == nil && !c.forbids(&holds[0]) {
		// The usual case, and what all that follows would come to.
		return reasonOf(c.paths(&holds[0], isTrue))
	}
	slices.SortFunc(holds, c.v.compareHolds)
	for i := range holds {
		c.resolveDeny(&holds[i])
	}
	if c.denied {
		return authz.ReasonNone
	}
	worst := isTrue // isTrue stands for no path at all
	for i := range holds {
		worst = worse(worst, c.resolveAllow(&holds[i]))
	}
	if len(c.d.Roles) > 0 {
		return authz.ReasonNone
	}
	for i := range holds {
		worst = worse(worst, c.explainGate(&holds[i]))
	}
	if worst == isTrue {
		c.resolveHeld(holds)
	}
	return reasonOf(worst)
}

// prepare makes ready to evaluate conditions.
func (c *check) prepare() {
	c.deferred.budget = expr.NewBudget()
	c.mayMerge = c.v.described || len(c.r.Resource.Captured)+len(c.r.Subject.Captured) > 0
	if c.ns.groups != nil {
		c.r, c.without = c.walked().requests(c.r)
	}
}

// reasonOf returns the reason to give if what stood between the subject and an
// Allow has an outcome, and nothing grants or denies.
func reasonOf(worst outcome) authz.Reason {
	switch worst {
	case failed:
		return authz.ReasonConditionError
	case isFalse:
		return authz.ReasonConditionFalse
	default:
		return authz.ReasonNone
	}
}

// worse keeps what explains a deny best: an error before a false condition,
// either before nothing.
func worse(a, b outcome) outcome {
	if a == failed || b == failed {
		return failed
	}
	if a == isFalse || b == isFalse {
		return isFalse
	}
	return isTrue
}

// resolveDeny applies the Denies of a role that is held unless its gate is
// false.
func (c *check) resolveDeny(h *hold) {
	if !c.forbids(h) || c.gate(h).deny == isFalse {
		return
	}
	c.held = true
	if h.gate() != nil && h.ways.has(deny) {
		c.deny(h.role, true)
	}
	permissions := c.v.conditionals[h.role]
	for i := range permissions {
		p := &permissions[i]
		if !p.deny || !p.covers(c.pair.place()) {
			continue
		}
		if o := c.eval(p.condition).deny; o != isFalse {
			c.deny(h.role, o == isTrue)
		}
	}
}

// resolveAllow grants by the Allows of a role whose gate is true, and returns
// what stood in the way where they do not.
func (c *check) resolveAllow(h *hold) outcome {
	if !c.permits(h) || c.gate(h).allow != isTrue {
		return isTrue
	}
	c.held = true
	return c.paths(h, isTrue)
}

// explainGate returns what stood between the subject and an Allow where it was
// the gate.
func (c *check) explainGate(h *hold) outcome {
	if !c.permits(h) {
		return isTrue
	}
	switch c.gate(h).allow {
	case isFalse:
		return isFalse
	case failed:
		c.held = true
		return c.paths(h, failed)
	default:
		return isTrue
	}
}

// paths goes over the Allows of a role behind a gate of the given outcome: it
// grants if one is true, and returns the worst of those that are not.
func (c *check) paths(h *hold, gate outcome) outcome {
	worst := isTrue
	if h.gate() != nil && h.ways.has(allow) {
		worst = worse(worst, c.path(h.role, gate))
	}
	permissions := c.v.conditionals[h.role]
	for i := range permissions {
		if p := &permissions[i]; !p.deny && p.covers(c.pair.place()) {
			worst = worse(worst, c.path(h.role, gate.and(c.eval(p.condition).allow)))
		}
	}
	return worst
}

func (c *check) path(role uint32, o outcome) outcome {
	if o == isTrue {
		c.grant(role)
	}
	return o
}

// resolveHeld finds out whether any role is held behind a gate that nothing has
// needed so far: it is the difference between NoPermission and NoRole.
func (c *check) resolveHeld(holds []hold) {
	for i := range holds {
		if c.held {
			return
		}
		c.held = c.gate(&holds[i]).deny != isFalse
	}
}

func (c *check) gate(h *hold) verdict {
	if g := h.gate(); g != nil {
		return c.eval(g)
	}
	return certain(isTrue)
}

// eval evaluates a program, once a check, or twice if groups are in doubt. What
// costs more than is left of the budget fails.
func (c *check) eval(p *expr.Program) verdict {
	if c.deferred.evals > 0 {
		if v, ok := c.deferred.verdictOf(p); ok {
			return v
		}
	}
	if c.mayMerge && p.Reads()&expr.PartStorable != 0 {
		c.merge()
	}
	v := certain(c.outcome(p, c.r))
	if c.without != nil {
		o := c.outcome(p, c.without)
		v = verdict{deny: v.deny.or(o), allow: v.allow.and(o)}
	}
	c.deferred.keep(p, v)
	return v
}

func (c *check) outcome(p *expr.Program, r *authz.Request) outcome {
	holds, err := p.Eval(r, &c.deferred.budget)
	switch {
	case err != nil:
		return failed
	case holds:
		return isTrue
	}
	return isFalse
}

func (p *deferred) verdictOf(program *expr.Program) (verdict, bool) {
	for i := range min(p.evals, few) {
		if p.known[i].program == program {
			return p.known[i].verdict, true
		}
	}
	if p.evals <= few {
		return verdict{}, false
	}
	v, ok := p.many.known[program]
	return v, ok
}

func (p *deferred) keep(program *expr.Program, v verdict) {
	if p.evals < few {
		p.known[p.evals] = evaluated{program, v}
	} else {
		p.grown().known[program] = v
	}
	p.evals++
}
