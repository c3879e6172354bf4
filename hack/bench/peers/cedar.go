// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"

	"github.com/rolecall/rolecall/hack/bench/engine"
	"github.com/rolecall/rolecall/hack/bench/workload"
)

// cedarEngine has one policy, and all grants in the data of entities. Of the
// forms that were tried it is the fastest by far: cedar-go evaluates every policy
// of a set for every request. A role that holds everywhere is in the user's
// attribute, the others are in tags named after the scope; what a request is
// about is an entity that lists the roles that grant it.
type cedarEngine struct {
	set      *workload.Set
	policies *cedar.PolicySet
	entities types.EntityMap
}

const (
	cedarPolicy = `permit(principal, action, resource) when {
  context.permission.roles.containsAny(principal.roles) ||
  (principal.hasTag(context.scope) && context.permission.roles.containsAny(principal.getTag(context.scope)))`
	cedarOwner = ` || (resource.owner == principal && (context.permission.owners.containsAny(principal.roles) ||
  (principal.hasTag(context.scope) && context.permission.owners.containsAny(principal.getTag(context.scope)))))`
)

// Build implements engine.Engine.
func (c *cedarEngine) Build(s *workload.Set) error {
	text := cedarPolicy
	if s.Variant.Conditional() {
		text += cedarOwner
	}
	var err error
	if c.policies, err = cedar.NewPolicySetFromBytes("policy", []byte(text+"\n};")); err != nil {
		return err
	}
	c.set, c.entities = s, make(types.EntityMap, s.Users+workload.Types*workload.Actions)
	for u := range s.Users {
		e := cedarUser(u, s.Of(u))
		c.entities[e.UID] = e
	}
	for _, e := range cedarPermissions(s) {
		c.entities[e.UID] = e
	}
	return nil
}

func cedarRole(i int) types.EntityUID {
	return types.NewEntityUID("Role", types.String(workload.RoleName(i)))
}

func cedarUser(u int, as []workload.Assignment) types.Entity {
	var everywhere []types.Value
	scoped := map[types.String][]types.Value{}
	for _, a := range as {
		role := cedarRole(int(a.Role))
		if a.Scope == workload.Any {
			everywhere = append(everywhere, role)
			continue
		}
		scope := types.String(workload.ScopeName(int(a.Scope)))
		scoped[scope] = append(scoped[scope], role)
	}
	tags := types.RecordMap{}
	for scope, roles := range scoped {
		tags[scope] = types.NewSet(roles...)
	}
	return types.Entity{
		UID:        types.NewEntityUID("User", types.String(workload.UserName(u))),
		Attributes: types.NewRecord(types.RecordMap{"roles": types.NewSet(everywhere...)}),
		Tags:       types.NewRecord(tags),
	}
}

func permissionUID(typ, action int) types.EntityUID {
	return types.NewEntityUID("Permission", types.String(workload.TypeName(typ)+"/"+workload.ActionName(action)))
}

// cedarPermissions returns the entities of all types and actions.
func cedarPermissions(s *workload.Set) []types.Entity {
	always, owners := map[types.EntityUID][]types.Value{}, map[types.EntityUID][]types.Value{}
	for i, permissions := range s.Roles {
		for _, p := range permissions {
			to := always
			if p.Owner {
				to = owners
			}
			p.Expand(func(typ, action int) {
				uid := permissionUID(typ, action)
				to[uid] = append(to[uid], cedarRole(i))
			})
		}
	}
	var out []types.Entity
	for t := range workload.Types {
		for a := range workload.Actions {
			uid := permissionUID(t, a)
			out = append(out, types.Entity{
				UID:        uid,
				Attributes: types.NewRecord(types.RecordMap{"roles": types.NewSet(always[uid]...), "owners": types.NewSet(owners[uid]...)}),
			})
		}
	}
	return out
}

// overlay adds the entity of a request's resource to the stored ones.
type overlay struct {
	base     types.EntityMap
	resource types.Entity
}

func (o *overlay) Get(uid types.EntityUID) (types.Entity, bool) {
	if uid == o.resource.UID {
		return o.resource, true
	}
	e, ok := o.base[uid]
	return e, ok
}

// Reader implements engine.Engine.
func (c *cedarEngine) Reader(requests []workload.Request) engine.Reader {
	prepared, overlays := make([]cedar.Request, len(requests)), make([]overlay, len(requests))
	for i := range requests {
		q := &requests[i]
		resource := types.NewEntityUID(types.EntityType("T"+q.Type[len("type-"):]), types.String(q.ID))
		prepared[i] = cedar.Request{
			Principal: types.NewEntityUID("User", types.String(q.User)),
			Action:    types.NewEntityUID("Action", types.String(q.Action)),
			Resource:  resource,
			Context:   types.NewRecord(types.RecordMap{"scope": types.String(q.Scope), "permission": permissionUID(q.TypeN, q.ActionN)}),
		}
		owner := types.NewEntityUID("User", types.String(q.Owner))
		overlays[i] = overlay{c.entities, types.Entity{UID: resource, Attributes: types.NewRecord(types.RecordMap{"owner": owner})}}
	}
	return func(i int) bool {
		decision, diagnostic := cedar.Authorize(c.policies, &overlays[i], prepared[i])
		if len(diagnostic.Errors) > 0 {
			panic(diagnostic.Errors[0].Message)
		}
		return decision == cedar.Allow
	}
}

// Change implements engine.Engine.
func (c *cedarEngine) Change(user int, _, to workload.Assignment) func() {
	as := slices.Clone(c.set.Of(user))
	as[0] = to
	return func() {
		e := cedarUser(user, as)
		c.entities[e.UID] = e
	}
}
