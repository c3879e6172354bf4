// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"slices"
	"strings"

	"github.com/rolecall/rolecall/internal/authz"
)

// Check decides r by this snapshot; see authz.Checker.
func (s *Snapshot) Check(r *authz.Request, d *authz.Decision) error {
	d.Reset()
	if err := r.Validate(); err != nil {
		return err
	}
	ns, err := s.namespace(r.Namespace)
	if err != nil {
		return err
	}
	c := check{r: r, d: d, ns: ns}
	if !c.declared() {
		return nil
	}
	c.asserted()
	c.bound()
	c.decide()
	return nil
}

// check is the state of one decision. It goes once over all that the subject
// holds. What needs no evaluation is settled on the way; the rest is deferred,
// because conditions are evaluated in an order of their own.
type check struct {
	r  *authz.Request
	d  *authz.Decision
	ns *namespace
	// action is the position of the request's type and action.
	action int32
	// held says that some role is held, if only for Deny.
	held bool
	// denied says that a Deny applies, and explicit that it is not merely one
	// that fails. From then on d.Roles are those that forbid.
	denied, explicit bool
	deferred         *deferred
}

// declared looks the type and the action up; if the request stops there, it
// writes the reason.
func (c *check) declared() bool {
	t, ok := c.ns.vocabulary.types[c.r.Resource.Type]
	if !ok {
		c.d.Reason = authz.ReasonUnknownResource
		return false
	}
	if c.action, ok = t.actions[c.r.Action.Name]; !ok {
		c.d.Reason = authz.ReasonUnknownAction
		return false
	}
	if t.scopeRequired && c.r.Scope == "" {
		c.d.Reason = authz.ReasonScopeRequired
		return false
	}
	return true
}

// asserted holds the roles that the request asserts, if they may be asserted and
// were asserted for here.
func (c *check) asserted() {
	s := &c.r.Subject
	if s.RolesScope != "" && !authz.ScopeCovers(s.RolesScope, c.r.Scope) {
		return
	}
	for _, id := range s.Roles {
		if r := c.ns.vocabulary.named[id]; r != nil && r.assertable {
			c.hold(r, nil, false)
		}
	}
}

// bound holds the roles of every binding that lists one of the subject's keys.
func (c *check) bound() {
	s := &c.r.Subject
	c.key(Key{Type: s.Type, ID: s.ID}, false)
	c.key(Key{Type: s.Type, ID: authz.Wildcard}, false)
	for _, g := range s.Groups {
		c.key(Key{Type: authz.TypeGroup, ID: g}, false)
	}
	if domain := authz.EmailDomain(s.Email); domain != "" {
		c.key(Key{Type: authz.TypeEmailDomain, ID: domain}, !s.EmailVerified)
	}
	for _, id := range s.SSOConnections {
		c.key(Key{Type: authz.TypeSSOConnection, ID: id}, false)
	}
	for _, g := range s.SSOGroups {
		c.key(Key{Type: authz.TypeSSOGroup, Connection: g.Connection, ID: g.ID}, false)
	}
}

// key holds the roles bound to one key: everywhere, at the scope of the check
// and at each of its ancestors.
func (c *check) key(k Key, denyOnly bool) {
	g, ok := c.ns.bindings.get(k)
	if !ok {
		return
	}
	c.bindings(g.everywhere, denyOnly)
	if len(g.scoped) == 0 || c.r.Scope == "" {
		return
	}
	for end := 0; end >= 0; {
		end = nextSegment(c.r.Scope, end)
		if end < 0 {
			c.bindings(g.at(c.r.Scope), denyOnly)
			return
		}
		c.bindings(g.at(c.r.Scope[:end]), denyOnly)
	}
}

// nextSegment returns where the segment ends that begins after the one that ends
// at end, or -1 if it is the last.
func nextSegment(scope string, end int) int {
	from := end
	if from > 0 {
		from++
	}
	i := strings.IndexByte(scope[from:], '/')
	if i < 0 {
		return -1
	}
	return from + i
}

func (c *check) bindings(list []*Binding, denyOnly bool) {
	for _, b := range list {
		if !b.validAt(c.r.Time) || !b.names(c.r.Resource.Type, c.r.Resource.ID) {
			continue
		}
		for _, id := range b.Roles {
			if r := c.ns.vocabulary.roles[id]; r != nil {
				c.hold(r, b, denyOnly || b.Deleting)
			}
		}
	}
}

// hold takes account of a held role: by a binding, or asserted if b is nil.
func (c *check) hold(r *role, b *Binding, denyOnly bool) {
	gated := b != nil && b.Gate != nil
	if gated || r.condDeny.has(c.action) || (!denyOnly && r.condAllow.has(c.action)) {
		c.deferHold(hold{role: r, binding: b, denyOnly: denyOnly})
	}
	if gated {
		return
	}
	c.held = true
	if r.deny.has(c.action) {
		c.deny(r, true)
	}
	if !denyOnly && r.allow.has(c.action) {
		c.grant(r)
	}
}

func (c *check) deny(r *role, explicit bool) {
	if !c.denied {
		c.denied = true
		c.d.Roles = c.d.Roles[:0]
	}
	c.explicit = c.explicit || explicit
	c.d.Roles = append(c.d.Roles, r.id)
}

func (c *check) grant(r *role) {
	if !c.denied {
		c.d.Roles = append(c.d.Roles, r.id)
	}
}

// decide writes the decision.
func (c *check) decide() {
	reason := authz.ReasonNone
	if c.deferred != nil {
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
