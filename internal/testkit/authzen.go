// SPDX-License-Identifier: Apache-2.0

package testkit

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	"github.com/rolecall/rolecall/internal/authz"
)

// AuthZEN renders a request as the body of an AuthZEN evaluation. What the
// protocol cannot say is an error: a scope of the asserted roles (only a token
// has one), properties that nobody states (see authz.Subject), and free properties under the names that the dialect gives a
// meaning. The time is the server's.
func AuthZEN(r *authz.Request) ([]byte, error) {
	if r.Subject.SessionScope != "" {
		return nil, fmt.Errorf("an AuthZEN request cannot say the scope of a session, %s", r.Subject.SessionScope)
	}
	if len(r.Subject.Captured)+len(r.Resource.Captured) > 0 {
		return nil, errors.New("an AuthZEN request cannot have captured properties: a gateway has them")
	}
	properties, err := merge("subject.properties", r.Subject.Properties, subjectProperties(&r.Subject))
	if err != nil {
		return nil, err
	}
	scope := map[string]any{}
	if r.Scope != "" {
		scope["scope"] = r.Scope
	}
	context, err := merge("context", r.Context, scope)
	if err != nil {
		return nil, err
	}
	return json.Marshal(map[string]any{
		"subject":  map[string]any{"type": r.Subject.Type, "id": r.Subject.ID, "properties": properties},
		"action":   map[string]any{"name": r.Action.Name, "properties": present(r.Action.Properties)},
		"resource": map[string]any{"type": r.Resource.Type, "id": r.Resource.ID, "properties": present(r.Resource.Properties)},
		"context":  context,
	})
}

func subjectProperties(s *authz.Subject) map[string]any {
	p := map[string]any{}
	if s.Roles != nil {
		p["roles"] = s.Roles
	}
	if s.Groups != nil {
		p["groups"] = s.Groups
	}
	if s.Email != "" {
		p["email"] = s.Email
	}
	if s.EmailVerified {
		p["email_verified"] = true
	}
	if s.SSOConnections != nil {
		p["sso_connections"] = s.SSOConnections
	}
	if s.SSOGroups != nil {
		var groups []map[string]string
		for _, g := range s.SSOGroups {
			groups = append(groups, map[string]string{"connection": g.Connection, "id": g.ID})
		}
		p["sso_groups"] = groups
	}
	return p
}

func merge(field string, free, meaning map[string]any) (map[string]any, error) {
	all := present(maps.Clone(free))
	for key, value := range meaning {
		if _, taken := all[key]; taken {
			return nil, fmt.Errorf("an AuthZEN request gives %s.%s a meaning, so it cannot be free", field, key)
		}
		all[key] = value
	}
	return all, nil
}

func present(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}
