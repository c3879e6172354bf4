// SPDX-License-Identifier: Apache-2.0

package authzen

import (
	"fmt"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/door"
)

// authority returns the names of the properties of a subject that give authority.
func authority() []string {
	return []string{"roles", "groups", "email", "email_verified", "sso_connections", "sso_groups"}
}

// setAuthority fills the fields of a subject that give authority from its
// properties, which keep them too, for conditions.
func setAuthority(properties map[string]any, s *authz.Subject) error {
	if len(properties) == 0 {
		return nil
	}
	m := members{path: "subject.properties.", object: properties}
	s.Roles = m.texts("roles")
	s.Groups = m.texts("groups")
	s.Email = m.text("email")
	s.EmailVerified = m.truth("email_verified")
	s.SSOConnections = m.texts("sso_connections")
	s.SSOGroups = m.ssoGroups("sso_groups")
	return m.err
}

// setScope fills the scope of a request from its context, if that has one. An
// empty one is refused: it is the mark of a template without a value.
func setScope(context map[string]any, r *authz.Request) error {
	v := context["scope"]
	if v == nil {
		return nil
	}
	scope, ok := v.(string)
	if !ok {
		return door.BadRequest("context.scope: must be a string")
	}
	if scope == "" {
		return door.BadRequest("context.scope: must not be empty; leave it out to ask without a scope")
	}
	r.Scope = scope
	return nil
}

// members reads members of known shape out of a free object. An absent or null
// member is a zero value; err is the first fault.
type members struct {
	path   string
	object map[string]any
	err    error
}

func (m *members) fault(name, problem string) {
	if m.err == nil {
		m.err = door.BadRequest(m.path + name + ": " + problem)
	}
}

func (m *members) text(name string) string {
	v := m.object[name]
	s, ok := v.(string)
	if !ok && v != nil {
		m.fault(name, "must be a string")
	}
	return s
}

func (m *members) truth(name string) bool {
	v := m.object[name]
	b, ok := v.(bool)
	if !ok && v != nil {
		m.fault(name, "must be true or false")
	}
	return b
}

func (m *members) array(name string) []any {
	v := m.object[name]
	a, ok := v.([]any)
	if !ok && v != nil {
		m.fault(name, "must be an array")
	}
	return a
}

func (m *members) texts(name string) []string {
	elements := m.array(name)
	if len(elements) == 0 {
		return nil
	}
	texts := make([]string, len(elements))
	for i, v := range elements {
		s, ok := v.(string)
		if !ok {
			m.fault(fmt.Sprintf("%s[%d]", name, i), "must be a string")
		}
		texts[i] = s
	}
	return texts
}

func (m *members) ssoGroups(name string) []authz.SSOGroup {
	elements := m.array(name)
	if len(elements) == 0 {
		return nil
	}
	groups := make([]authz.SSOGroup, len(elements))
	for i, v := range elements {
		object, ok := v.(map[string]any)
		if !ok {
			m.fault(fmt.Sprintf("%s[%d]", name, i), "must be an object with connection and id")
			continue
		}
		groups[i] = m.ssoGroup(fmt.Sprintf("%s[%d].", name, i), object)
	}
	return groups
}

func (m *members) ssoGroup(path string, object map[string]any) authz.SSOGroup {
	inner := members{path: m.path + path, object: object}
	g := authz.SSOGroup{Connection: inner.text("connection"), ID: inner.text("id")}
	if m.err == nil {
		m.err = inner.err
	}
	return g
}
