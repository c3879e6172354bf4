// SPDX-License-Identifier: Apache-2.0

package cerbos

import (
	"strings"

	"github.com/rolecall/rolecall/internal/authz"
)

// Request asks what a principal may do to resources: the message
// CheckResourcesRequest, in whichever form it came. Attributes are values as of
// encoding/json.
type Request struct {
	// ID is the client's own name of the request, which the answer repeats.
	ID string
	// IncludeMeta says that the answer shall say what decided.
	IncludeMeta bool
	// Principal is who wants to do something; nil if the request does not say.
	Principal *Principal
	Entries   []Entry
	// Token is that of auxData, nil if there is none, and Tokens says that there are
	// several, by name.
	Token  *Token
	Tokens bool
}

// Principal is who wants to do something. PolicyVersion and Scope name policies of
// principals, which there are none of.
type Principal struct {
	ID, PolicyVersion, Scope string
	Roles                    []string
	Attributes               map[string]any
}

// Entry is a resource and what the principal wants to do to it.
type Entry struct {
	Actions []string
	// Resource is nil if the entry does not say.
	Resource *Resource
}

// Resource is what the principal wants to do something to.
type Resource struct {
	Kind, PolicyVersion, ID, Scope string
	Attributes                     map[string]any
}

// Token is a token whose claims conditions may see, and the name of the keys that
// verify it.
type Token struct{ Text, KeySetID string }

// Response answers a Request.
type Response struct {
	RequestID, CallID string
	// Results are those of the entries, in their order.
	Results []Result
}

// Result says which of an entry's actions are allowed, in their order.
type Result struct {
	Resource *Resource
	Effects  []Effect
	// Meta says that the effects say what decided.
	Meta bool
}

// Effect says whether an action is allowed, and, if that was asked, the policy that
// decided.
type Effect struct {
	Action  string
	Allowed bool
	Policy  string
}

// subjectType is what every principal is.
const subjectType = "user"

// defaultVersion is the version of the policy that there is.
const defaultVersion = "default"

// core is a resource as the core knows it. A version of the policy other than the
// one that there is makes a type of it that no Resource can declare, so that no
// policy is found for it.
func (r *Resource) core() authz.Resource {
	c := authz.Resource{Type: r.Kind, ID: r.ID, Properties: r.Attributes}
	if v := r.PolicyVersion; v != "" && v != defaultVersion {
		c.Type += " (policyVersion " + v + ")"
	}
	return c
}

// scope is the scope that a scope of Cerbos' means: its segments are joined by /
// here, and the root is none.
func scope(dotted string) string {
	if dotted == "." {
		return ""
	}
	return strings.ReplaceAll(dotted, ".", "/")
}

// noMatch says that there is no policy for a resource.
const noMatch = "NO_MATCH"

// match says what decided: the roles that did, each as the policy of a role is
// named (role.NAME.vVERSION), or else the Resource, or that there is none.
func match(kind string, d *authz.Decision) string {
	switch {
	case len(d.Roles) > 0:
		names := make([]string, len(d.Roles))
		for i, role := range d.Roles {
			names[i] = "role." + role + ".v" + defaultVersion
		}
		return strings.Join(names, ",")
	case d.Reason == authz.ReasonUnknownResource:
		return noMatch
	}
	return "resource." + kind + ".v" + defaultVersion
}
