// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"math"
	"slices"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/expr"
)

// values are those that a condition may have, as far as it is known.
type values uint8

const (
	mayBeFalse values = 1 << iota
	mayBeTrue
	mayFail
	unknown = mayBeFalse | mayBeTrue | mayFail
)

// judge evaluates conditions for a pair, without the resource. It spends at least
// what a check has spent at the same point: where that may be too much, a
// condition may fail.
type judge struct {
	// always are the values for all pairs, and here those for one, by program.
	always, here map[*expr.Program]judgement
	spent        uint64
	counted      map[*expr.Program]bool
	// granted and possible are the roles that grant, and may grant.
	granted, possible []uint32
	// forbidden says that a Deny applies, and threatened that one may.
	forbidden, threatened bool
}

type judgement struct {
	values values
	cost   uint64
}

// turnTo turns to another pair.
func (x *enumeration) turnTo(at *pair, p *authz.Permission) {
	x.pair = at
	x.request.Resource.Type, x.request.Action.Name = p.Resource, p.Action
	if x.always == nil {
		x.always, x.here, x.counted = map[*expr.Program]judgement{}, map[*expr.Program]judgement{}, map[*expr.Program]bool{}
	}
	clear(x.here)
	clear(x.counted)
	x.spent, x.granted, x.possible = 0, x.granted[:0], x.possible[:0]
	x.forbidden, x.threatened = false, false
}

// outlook judges the pair. What needs no evaluation comes first, and the rest in
// the order in which a check evaluates it.
func (x *enumeration) outlook() authz.Outlook {
	if x.pair.scopeRequired && x.request.Scope == "" {
		return authz.Denied
	}
	holds := x.settle()
	for i := range holds {
		x.denies(&holds[i])
	}
	if x.forbidden {
		return authz.Denied
	}
	for i := range holds {
		x.allows(&holds[i])
	}
	switch {
	case len(x.granted) > 0 && !x.threatened:
		return authz.Allowed
	case len(x.granted)+len(x.possible) > 0:
		return authz.Conditional
	default:
		return authz.Denied
	}
}

// settle applies what is held without a condition and says so without one, and
// returns the rest, in order.
func (x *enumeration) settle() []hold {
	var holds []hold
	p := x.pair
	for i := range max(len(x.full), len(x.forDeny)) {
		full := x.full.word(i)
		held := full | x.forDeny.word(i)
		x.forbidden = x.forbidden || p.word(deny, i)&held != 0
		eachMember(i, p.word(allow, i)&full, func(role uint32) { x.granted = append(x.granted, role) })
		eachMember(i, p.word(condAllow, i)&full|p.word(condDeny, i)&held, func(role uint32) {
			holds = append(holds, hold{role: role, ways: p.ways(role), denyOnly: full&(1<<(role&63)) == 0})
		})
	}
	for _, h := range x.special {
		if h.ways = p.ways(h.role); x.concerns(&h) {
			holds = append(holds, h)
		}
	}
	slices.SortStableFunc(holds, x.v.compareHolds)
	return holds
}

// concerns reports whether a role may be held for resources of the type, and has
// anything to do with the pair.
func (x *enumeration) concerns(h *hold) bool {
	return h.ways != 0 &&
		(!h.limited() || slices.ContainsFunc(h.binding.Resources, func(i Instance) bool { return i.Type == x.request.Resource.Type }))
}

// gateOf returns the values of what stands before a role: its gate, and whether
// the resource is one of its own.
func (x *enumeration) gateOf(h *hold) values {
	held := mayBeTrue
	if g := h.gate(); g != nil {
		held = x.value(g)
	}
	if h.limited() {
		held |= mayBeFalse
	}
	return held
}

