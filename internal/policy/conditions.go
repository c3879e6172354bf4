// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"cmp"
	"slices"
	"sync"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/expr"
)

// hold is a held role with something to evaluate before it counts: a gate, or a
// condition of a permission that covers the request.
type hold struct {
	role     *role
	binding  *Binding // nil if the role is asserted
	denyOnly bool
}

// gate returns the program to evaluate before the role is held, or nil.
func (h *hold) gate() *expr.Program {
	if h.binding == nil {
		return nil
	}
	return h.binding.Gate
}

func (h *hold) bindingName() string {
	if h.binding == nil {
		return ""
	}
	return h.binding.Name
}

// forbids reports whether a Deny of the role may apply that is not settled yet.
func (h *hold) forbids(action int32) bool {
	return h.role.condDeny.has(action) || (h.gate() != nil && h.role.deny.has(action))
}

// permits reports whether an Allow of the role may apply that is not settled
// yet.
func (h *hold) permits(action int32) bool {
	if h.denyOnly {
		return false
	}
	return h.role.condAllow.has(action) || (h.gate() != nil && h.role.allow.has(action))
}

// deferred is what a check has put off, and what has been evaluated.
type deferred struct {
	holds []hold
	// known are the outcomes so far: one program is evaluated once a check,
	// however many bindings and roles share it.
	known  map[*expr.Program]outcome
	budget expr.Budget
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

var deferredPool = sync.Pool{New: func() any {
	return &deferred{known: make(map[*expr.Program]outcome)}
}}

func (c *check) deferHold(h hold) {
	if c.deferred == nil {
		c.deferred = deferredPool.Get().(*deferred)
		c.deferred.budget = expr.NewBudget()
	}
	c.deferred.holds = append(c.deferred.holds, h)
}

// release gives the memory back for the next check, without what it points to.
func (p *deferred) release() {
	clear(p.holds)
	clear(p.known)
	p.holds = p.holds[:0]
	deferredPool.Put(p)
}

// resolve evaluates what was deferred and returns the reason to give if nothing
// denies or grants. The order is fixed by the objects alone (by binding, then
// role, then permission; Denies before Allows), because it decides what is left
// of the budget.
func (c *check) resolve() authz.Reason {
	p := c.deferred
	slices.SortFunc(p.holds, func(a, b hold) int {
		return cmp.Or(cmp.Compare(a.bindingName(), b.bindingName()), cmp.Compare(a.role.id, b.role.id))
	})
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
	if !h.forbids(c.action) || c.gate(h) == isFalse {
		return
	}
	c.held = true
	if h.gate() != nil && h.role.deny.has(c.action) {
		c.deny(h.role, true)
	}
	for _, p := range h.role.conditional {
		if !p.deny || !p.covers.has(c.action) {
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
	if !h.permits(c.action) || c.gate(h) != isTrue {
		return isTrue
	}
	c.held = true
	return c.paths(h, isTrue)
}

// explainGate returns what stood between the subject and an Allow where it was
// the gate.
func (c *check) explainGate(h *hold) outcome {
	if !h.permits(c.action) {
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
	if h.gate() != nil && h.role.allow.has(c.action) {
		worst = worse(worst, c.path(h.role, gate))
	}
	for _, p := range h.role.conditional {
		if !p.deny && p.covers.has(c.action) {
			worst = worse(worst, c.path(h.role, gate.and(c.eval(p.condition))))
		}
	}
	return worst
}

func (c *check) path(r *role, o outcome) outcome {
	if o == isTrue {
		c.grant(r)
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
	if o, ok := c.deferred.known[p]; ok {
		return o
	}
	o := failed
	if holds, err := p.Eval(c.r, &c.deferred.budget); err == nil {
		o = isFalse
		if holds {
			o = isTrue
		}
	}
	c.deferred.known[p] = o
	return o
}
