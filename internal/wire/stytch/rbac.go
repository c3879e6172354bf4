// SPDX-License-Identifier: Apache-2.0

package stytch

import (
	"net/http"

	"github.com/rolecall/rolecall/internal/authz"
)

// document is the vendor's policy. Every list is there, also if it is empty: SDKs
// fall over null.
type document struct {
	Roles     []role     `json:"roles"`
	Resources []resource `json:"resources"`
	Scopes    []struct{} `json:"scopes"`
}

type role struct {
	ID          string       `json:"role_id"`
	Description string       `json:"description"`
	Permissions []permission `json:"permissions"`
}

type permission struct {
	Resource string   `json:"resource_id"`
	Actions  []string `json:"actions"`
}

type resource struct {
	ID          string   `json:"resource_id"`
	Description string   `json:"description"`
	Actions     []string `json:"actions"`
}

// policyDocument answers with the part of the policy that holds for whoever has a
// token with a role in it. An SDK that decides by it allows nothing that a check
// would not; what it denies it asks us.
func (c *call) policyDocument(*http.Request) (any, error) {
	p, err := c.policy.Export()
	if err != nil {
		return nil, err
	}
	return struct {
		reply
		Policy document `json:"policy"`
	}{c.reply(), newDocument(p)}, nil
}

func newDocument(p *authz.Policy) document {
	d := document{Roles: []role{}, Resources: []resource{}, Scopes: []struct{}{}}
	for _, r := range p.Resources {
		d.Resources = append(d.Resources, resource{ID: r.Type, Actions: r.Actions})
	}
	for _, r := range p.Roles {
		if !r.Assertable { // a token cannot give it
			continue
		}
		to := role{ID: r.ID, Permissions: []permission{}}
		for _, a := range r.Allows {
			to.Permissions = append(to.Permissions, permission{a.Type, a.Actions})
		}
		d.Roles = append(d.Roles, to)
	}
	return d
}

// organization answers that an organization has no roles of its own: roles are the
// project's, and bindings give them in the organization's scope. SDKs ask before
// they decide.
func (c *call) organization(*http.Request) (any, error) {
	type roles struct {
		Roles []role `json:"roles"`
	}
	return struct {
		reply
		Policy roles `json:"org_policy"`
	}{c.reply(), roles{Roles: []role{}}}, nil
}