// denies applies the Denies of a role that is held unless its gate is false.
func (x *enumeration) denies(h *hold) {
	plain := h.ways.has(deny) && h.binding != nil
	if !plain && !h.ways.has(condDeny) {
		return
	}
	gate := x.gateOf(h)
	if gate == mayBeFalse {
		return
	}
	if plain {
		x.forbid(gate, mayBeTrue)
	}
	x.eachCondition(h, true, func(condition values) { x.forbid(gate, condition) })
}

// forbid takes account of a Deny: it applies unless it or its gate is false.
func (x *enumeration) forbid(gate, condition values) {
	switch {
	case condition == mayBeFalse:
	case gate&mayBeFalse == 0 && condition&mayBeFalse == 0:
		x.forbidden = true
	default:
		x.threatened = true
	}
}

// allows applies the Allows of a role whose gate is true.
func (x *enumeration) allows(h *hold) {
	plain := h.ways.has(allow) && h.binding != nil
	if h.denyOnly || (!plain && !h.ways.has(condAllow)) {
		return
	}
	gate := x.gateOf(h)
	if gate&mayBeTrue == 0 {
		return
	}
	if plain {
		x.permit(h.role, gate, mayBeTrue)
	}
	x.eachCondition(h, false, func(condition values) { x.permit(h.role, gate, condition) })
}

// permit takes account of an Allow: it applies if it and its gate are true.
func (x *enumeration) permit(role uint32, gate, condition values) {
	switch {
	case gate == mayBeTrue && condition == mayBeTrue:
		x.granted = append(x.granted, role)
	case condition&mayBeTrue != 0:
		x.possible = append(x.possible, role)
	}
}

// eachCondition calls do with the values of the conditional permissions of a role
// that cover the pair.
func (x *enumeration) eachCondition(h *hold, deny bool, do func(values)) {
	permissions := x.v.conditionals[h.role]
	for i := range permissions {
		if p := &permissions[i]; p.deny == deny && p.covers(x.pair.place()) {
			do(x.value(p.condition))
		}
	}
}

// value returns the values that a condition may have here.
func (x *enumeration) value(p *expr.Program) values {
	j := x.judgement(p)
	if !x.counted[p] {
		x.counted[p] = true
		x.spent += min(j.cost, math.MaxUint64-x.spent)
	}
	if x.spent >= expr.CheckBudget {
		return j.values | mayFail
	}
	return j.values
}

// judgement evaluates a condition, unless it depends on what is not known.
func (x *enumeration) judgement(p *expr.Program) judgement {
	reads := p.Reads() & (expr.PartPair | expr.PartInstance)
	if reads&expr.PartInstance != 0 {
		cost := p.Bound()
		if x.doubtful { // a check evaluates it twice
			cost += min(cost, math.MaxUint64-cost)
		}
		return judgement{unknown, cost}
	}
	memory := x.always
	if reads != 0 {
		memory = x.here
	}
	j, ok := memory[p]
	if !ok {
		j = x.evaluated(p)
		if x.doubtful {
			groups := x.request.Subject.Groups
			x.request.Subject.Groups = x.sure
			without := x.evaluated(p)
			x.request.Subject.Groups = groups
			j = judgement{j.values | without.values, j.cost + without.cost}
		}
		memory[p] = j
	}
	return j
}

func (x *enumeration) evaluated(p *expr.Program) judgement {
	j := judgement{values: mayBeFalse}
	budget := expr.NewBudget()
	switch holds, err := p.Eval(&x.request, &budget); {
	case err != nil:
		j.values = mayFail
	case holds:
		j.values = mayBeTrue
	}
	j.cost = expr.CheckBudget - budget.Left()
	return j
}

// grantors returns the ids of the roles through which the pair is, or may be,
// allowed.
func (x *enumeration) grantors(o authz.Outlook) []string {
	if o == authz.Denied {
		return nil
	}
	ids := make([]string, 0, len(x.granted)+len(x.possible))
	for _, role := range slices.Concat(x.granted, x.possible) {
		ids = append(ids, x.v.ids[role])
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}
