// SPDX-License-Identifier: Apache-2.0

package session

import (
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/expr"
	"github.com/rolecall/rolecall/internal/identity/claims"
)

// userType is the type of a subject whose type is not mapped.
const userType = "user"

// mappings say which claim means what.
type mappings struct {
	id, groups, scope         prefixed
	typ, roles                *claims.Value
	email, emailVerified      *claims.Value
	ssoConnections, ssoGroups *claims.Value
	properties                []property
}

// prefixed is a value with a text before it.
type prefixed struct {
	*claims.Value

	prefix string
}

type property struct {
	name  string
	value *claims.Value
}

// mappings compiles valid mappings. The error names the field.
func (c *compiler) mappings(path *field.Path, from *configv1alpha1.ClaimMappings) (mappings, error) {
	var m mappings
	var fault error
	value := func(name string, of configv1alpha1.ClaimOrExpression, form expr.Form) *claims.Value {
		v, err := c.claims.Value(path.Child(name), of, form)
		if fault == nil {
			fault = err
		}
		return v
	}
	withPrefix := func(name string, of configv1alpha1.PrefixedClaimOrExpression, form expr.Form) prefixed {
		p := prefixed{Value: value(name, configv1alpha1.ClaimOrExpression{Claim: of.Claim, Expression: of.Expression}, form)}
		if of.Prefix != nil {
			p.prefix = *of.Prefix
		}
		return p
	}
	m.id = withPrefix("id", from.ID, expr.TextForm)
	m.groups = withPrefix("groups", from.Groups, expr.ListForm)
	m.scope = withPrefix("scope", from.Scope, expr.TextForm)
	m.typ = value("type", from.Type, expr.TextForm)
	m.roles = value("roles", from.Roles, expr.ListForm)
	m.email = value("email", from.Email, expr.TextForm)
	m.emailVerified = value("emailVerified", from.EmailVerified, expr.TruthForm)
	m.ssoConnections = value("ssoConnections", from.SSOConnections, expr.ListForm)
	m.ssoGroups = value("ssoGroups", from.SSOGroups, expr.ListForm)
	for i, p := range from.Properties {
		of, err := c.claims.Value(path.Child("properties").Index(i), p.ClaimOrExpression, expr.AnyForm)
		if fault == nil {
			fault = err
		}
		m.properties = append(m.properties, property{p.Name, of})
	}
	return m, fault
}

// subject reads a subject. Its error is that of the first mapping that fails.
func (m *mappings) subject(c *claims.Claims) (authz.Subject, error) {
	r := reader{claims: c}
	s := authz.Subject{
		Type: userType, ID: r.prefixedText(m.id), Groups: r.groups(m.groups), SessionScope: r.scope(m.scope),
		Roles: r.texts(m.roles), Email: r.text(m.email), EmailVerified: r.truth(m.emailVerified),
		SSOConnections: r.ids(m.ssoConnections),
	}
	if m.typ.Mapped() {
		s.Type = r.text(m.typ)
		r.check(m.typ, s.Type != "" && !authz.ReservedType(s.Type), "must be the type of a subject")
	}
	s.SSOGroups = r.ssoGroups(m.ssoGroups, s.SSOConnections)
	s.Properties = r.properties(m.properties)
	if r.err != nil {
		return authz.Subject{}, r.err
	}
	return s, nil
}

// reader reads values and keeps the first error.
type reader struct {
	claims *claims.Claims
	err    error
}

func (r *reader) check(v *claims.Value, ok bool, problem string) {
	if !ok && r.err == nil {
		r.err = v.Unfit(problem)
	}
}

func read[T any](r *reader, get func(*claims.Claims) (T, error)) T {
	var zero T
	if r.err != nil {
		return zero
	}
	value, err := get(r.claims)
	if err != nil {
		r.err = err
		return zero
	}
	return value
}

func (r *reader) text(v *claims.Value) string    { return read(r, v.Text) }
func (r *reader) truth(v *claims.Value) bool     { return read(r, v.Truth) }
func (r *reader) texts(v *claims.Value) []string { return read(r, v.Texts) }

// ids are texts none of which is the wildcard, which would mean all.
func (r *reader) ids(v *claims.Value) []string {
	ids := r.texts(v)
	r.check(v, !slices.Contains(ids, authz.Wildcard), "must not hold the wildcard *")
	return ids
}

func (r *reader) groups(v prefixed) []string {
	groups := r.texts(v.Value)
	for i, g := range groups {
		groups[i] = v.prefix + g
	}
	r.check(v.Value, !slices.Contains(groups, authz.Wildcard), "must not hold the wildcard *")
	return groups
}

// prefixedText is the subject's id.
func (r *reader) prefixedText(v prefixed) string {
	id := r.text(v.Value)
	r.check(v.Value, id != "", "is required and must not be empty")
	id = v.prefix + id
	r.check(v.Value, id != authz.Wildcard, "must not be the wildcard *")
	return id
}

// scope is where the session belongs. A token that belongs nowhere would belong
// everywhere, and so is none. A claim names a tenant and no path.
func (r *reader) scope(v prefixed) string {
	if !v.Mapped() {
		return ""
	}
	scope := r.text(v.Value)
	r.check(v.Value, scope != "", "is required and must not be empty")
	if v.FromClaim() {
		scope = v.prefix + authz.EscapeSegment(scope)
	}
	r.check(v.Value, authz.ValidScope(scope), "must be a scope: non-empty segments joined by /")
	return scope
}

// ssoGroups are the groups of connections that the session has logged in with.
func (r *reader) ssoGroups(v *claims.Value, connections []string) []authz.SSOGroup {
	value := read(r, v.Any)
	if value == nil {
		return nil
	}
	list, ok := value.([]any)
	r.check(v, ok, "must be a list of objects with connection and id")
	var groups []authz.SSOGroup
	for _, element := range list {
		object, _ := element.(map[string]any)
		connection, isText := object["connection"].(string)
		id, alsoText := object["id"].(string)
		r.check(v, isText && alsoText && connection != "" && id != "", "must be a list of objects with connection and id")
		r.check(v, id != authz.Wildcard, "must not hold the wildcard *")
		if slices.Contains(connections, connection) {
			groups = append(groups, authz.SSOGroup{Connection: connection, ID: id})
		}
	}
	return groups
}

func (r *reader) properties(all []property) map[string]any {
	if len(all) == 0 {
		return nil
	}
	properties := make(map[string]any, len(all))
	for _, p := range all {
		if value := read(r, p.value.Any); value != nil {
			properties[p.name] = value
		}
	}
	return properties
}
