// SPDX-License-Identifier: Apache-2.0

package stytch

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/door"
)

// The claims in which the vendor's tokens keep the session and the organization.
const (
	claimPrefix       = "https://stytch.com/"
	claimSession      = claimPrefix + "session"
	claimOrganization = claimPrefix + "organization"
)

// memberSession is what a token says of its session, in the vendor's form.
type memberSession struct {
	ID               string         `json:"member_session_id"`
	Member           string         `json:"member_id"`
	StartedAt        string         `json:"started_at"`
	LastAccessedAt   string         `json:"last_accessed_at"`
	ExpiresAt        string         `json:"expires_at"`
	Factors          []any          `json:"authentication_factors"`
	Organization     string         `json:"organization_id"`
	OrganizationSlug string         `json:"organization_slug"`
	Roles            []string       `json:"roles"`
	CustomClaims     map[string]any `json:"custom_claims"`
}

func newSession(s *door.Session, p Project) memberSession {
	claim := object(s.Claims, claimSession)
	m := memberSession{
		ID:               cmp.Or(text(claim, "id"), text(s.Claims, "jti")),
		Member:           s.Subject.ID,
		StartedAt:        cmp.Or(text(claim, "started_at"), moment(s.IssuedAt)),
		LastAccessedAt:   cmp.Or(text(claim, "last_accessed_at"), moment(s.IssuedAt)),
		ExpiresAt:        cmp.Or(text(claim, "expires_at"), moment(s.ExpiresAt)),
		Organization:     p.organization(s.Subject.SessionScope),
		OrganizationSlug: text(object(s.Claims, claimOrganization), "slug"),
		Roles:            append([]string{}, s.Subject.Roles...),
		CustomClaims:     custom(s.Claims),
	}
	m.Factors, _ = claim["authentication_factors"].([]any)
	if m.Factors == nil {
		m.Factors = []any{}
	}
	return m
}

// registered are the claims that a token has of itself (RFC 7519, section 4.1), and
// those that an introspection's answer adds (RFC 7662, section 2.2).
var registered = []string{
	"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "active", "scope", "client_id", "username", "token_type",
}

// custom returns the claims that are the application's own.
func custom(claims map[string]any) map[string]any {
	own := maps.Clone(claims)
	maps.DeleteFunc(own, func(name string, _ any) bool {
		return strings.HasPrefix(name, claimPrefix) || slices.Contains(registered, name)
	})
	if own == nil {
		own = map[string]any{}
	}
	return own
}

// member has the fields without which the vendor's SDKs do not read an answer. What
// no token says is empty.
type member struct {
	Organization       string         `json:"organization_id"`
	ID                 string         `json:"member_id"`
	Email              string         `json:"email_address"`
	Status             string         `json:"status"`
	Name               string         `json:"name"`
	SSORegistrations   []any          `json:"sso_registrations"`
	IsBreakglass       bool           `json:"is_breakglass"`
	Password           string         `json:"member_password_id"`
	OAuthRegistrations []any          `json:"oauth_registrations"`
	EmailVerified      bool           `json:"email_address_verified"`
	PhoneVerified      bool           `json:"mfa_phone_number_verified"`
	IsAdmin            bool           `json:"is_admin"`
	TOTPRegistration   string         `json:"totp_registration_id"`
	RetiredEmails      []any          `json:"retired_email_addresses"`
	IsLocked           bool           `json:"is_locked"`
	MFAEnrolled        bool           `json:"mfa_enrolled"`
	Phone              string         `json:"mfa_phone_number"`
	DefaultMFA         string         `json:"default_mfa_method"`
	Roles              []memberRole   `json:"roles"`
	TrustedMetadata    map[string]any `json:"trusted_metadata"`
	UntrustedMetadata  map[string]any `json:"untrusted_metadata"`
	ExternalID         string         `json:"external_id"`
}

// memberRole is a role of the session's. Whence the member has it only the issuer
// knows: it is the token that assigns it.
type memberRole struct {
	ID      string       `json:"role_id"`
	Sources []roleSource `json:"sources"`
}

