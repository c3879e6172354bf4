// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"slices"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/grants"
)

// whereto is what a subject holds that has something to do with a type and an
// action. A check about one resource goes through all that the subject holds; with
// this, a search about many goes through it once.
type whereto struct {
	// common counts for every resource, and named for the resources of those ids.
	common []given
	named  map[string][]given
	// all says that something of the former may allow.
	all bool
}

// given is an entry, and whether it counts for Deny only.
type given struct {
	entry    grants.Entry
	denyOnly bool
}

// resources gathers the known resources on which the subject holds a role that may
// allow: those that its bindings name, or all if one of them names none.
func (x *search) resources() {
	if x.whereto == nil {
		x.whereto = x.newWhereto()
	}
	for id := range x.whereto.named {
		if !x.take(id) {
			return
		}
	}
	if x.whereto.all {
		x.openTo.add(authz.OpenToAll)
		x.knownResources()
	}
}

func (x *search) newWhereto() *whereto {
	w := &whereto{named: make(map[string][]given)}
	w.all = slices.ContainsFunc(x.request.Subject.Roles, func(id string) bool {
		r, ok := x.v.roles.Get(id)
		return ok && r.assertable && x.pair.ways(r.number).mayAllow()
	})
	x.eachKey(func(k *kind, id string, denyOnly bool) {
		x.eachOfKey(k, id, func(e grants.Entry) {
			if role := x.role(e.Role); role != 0 && x.pair.ways(role) != 0 && x.look() {
				w.add(x, given{e, denyOnly}, x.pair.ways(role).mayAllow())
			}
		})
	})
	if x.walk != nil {
		x.walk.release()
		x.walk = nil
	}
	return w
}

func (w *whereto) add(x *search, g given, mayAllow bool) {
	if g.entry.Binding&grants.Special == 0 {
		w.addCommon(g, mayAllow)
		return
	}
	b, _ := x.ns.special.Get(g.entry.Number())
	switch {
	case !b.validAt(x.request.Time):
	case len(b.Resources) == 0:
		w.addCommon(g, mayAllow && !b.Deleting)
	default:
		for _, instance := range b.Resources {
			if instance.Type == x.request.Resource.Type {
				w.named[instance.ID] = append(w.named[instance.ID], g)
			}
		}
	}
}

func (w *whereto) addCommon(g given, mayAllow bool) {
	w.common = append(w.common, g)
	w.all = w.all || (mayAllow && !g.denyOnly)
}

// checkResource decides about the resource of the request, as Check does.
func (x *search) checkResource(d *authz.Decision) {
	d.Reset()
	c := check{r: &x.request, d: d, ns: x.ns, v: x.v, pair: x.pair, scopes: x.scopes}
	if len(c.r.Subject.Roles) > 0 {
		c.asserted()
	}
	for _, held := range [...][]given{x.whereto.common, x.whereto.named[c.r.Resource.ID]} {
		for _, g := range held {
			c.entry(g.entry, g.denyOnly)
		}
	}
	c.decide()
	if c.walk != nil {
		c.walk.release()
	}
}

// knownResources gathers all of the type that a binding names, or of which
// something is stored.
func (x *search) knownResources() {
	typ := x.request.Resource.Type
	if named, ok := x.ns.instances.Get(typ); ok {
		for id := range named.All() {
			if !x.take(id) {
				return
			}
		}
	}
	for _, id := range x.v.Instances(typ).IDs() {
		if !x.take(id) {
			return
		}
	}
}
