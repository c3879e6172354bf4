// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"cmp"
	"math/bits"
	"slices"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/grants"
	"github.com/rolecall/rolecall/internal/persist"
)

// Check decides r by this snapshot; see authz.Checker.
func (s *Snapshot) Check(r *authz.Request, d *authz.Decision) error {
	return s.check(r, d, true)
}

// check is Check. Whoever makes up the resource of a request does not judge it by
// the schema of its type.
func (s *Snapshot) check(r *authz.Request, d *authz.Decision, judge bool) error {
	d.Reset()
	if err := r.ValidateUnscoped(); err != nil {
		return err
	}
	ns, err := s.namespace(r.Namespace)
	if err != nil {
		return cmp.Or(r.ValidateScope(), err)
	}
	c := check{r: r, d: d, ns: ns, v: ns.vocabulary}
	if !c.scopes.findLone(ns.scopes, r.Scope) {
		if err := r.ValidateScope(); err != nil {
			return err
		}
		c.scopes.find(ns.scopes, r.Scope)
	}
	if home := r.Subject.SessionScope; home != "" && !authz.ScopeCovers(home, r.Scope) {
		d.Reason = authz.ReasonScopeMismatch
		return nil
	}
	c.pair = c.v.pair(r.Resource.Type, r.Action.Name)
	if c.pair == nil {
		d.Reason = c.v.undeclared(r.Resource.Type)
		return nil
	}
	if c.pair.scopeRequired && r.Scope == "" {
		d.Reason = authz.ReasonScopeRequired
		return nil
	}
	if c.v.judges && judge {
		if err := c.judge(); err != nil {
			return err
		}
	}
	c.answer()
	return nil
}

// answer decides by all that the subject holds.
func (c *check) answer() {
	if len(c.r.Subject.Roles) > 0 {
		c.asserted()
	}
	c.bound()
	c.decide()
	if c.walk != nil {
		c.walk.release()
	}
}

// undeclared returns why a pair is none.
func (v *Vocabulary) undeclared(typ string) authz.Reason {
	if _, ok := v.types.find(typ); ok {
		return authz.ReasonUnknownAction
	}
	return authz.ReasonUnknownResource
}

// check is the state of one decision. It goes once over all that the subject
// holds. What needs no evaluation is settled on the way; the rest is deferred,
// because conditions are evaluated in an order of their own.
type check struct {
	r  *authz.Request
	d  *authz.Decision
	ns *namespace
	v  *Vocabulary
	// pair is the request's type and action.
	pair   *pair
	scopes scopeSet
	// held says that some role is held, if only for Deny.
	held bool
	// denied says that a Deny applies, and explicit that it is not merely one
	// that fails. From then on d.Roles are those that forbid.
	denied, explicit bool
	deferred         deferred
	// walk is nil until somebody asks for it; see walked.
	walk *walk
	// without is the request without the groups that the subject may not be in, or
	// nil if there are none; then r is the one with them.
	without *authz.Request
	// mayMerge says that conditions may see other properties than the request has,
	// and that none has looked yet.
	mayMerge bool
}

// asserted holds the roles that the request asserts, if they may be asserted.
func (c *check) asserted() {
	for _, id := range c.r.Subject.Roles {
		if role, ok := c.v.roles.Get(id); ok && role.assertable {
			c.hold(hold{role: role.number})
		}
	}
}

// eachKey calls do with every key of the subject under which something may be
// filed, and whether only Denies count there.
func (c *check) eachKey(do func(k *kind, id string, denyOnly bool)) {
	if k := c.ownKind(); k != nil {
		do(k, c.r.Subject.ID, false)
		if k.everyone {
			do(k, authz.Wildcard, false)
		}
	}
	c.eachStatedKey(do)
	if c.ns.groups != nil {
		c.eachJoined(do)
	}
}

// bound is eachKey(c.key), without what that costs for the keys that everyone has.
func (c *check) bound() {
	if k := c.ownKind(); k != nil {
		c.key(k, c.r.Subject.ID, false)
		if k.everyone {
			c.key(k, authz.Wildcard, false)
		}
	}
	if s := &c.r.Subject; len(s.Groups)+len(s.Email)+len(s.SSOConnections)+len(s.SSOGroups) > 0 {
		c.eachStatedKey(c.key)
	}
	if c.ns.groups != nil {
		c.eachJoined(c.key)
	}
}

// ownKind returns the kind of the subject's id, or nil.
func (c *check) ownKind() *kind {
	if typ := c.r.Subject.Type; typ != typeUser {
		return c.kind(typ, "")
	}
	return c.ns.users
}

// eachStatedKey is eachKey for what the subject states beside its id.
func (c *check) eachStatedKey(do func(k *kind, id string, denyOnly bool)) {
	s := &c.r.Subject
	if len(s.Groups) > 0 {
		c.each(c.kind(authz.TypeGroup, ""), s.Groups, do)
	}
	if s.Email != "" {
		k, domain := c.kind(authz.TypeEmailDomain, ""), authz.EmailDomain(s.Email)
		if k != nil && domain != "" {
			do(k, domain, !s.EmailVerified)
		}
	}
	if len(s.SSOConnections) > 0 {
		c.each(c.kind(authz.TypeSSOConnection, ""), s.SSOConnections, do)
	}
	for _, g := range s.SSOGroups {
		if k := c.kind(authz.TypeSSOGroup, g.Connection); k != nil {
			do(k, g.ID, false)
		}
	}
}

// kind returns a kind that something is filed under, or nil.
func (c *check) kind(typ, connection string) *kind {
	k, _ := c.ns.kinds.Get(kindName{typ, connection})
	return k
}

