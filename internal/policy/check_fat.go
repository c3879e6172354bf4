// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"github.com/rolecall/rolecall/internal/grants"
)

// fat holds the roles of one scope of a key with a great many entries.
func (c *check) fat(f *grants.Fat, scope uint32, denyOnly bool) {
	c.fatPlain(f, scope, denyOnly)
	f.EachUnlimited(scope, func(e grants.Entry) { c.entry(e, denyOnly) })
}

// fatLimited holds the roles of the bindings that name the instance. Most keys with a
// great many bindings have one for each thing that was shared with somebody, and few
// bindings name one thing. If they are more than the entries, it goes through these.
func (c *check) fatLimited(f *grants.Fat, denyOnly bool) {
	number, named := numberOf(c.ns.instances, Instance{c.r.Resource.Type, c.r.Resource.ID})
	if !named {
		return
	}
	tries := f.Len()
	few := c.ns.limited.Each(number, 0, func(uint32) bool {
		tries--
		return tries >= 0
	})
	if !few {
		f.EachLimited(grants.Everywhere, func(e grants.Entry) { c.entry(e, denyOnly) })
		for i := range c.scopes.n {
			f.EachLimited(c.scopes.at(i), func(e grants.Entry) { c.entry(e, denyOnly) })
		}
		return
	}
	c.ns.limited.Each(number, 0, func(binding uint32) bool {
		f.EachLimitedOf(binding, func(e grants.Entry) { c.entryInScope(e, denyOnly) })
		return true
	})
}

// fatPlain asks for the roles that matter to the pair, if they are fewer than the
// entries: whether any plain binding gives them in the scope.
func (c *check) fatPlain(f *grants.Fat, scope uint32, denyOnly bool) {
	if c.pair.count() >= f.Len() {
		c.eachFatRole(f, scope, func(e grants.Entry) bool {
			c.entry(e, denyOnly)
			return true
		})
		return
	}
	c.pair.each(concerned, func(role uint32) {
		number := c.ns.numbers[role]
		if e, ok := f.Plain(scope, number); ok && e.Role == number {
			c.entry(e, denyOnly)
		}
	})
	if !c.held {
		c.eachFatRole(f, scope, func(e grants.Entry) bool {
			c.held = c.role(e.Role) != 0
			return !c.held
		})
	}
}

// eachFatRole goes from role to role, not from binding to binding: any one of the
// plain bindings that give a role in a scope will do.
func (*check) eachFatRole(f *grants.Fat, scope uint32, do func(grants.Entry) bool) {
	for next := uint32(0); ; {
		e, ok := f.Plain(scope, next)
		if !ok || !do(e) {
			return
		}
		next = e.Role + 1
	}
}
