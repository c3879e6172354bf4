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
func compareHolds(a, b hold) int {
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
	return cmp.Compare(a.role, b.role) // numbers are in the order of the ids
}

// deferred is what a check has put off, and what has been evaluated.
type deferred struct {
	holds []hold
	// known are the outcomes so far: one program is evaluated once a check,
	// however many bindings and roles share it. They are looked up one by one; if
	// there are a great many, in the map.
	known  []evaluated
	byProg map[*expr.Program]outcome
	budget expr.Budget
}

type evaluated struct {
	program *expr.Program
	outcome outcome
}

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

var deferredPool = sync.Pool{New: func() any { return new(deferred) }}

func (c *check) deferHold(h hold) {
	if c.deferred == nil {
		c.deferred, _ = deferredPool.Get().(*deferred)
		c.deferred.budget = expr.NewBudget()
	}
	c.deferred.holds = append(c.deferred.holds, h)
}

// release gives the memory back for the next check, without what it points to.
func (p *deferred) release() {
	clear(p.holds)
	clear(p.known)
	clear(p.byProg)
	p.holds, p.known = p.holds[:0], p.known[:0]
	deferredPool.Put(p)
}

// forbids reports whether a Deny of the role may apply that is not settled yet.
func (c *check) forbids(h *hold) bool {
	return c.v.has(c.pair.condDeny, h.role) || (h.gate() != nil && c.v.has(c.pair.deny, h.role))
}

// permits reports whether an Allow of the role may apply that is not settled
// yet.
func (c *check) permits(h *hold) bool {
	if h.denyOnly {
		return false
	}
	return c.v.has(c.pair.condAllow, h.role) || (h.gate() != nil && c.v.has(c.pair.allow, h.role))
}

// resolve evaluates what was deferred and returns the reason to give if nothing
// denies or grants. The order is fixed by the objects alone (see compareHolds;
// then by permission; Denies before Allows), because it decides what is left of
// the budget.
func (c *check) resolve() authz.Reason {
	p := c.deferred
	if len(p.holds) > 1 {
		slices.SortFunc(p.holds, compareHolds)
	}
	for i := range p.holds {
		c.resolveDeny(&p.holds[i])
	}
	if c.denied {
		return authz.ReasonNone
	}
	worst := isTrue // isTrue stands for no path at all
	for i := range p.holds {
		worst = worse(worst, c.resolveAllow(&p.holds[i]))
	}
	if len(c.d.Roles) > 0 {
		return authz.ReasonNone
	}
	for i := range p.holds {
		worst = worse(worst, c.explainGate(&p.holds[i]))
	}
	switch worst {
	case failed:
		return authz.ReasonConditionError
	case isFalse:
		return authz.ReasonConditionFalse
	case isTrue:
	}
	c.resolveHeld()
	return authz.ReasonNone
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
	if !c.forbids(h) || c.gate(h) == isFalse {
		return
	}
	c.held = true
	if h.gate() != nil && c.v.has(c.pair.deny, h.role) {
		c.deny(h.role, true)
	}
	for _, p := range c.v.roles[h.role].conditional {
		if !p.deny || !p.coversPair(c.place) {
			continue
		}
		if o := c.eval(p.condition); o != isFalse {
			c.deny(h.role, o == isTrue)
		}
	}
}

// resolveAllow grants by the Allows of a role whose gate is true, and returns
// what stood in the way where they do not.
func (c *check) resolveAllow(h *hold) outcome {
	if !c.permits(h) || c.gate(h) != isTrue {
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
	switch c.gate(h) {
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
	if h.gate() != nil && c.v.has(c.pair.allow, h.role) {
		worst = worse(worst, c.path(h.role, gate))
	}
	for _, p := range c.v.roles[h.role].conditional {
		if !p.deny && p.coversPair(c.place) {
			worst = worse(worst, c.path(h.role, gate.and(c.eval(p.condition))))
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
func (c *check) resolveHeld() {
	for i := range c.deferred.holds {
		if c.held {
			return
		}
		c.held = c.gate(&c.deferred.holds[i]) != isFalse
	}
}

func (c *check) gate(h *hold) outcome {
	if g := h.gate(); g != nil {
		return c.eval(g)
	}
	return isTrue
}

// eval evaluates a program, once a check. What costs more than is left of the
// budget fails.
func (c *check) eval(p *expr.Program) outcome {
	if o, ok := c.deferred.outcomeOf(p); ok {
		return o
	}
	o := failed
	if holds, err := p.Eval(c.r, &c.deferred.budget); err == nil {
		o = isFalse
		if holds {
			o = isTrue
		}
	}
	c.deferred.keep(p, o)
	return o
}

// maxList is how many outcomes are looked up one by one.
const maxList = 16

func (p *deferred) outcomeOf(program *expr.Program) (outcome, bool) {
	for i := range p.known {
		if p.known[i].program == program {
			return p.known[i].outcome, true
		}
	}
	if len(p.byProg) == 0 {
		return isFalse, false
	}
	o, ok := p.byProg[program]
	return o, ok
}

func (p *deferred) keep(program *expr.Program, o outcome) {
	if len(p.known) < maxList {
		p.known = append(p.known, evaluated{program, o})
		return
	}
	if p.byProg == nil {
		p.byProg = make(map[*expr.Program]outcome)
	}
	p.byProg[program] = o
}
