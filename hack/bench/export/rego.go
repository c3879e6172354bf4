// SPDX-License-Identifier: Apache-2.0

// Package export writes the workload in the form of each server, and the
// requests in the form of its protocol.
package export

import "github.com/rolecall/rolecall/hack/bench/workload"

type object = map[string]any

// Permissions are turned round, into permission[type][action][role], so that a
// request looks up one permission and each of the user's roles in it. Of the
// forms that were tried it allocates the least; all took the same time.
const rego = `package authz

default allow := false

allow if {
	grants := data.permission[input.type][input.action]
	user := data.users[input.user]
	granted(user, grants, "always")
}

granted(user, grants, kind) if {
	some role in user.everywhere
	grants[role] == kind
}

granted(user, grants, kind) if {
	some role in user.scoped[input.scope]
	grants[role] == kind
}
`

const regoOwner = `
allow if {
	input.owner == input.user
	grants := data.permission[input.type][input.action]
	user := data.users[input.user]
	granted(user, grants, "owner")
}
`

// Rego returns OPA's policy.
func Rego(v workload.Variant) string {
	if v.Conditional() {
		return rego + regoOwner
	}
	return rego
}

// RegoData returns what the policy reads: permission and users.
func RegoData(s *workload.Set) map[string]any {
	users := make(object, s.Users)
	for u := range s.Users {
		users[workload.UserName(u)] = RegoUser(s.Of(u))
	}
	return object{"permission": regoPermission(s), "users": users}
}

func regoPermission(s *workload.Set) object {
	all := object{}
	for t := range workload.Types {
		actions := object{}
		for a := range workload.Actions {
			actions[workload.ActionName(a)] = object{}
		}
		all[workload.TypeName(t)] = actions
	}
	for i, permissions := range s.Roles {
		role := workload.RoleName(i)
		for _, p := range permissions {
			p.Expand(func(typ, action int) {
				grants := all[workload.TypeName(typ)].(object)[workload.ActionName(action)].(object)
				switch {
				case !p.Owner:
					grants[role] = "always"
				case grants[role] == nil:
					grants[role] = "owner"
				}
			})
		}
	}
	return all
}

// RegoUser returns the document of a user.
func RegoUser(as []workload.Assignment) map[string]any {
	var everywhere []any
	scoped := object{}
	for _, a := range as {
		role := workload.RoleName(int(a.Role))
		if a.Scope == workload.Any {
			everywhere = append(everywhere, role)
			continue
		}
		scope := workload.ScopeName(int(a.Scope))
		held, _ := scoped[scope].([]any)
		scoped[scope] = append(held, role)
	}
	user := object{}
	if len(everywhere) > 0 {
		user["everywhere"] = everywhere
	}
	if len(scoped) > 0 {
		user["scoped"] = scoped
	}
	return user
}

// RegoInput returns the input of a request.
func RegoInput(q *workload.Request) map[string]any {
	return object{"user": q.User, "type": q.Type, "id": q.ID, "action": q.Action, "scope": q.Scope, "owner": q.Owner}
}