type roleSource struct {
	Type    string         `json:"type"`
	Details map[string]any `json:"details"`
}

func newMember(s *door.Session, p Project) member {
	m := member{
		Organization: p.organization(s.Subject.SessionScope), ID: s.Subject.ID, Status: "active",
		Email: s.Subject.Email, EmailVerified: s.Subject.EmailVerified,
		SSORegistrations: []any{}, OAuthRegistrations: []any{}, RetiredEmails: []any{}, Roles: []memberRole{},
		TrustedMetadata: map[string]any{}, UntrustedMetadata: map[string]any{},
	}
	for _, id := range s.Subject.Roles {
		m.Roles = append(m.Roles, memberRole{ID: id, Sources: []roleSource{{Type: "direct_assignment", Details: map[string]any{}}}})
	}
	return m
}

// organization has the fields without which the vendor's SDKs do not read an
// answer.
type organization struct {
	ID                    string         `json:"organization_id"`
	Name                  string         `json:"organization_name"`
	Slug                  string         `json:"organization_slug"`
	LogoURL               string         `json:"organization_logo_url"`
	EmailAllowedDomains   []any          `json:"email_allowed_domains"`
	SSOJIT                string         `json:"sso_jit_provisioning"`
	SSOJITConnections     []any          `json:"sso_jit_provisioning_allowed_connections"`
	SSOConnections        []any          `json:"sso_active_connections"`
	EmailJIT              string         `json:"email_jit_provisioning"`
	EmailInvites          string         `json:"email_invites"`
	AuthMethods           string         `json:"auth_methods"`
	AllowedAuthMethods    []any          `json:"allowed_auth_methods"`
	MFAPolicy             string         `json:"mfa_policy"`
	MFAMethods            string         `json:"mfa_methods"`
	AllowedMFAMethods     []any          `json:"allowed_mfa_methods"`
	OAuthTenantJIT        string         `json:"oauth_tenant_jit_provisioning"`
	ClaimedDomains        []any          `json:"claimed_email_domains"`
	FirstPartyApps        string         `json:"first_party_connected_apps_allowed_type"`
	AllowedFirstPartyApps []any          `json:"allowed_first_party_connected_apps"`
	ThirdPartyApps        string         `json:"third_party_connected_apps_allowed_type"`
	AllowedThirdPartyApps []any          `json:"allowed_third_party_connected_apps"`
	CustomRoles           []any          `json:"custom_roles"`
	EmailRoleAssignments  []any          `json:"rbac_email_implicit_role_assignments"`
	TrustedMetadata       map[string]any `json:"trusted_metadata"`
}

func newOrganization(s *door.Session, p Project) organization {
	const no = "NOT_ALLOWED"
	return organization{
		ID: p.organization(s.Subject.SessionScope), Slug: text(object(s.Claims, claimOrganization), "slug"),
		EmailAllowedDomains: []any{}, SSOJIT: no, SSOJITConnections: []any{}, SSOConnections: []any{}, EmailJIT: no, EmailInvites: no,
		AuthMethods: "ALL_ALLOWED", AllowedAuthMethods: []any{}, MFAPolicy: "OPTIONAL", MFAMethods: "ALL_ALLOWED",
		AllowedMFAMethods: []any{}, OAuthTenantJIT: no, ClaimedDomains: []any{}, FirstPartyApps: no, AllowedFirstPartyApps: []any{},
		ThirdPartyApps: no, AllowedThirdPartyApps: []any{}, CustomRoles: []any{}, EmailRoleAssignments: []any{},
		TrustedMetadata: map[string]any{},
	}
}

// scope returns the scope of an organization.
func (p *Project) scope(organization string) string {
	return p.ScopePrefix + authz.EscapeSegment(organization)
}

// organization returns the id of the organization whose scope this is.
func (p *Project) organization(scope string) string {
	return authz.UnescapeSegment(strings.TrimPrefix(scope, p.ScopePrefix))
}

func object(in map[string]any, name string) map[string]any {
	m, _ := in[name].(map[string]any)
	return m
}

func text(in map[string]any, name string) string {
	s, _ := in[name].(string)
	return s
}

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