func (*check) each(k *kind, ids []string, do func(*kind, string, bool)) {
	if k == nil {
		return
	}
	for _, id := range ids {
		do(k, id, false)
	}
}

// key holds the roles bound to one key: everywhere, at the scope of the check
// and at each of its ancestors.
func (c *check) key(k *kind, id string, denyOnly bool) {
	list := c.ns.table.Find(k.number, id)
	if list.Narrow() {
		c.narrow(list, denyOnly)
	} else {
		for i := range list.Len() {
			c.entryInScope(list.At(i), denyOnly)
		}
	}
	if fat := list.Fat(); fat != nil {
		c.fat(fat, grants.Everywhere, denyOnly)
		for i := range c.scopes.n {
			c.fat(fat, c.scopes.at(i), denyOnly)
		}
		c.fatLimited(fat, denyOnly)
	}
}

// narrow holds the roles of a list that is packed.
func (c *check) narrow(list grants.List, denyOnly bool) {
	for hits := c.hits(list.Packed()); hits != 0; hits &= hits - 1 {
		c.entryInScope(list.At(bits.TrailingZeros64(hits)), denyOnly)
	}
}

// hits returns which entries there is more to know about than that they hold a role,
// a bit for each. No processor guesses whether an entry is in scope: so this asks
// everything of all of them, and branches nowhere.
func (c *check) hits(packed string) (hits uint64) {
	if c.scopes.n > 1 {
		return 1<<(len(packed)/grants.PackedSize) - 1
	}
	roles, row, own, held := c.ns.roles, c.pair.row(), c.scopes.first[0], uint64(0)
	for at := len(packed) - grants.PackedSize; at >= 0; at -= grants.PackedSize {
		e, role, word := grants.Packed(persist.Uint64(packed, at)), uint32(0), uint64(0)
		if int(e.Role()) < len(roles) {
			role = roles[e.Role()]
		}
		if i := int(role >> 6); i < len(row) {
			word = row[i]
		}
		in := one(e.Scope() == grants.Everywhere) | one(e.Scope() == own)
		hit := in&(word>>(role&63)) | e.Special()
		hits = hits<<1 | hit
		held |= in &^ hit * uint64(role)
	}
	c.held = c.held || held != 0
	return hits
}

// entryInScope is entry for one that may be out of scope.
func (c *check) entryInScope(e grants.Entry, denyOnly bool) {
	if c.scopes.covers(e.Scope) != 0 {
		c.entry(e, denyOnly)
	}
}

// one is 1 for true and 0 for false.
func one(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// entry holds the role of one entry that is in scope.
func (c *check) entry(e grants.Entry, denyOnly bool) {
	if role := c.role(e.Role); e.Binding&grants.Special != 0 {
		c.special(role, e.Number(), denyOnly)
	} else if role != 0 {
		c.plain(role, denyOnly)
	}
}

// special holds a role that a binding gives which the check has to look at.
func (c *check) special(role, binding uint32, denyOnly bool) {
	b, _ := c.ns.special.Get(binding)
	if role != 0 && b.validAt(c.r.Time) && b.names(c.r.Resource.Type, c.r.Resource.ID) {
		c.hold(hold{role: role, denyOnly: denyOnly || b.Deleting, binding: b})
	}
}

// plain holds a role that nothing stands before. Nearly everywhere there is
// nothing but Allows without a condition.
func (c *check) plain(role uint32, denyOnly bool) {
	if !c.pair.simple || denyOnly {
		c.hold(hold{role: role, denyOnly: denyOnly})
		return
	}
	c.held = true
	if c.pair.ways(role).has(allow) {
		c.grant(role)
	}
}

// role returns the vocabulary's number of a role, or 0 if nothing declares it.
func (c *check) role(number uint32) uint32 {
	if int(number) < len(c.ns.roles) {
		return c.ns.roles[number]
	}
	return 0
}

// hold takes account of a held role.
func (c *check) hold(h hold) {
	h.ways = c.pair.ways(h.role)
	gated := h.gate() != nil
	if gated || h.ways.has(condDeny) || (!h.denyOnly && h.ways.has(condAllow)) {
		c.deferred.add(h)
	}
	if gated {
		return
	}
	c.held = true
	if h.ways.has(deny) {
		c.deny(h.role, true)
	}
	if !h.denyOnly && h.ways.has(allow) {
		c.grant(h.role)
	}
}

func (c *check) deny(role uint32, explicit bool) {
	if !c.denied {
		c.denied = true
		c.d.Roles = c.d.Roles[:0]
	}
	c.explicit = c.explicit || explicit
	c.d.Roles = append(c.d.Roles, c.v.ids[role])
}

func (c *check) grant(role uint32) {
	if !c.denied {
		c.d.Roles = append(c.d.Roles, c.v.ids[role])
	}
}

// decide writes the decision.
func (c *check) decide() {
	reason := authz.ReasonNone
	if c.deferred.n > 0 {
		reason = c.resolve()
		c.deferred.release()
	}
	switch {
	case c.denied && c.explicit:
		c.d.Reason = authz.ReasonExplicitDeny
	case c.denied:
		c.d.Reason = authz.ReasonDenyError
	case len(c.d.Roles) > 0:
		c.d.Reason = authz.ReasonGranted
		c.d.Allowed = true
	case reason != authz.ReasonNone:
		c.d.Reason = reason
	case c.held:
		c.d.Reason = authz.ReasonNoPermission
	default:
		c.d.Reason = authz.ReasonNoRole
	}
	if len(c.d.Roles) > 1 {
		slices.Sort(c.d.Roles)
		c.d.Roles = slices.Compact(c.d.Roles)
	}
}
