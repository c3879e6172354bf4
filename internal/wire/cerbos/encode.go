// SPDX-License-Identifier: Apache-2.0

package cerbos

import (
	"strings"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/wire/cerbos/cerbospb"
)

// newResult returns the result of an entry without effects yet.
func newResult(entry *cerbospb.CheckResourcesRequest_Entry, withMeta bool) *cerbospb.CheckResourcesResponse_Result {
	r := entry.GetResource()
	result := &cerbospb.CheckResourcesResponse_Result{
		Resource: &cerbospb.CheckResourcesResponse_Subject{
			Id: r.GetId(), Kind: r.GetKind(), PolicyVersion: r.GetPolicyVersion(), Scope: r.GetScope(),
		},
		Actions: make(map[string]cerbospb.Effect, len(entry.GetActions())),
	}
	if withMeta {
		result.Meta = &cerbospb.CheckResourcesResponse_Meta{
			Actions: make(map[string]*cerbospb.CheckResourcesResponse_Match, len(entry.GetActions())),
		}
	}
	return result
}

func effect(d *authz.Decision) cerbospb.Effect {
	if d.Allowed {
		return cerbospb.Effect_EFFECT_ALLOW
	}
	return cerbospb.Effect_EFFECT_DENY
}

// noMatch says that there is no policy for a resource.
const noMatch = "NO_MATCH"

// match says what decided: the roles that did, each as the policy of a role is
// named (role.NAME.vVERSION), or else the Resource, or that there is none.
func match(kind string, d *authz.Decision) *cerbospb.CheckResourcesResponse_Match {
	policy := "resource." + kind + ".v" + defaultVersion
	switch {
	case len(d.Roles) > 0:
		names := make([]string, len(d.Roles))
		for i, role := range d.Roles {
			names[i] = "role." + role + ".v" + defaultVersion
		}
		policy = strings.Join(names, ",")
	case d.Reason == authz.ReasonUnknownResource:
		policy = noMatch
	}
	return &cerbospb.CheckResourcesResponse_Match{MatchedPolicy: policy}
}
