// SPDX-License-Identifier: Apache-2.0

package session_test

import (
	"errors"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/identity/session"
	"github.com/rolecall/rolecall/internal/testkit/issuer"
	"github.com/rolecall/rolecall/internal/testkit/logs"
)

// rig is the sessions of a namespace that trusts one issuer.
type rig struct {
	issuer   *issuer.Issuer
	sessions *session.Sessions
}

const namespace = "shop"

// newYear is when tests begin.
var newYear = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func newRig(tb testing.TB) *rig {
	tb.Helper()
	return &rig{issuer: issuer.Start(tb)}
}

// trusting returns a rig whose issuer's tokens are read by rules, the members of
// an authenticator beside its issuer.
func trusting(tb testing.TB, rules string) *rig {
	tb.Helper()
	r := newRig(tb)
	r.sessions = issuer.Sessions(tb, r.Now, logs.New(tb), r.list(rules))
	return r
}

// Now is the clock of all tests, which stands still.
func (*rig) Now() time.Time { return newYear }

func (r *rig) list(rules string) string {
	return "[{namespace: shop, jwt: [{issuer: {" + r.issuer.Trust() + "}, " + rules + "}]}]"
}

// asking returns a rig whose tokens the issuer is asked about.
func asking(tb testing.TB, more string) *rig {
	tb.Helper()
	r := newRig(tb)
	r.sessions = issuer.Sessions(tb, r.Now, logs.New(tb), "[{namespace: shop, introspection: {"+r.issuer.Ask(tb)+", "+more+"}}]")
	return r
}

func (r *rig) token(tb testing.TB, changes map[string]any) string {
	tb.Helper()
	return r.issuer.Sign(tb, issuer.Claims(r.Now(), changes))
}

// subject returns the subject of a token with changed claims.
func (r *rig) subject(tb testing.TB, changes map[string]any) authz.Subject {
	tb.Helper()
	s, err := r.sessions.JWT(tb.Context(), namespace, r.token(tb, changes))
	if err != nil {
		tb.Fatal(err)
	}
	return s.Subject
}

// refused makes sure that an error is one of a token, with a message.
func refused(tb testing.TB, err error, status int, want string) {
	tb.Helper()
	fault, ok := errors.AsType[*door.Error](err)
	if !ok || fault.Status != status || !strings.Contains(fault.Message, want) {
		tb.Fatalf("error %v, want %d with %q", err, status, want)
	}
	if (status == http.StatusUnauthorized) != (fault.Challenge == `Bearer error="invalid_token"`) {
		tb.Errorf("challenge %q with the status %d", fault.Challenge, status)
	}
}

// oidc maps the usual claims of OpenID Connect.
const oidc = `claimMappings: {
  groups: {claim: groups, prefix: "oidc:"}, roles: {claim: roles}, scope: {claim: org_id, prefix: "org:"},
  email: {claim: email}, emailVerified: {claim: email_verified},
  properties: [{name: plan, claim: plan}, {name: level, expression: "int(claims.level) * 2"}]}`

func TestOpenIDConnect(t *testing.T) {
	r := trusting(t, oidc)
	got, err := r.sessions.JWT(t.Context(), namespace, r.token(t, map[string]any{
		"groups": []any{"a", "b"}, "roles": "editor", "org_id": "acme", "email": "x@acme.com", "email_verified": true,
		"plan": map[string]any{"name": "pro"}, "level": 3, "other": "thing",
	}))
	if err != nil {
		t.Fatal(err)
	}
	want := authz.Subject{
		Type: "user", ID: "user-1", Groups: []string{"oidc:a", "oidc:b"}, Roles: []string{"editor"}, SessionScope: "org:acme",
		Email: "x@acme.com", EmailVerified: true,
		Properties: map[string]any{"plan": map[string]any{"name": "pro"}, "level": 6.0},
	}
	if diff := cmp.Diff(want, got.Subject); diff != "" {
		t.Errorf("subject (-want +got):\n%s", diff)
	}
	if got.Issuer != r.issuer.Name || !got.IssuedAt.Equal(r.Now()) || !got.ExpiresAt.Equal(r.Now().Add(5*time.Minute)) || got.Claims["other"] != "thing" {
		t.Errorf("session %+v", got)
	}
}

// stytch maps Stytch's session JWT.
const stytch = `claimMappings: {
  roles: {expression: 'claims["https://stytch.com/session"].roles'},
  scope: {expression: '"org:" + claims["https://stytch.com/organization"].organization_id'},
  ssoConnections: {expression: 'claims["https://stytch.com/session"].authentication_factors.filter(f, has(f.saml_sso_factor)).map(f, f.saml_sso_factor.provider_id)'},
  ssoGroups: {expression: 'claims[?"idp_groups"].orValue([])'},
  properties: [{name: slug, expression: 'claims["https://stytch.com/organization"].slug'}]}`

// member returns the claims of a Stytch member who has logged in with factors.
func member(factors ...map[string]any) map[string]any {
	all := []any{map[string]any{"type": "magic_link", "email_factor": map[string]any{"email_id": "e"}}}
	for _, f := range factors {
		all = append(all, f)
	}
	return map[string]any{
		"sub": "member-test-1", "aud": []any{issuer.Audience},
		"https://stytch.com/session": map[string]any{
			"id": "session-1", "roles": []any{"stytch_member", "editor"}, "authentication_factors": all,
		},
		"https://stytch.com/organization": map[string]any{"organization_id": "organization-test-1", "slug": "acme"},
		"idp_groups": []any{
			map[string]any{"connection": "saml-connection-1", "id": "engineering"},
			map[string]any{"connection": "saml-connection-2", "id": "finance"},
		},
	}
}

func saml(connection string) map[string]any {
	return map[string]any{"type": "sso", "saml_sso_factor": map[string]any{"id": "x", "provider_id": connection}}
}

// TestStytch: the nested claims are read, and groups of a connection count only
// if the session holds a factor from it.
func TestStytch(t *testing.T) {
	r := trusting(t, stytch)
	want := authz.Subject{
		Type: "user", ID: "member-test-1", Roles: []string{"stytch_member", "editor"}, SessionScope: "org:organization-test-1",
		SSOConnections: []string{}, Properties: map[string]any{"slug": "acme"},
	}
	if diff := cmp.Diff(want, r.subject(t, member())); diff != "" {
		t.Errorf("subject without a factor of a connection (-want +got):\n%s", diff)
	}
	want.SSOConnections = []string{"saml-connection-1"}
	want.SSOGroups = []authz.SSOGroup{{Connection: "saml-connection-1", ID: "engineering"}}
	if diff := cmp.Diff(want, r.subject(t, member(saml("saml-connection-1")))); diff != "" {
		t.Errorf("subject with a factor of one connection (-want +got):\n%s", diff)
	}
}

// TestMappings: what claims of every form become.
func TestMappings(t *testing.T) {
	user := authz.Subject{Type: "user", ID: "user-1"}
	with := func(change func(*authz.Subject)) authz.Subject { s := user; change(&s); return s }
	tests := map[string]struct {
		mappings string
		claims   map[string]any
		want     authz.Subject
	}{
		"nothing is mapped":                {``, map[string]any{"groups": []any{"a"}, "email": "a@b", "": "empty"}, user},
		"another id":                       {`id: {claim: uid, prefix: "ldap:"}`, map[string]any{"uid": "7"}, with(func(s *authz.Subject) { s.ID = "ldap:7" })},
		"an id that is made":               {`id: {expression: 'claims.sub + "@" + claims.iss.split("/")[0]'}`, nil, with(func(s *authz.Subject) { s.ID = "user-1@https:" })},
		"a type that is the same for all":  {`type: {expression: '"service"'}`, nil, with(func(s *authz.Subject) { s.Type = "service" })},
		"a type of a claim":                {`type: {claim: kind}`, map[string]any{"kind": "device"}, with(func(s *authz.Subject) { s.Type = "device" })},
		"groups without prefix":            {`groups: {claim: groups, prefix: ""}`, map[string]any{"groups": []any{"a"}}, with(func(s *authz.Subject) { s.Groups = []string{"a"} })},
		"one group":                        {`groups: {claim: groups, prefix: "g:"}`, map[string]any{"groups": "*"}, with(func(s *authz.Subject) { s.Groups = []string{"g:*"} })},
		"claims that are missing":          {`groups: {claim: g, prefix: ""}, roles: {claim: r}, email: {claim: e}, emailVerified: {claim: v}, ssoConnections: {claim: c}, ssoGroups: {claim: s}`, nil, user},
		"claims that are null":             {`roles: {claim: r}, email: {expression: claims.e}`, map[string]any{"r": jsonNull, "e": jsonNull}, user},
		"an e-mail that nobody verified":   {`email: {claim: email}`, map[string]any{"email": "a@b", "email_verified": true}, with(func(s *authz.Subject) { s.Email = "a@b" })},
		"an e-mail that is not verified":   {`email: {claim: email}, emailVerified: {claim: email_verified}`, map[string]any{"email": "a@b", "email_verified": false}, with(func(s *authz.Subject) { s.Email = "a@b" })},
		"a scope with a slash":             {`scope: {claim: org, prefix: "org:"}`, map[string]any{"org": "a/team:b%2F"}, with(func(s *authz.Subject) { s.SessionScope = "org:a%2Fteam:b%252F" })},
		"a scope that is a path":           {`scope: {expression: '"org:" + claims.org + "/team:" + claims.team'}`, map[string]any{"org": "a", "team": "b"}, with(func(s *authz.Subject) { s.SessionScope = "org:a/team:b" })},
		"groups of no known connection":    {`ssoConnections: {claim: c}, ssoGroups: {claim: s}`, map[string]any{"s": []any{map[string]any{"connection": "c", "id": "g"}}}, user},
		"properties that give nothing":     {`properties: [{name: roles, claim: r}, {name: none, claim: none}]`, map[string]any{"r": []any{"admin"}}, with(func(s *authz.Subject) { s.Properties = map[string]any{"roles": []any{"admin"}} })},
		"a rule that holds":                {`}, claimValidationRules: [{expression: 'claims.hd == "acme"'}, {claim: hd, requiredValue: acme}], userValidationRules: [{expression: 'subject.id != "root"'}`, map[string]any{"hd": "acme"}, user},
		"a rule about the session's scope": {`scope: {claim: org, prefix: "org:"}}, userValidationRules: [{expression: 'scope == "org:a"'}`, map[string]any{"org": "a"}, with(func(s *authz.Subject) { s.SessionScope = "org:a" })},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			mappings := "claimMappings: {" + tt.mappings
			if strings.Contains(tt.mappings, "Rules") {
				mappings += "]"
			} else {
				mappings += "}"
			}
			if diff := cmp.Diff(tt.want, trusting(t, mappings).subject(t, tt.claims)); diff != "" {
				t.Errorf("subject (-want +got):\n%s", diff)
			}
		})
	}
}

// jsonNull is null in a token, which nil in a change would take out.
var jsonNull = (*int)(nil)

// TestClaimsThatDoNotFit make a token invalid, however well it is signed.
func TestClaimsThatDoNotFit(t *testing.T) {
	all := `claimMappings: {groups: {claim: groups, prefix: ""}, roles: {claim: roles}, scope: {claim: org, prefix: ""},
	  email: {claim: email}, emailVerified: {claim: ok}, type: {claim: kind}, ssoConnections: {claim: sso}, ssoGroups: {claim: ssog},
	  properties: [{name: x, expression: claims.x}]},
	  claimValidationRules: [{claim: hd, requiredValue: acme}, {expression: 'claims.hd != "root" && claims[?"org"].orValue("") != "root"', message: no roots}],
	  userValidationRules: [{expression: 'subject.id != "system"', message: no systems}, {expression: 'subject.properties.x.startsWith("y")'}]`
	good := map[string]any{"org": "a", "kind": "user", "x": "y", "hd": "acme"}
	tests := map[string]struct {
		claims map[string]any
		want   string
	}{
		"no sub":                        {map[string]any{"sub": nil}, `"sub" (sessions[0].jwt[0].claimMappings.id) is required`},
		"an empty sub":                  {map[string]any{"sub": ""}, "is required and must not be empty"},
		"a sub that is all":             {map[string]any{"sub": "*"}, "must not be the wildcard"},
		"a sub that is a number":        {map[string]any{"sub": 7}, "must be a string"},
		"a sub that is null":            {map[string]any{"sub": jsonNull}, "is required"},
		"a sub that is a list":          {map[string]any{"sub": []any{"user-1"}}, "must be a string"},
		"groups in an object":           {map[string]any{"groups": map[string]any{"a": "b"}}, "must be a string or a list of strings"},
		"groups that are numbers":       {map[string]any{"groups": []any{"a", 1}}, "must be a string or a list of strings"},
		"a group that is empty":         {map[string]any{"groups": []any{""}}, "must not hold an empty string"},
		"a group that is all":           {map[string]any{"groups": []any{"a", "*"}}, "must not hold the wildcard"},
		"roles that are a truth":        {map[string]any{"roles": true}, "must be a string or a list of strings"},
		"a role that is empty":          {map[string]any{"roles": ""}, "must not hold an empty string"},
		"no organisation":               {map[string]any{"org": nil}, `claim "org"`},
		"an empty organisation":         {map[string]any{"org": ""}, "is required and must not be empty"},
		"an organisation that is all":   {map[string]any{"org": "*"}, "must be a scope"},
		"an organisation that is many":  {map[string]any{"org": []any{"a", "b"}}, "must be a string"},
		"an e-mail that is a list":      {map[string]any{"email": []any{"a@b"}}, "must be a string"},
		"verified in words":             {map[string]any{"ok": "true"}, "must be true or false"},
		"verified by a number":          {map[string]any{"ok": 1}, "must be true or false"},
		"no type":                       {map[string]any{"kind": nil}, "must be the type of a subject"},
		"a type that is reserved":       {map[string]any{"kind": "group"}, "must be the type of a subject"},
		"all connections":               {map[string]any{"sso": []any{"*"}}, "must not hold the wildcard"},
		"SSO groups without connection": {map[string]any{"ssog": []any{map[string]any{"id": "a"}}}, "must be a list of objects"},
		"SSO groups that are strings":   {map[string]any{"ssog": []any{"a"}}, "must be a list of objects"},
		"SSO groups that are one":       {map[string]any{"ssog": map[string]any{"connection": "a", "id": "b"}}, "must be a list of objects"},
		"all SSO groups":                {map[string]any{"ssog": []any{map[string]any{"connection": "a", "id": "*"}}}, "must not hold the wildcard"},
		"an expression that fails":      {map[string]any{"x": nil}, "the expression of sessions[0].jwt[0].claimMappings.properties[0] fails"},
		"a required value that differs": {map[string]any{"hd": "ACME"}, "claim hd has another value"},
		"a required value in a list":    {map[string]any{"hd": []any{"acme"}}, "claim hd has another value"},
		"a rule that does not hold":     {map[string]any{"org": "root"}, "no roots"},
		"a rule about subjects":         {map[string]any{"sub": "system"}, "no systems"},
		"a rule that fails":             {map[string]any{"x": 7}, `refused by a rule about its subject: subject.properties.x.startsWith("y")`},
	}
	r := trusting(t, all)
	r.subject(t, good)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			changes := maps.Clone(good)
			maps.Copy(changes, tt.claims)
			_, err := r.sessions.JWT(t.Context(), namespace, r.token(t, changes))
			refused(t, err, http.StatusUnauthorized, tt.want)
		})
	}
}

// TestAnExpressionThatCostsTooMuch ends the token, not the server.
func TestAnExpressionThatCostsTooMuch(t *testing.T) {
	r := trusting(t, `claimMappings: {groups: {expression: 'claims.l.map(x, claims.l.filter(y, claims.l.exists(z, z == x + y)).size() > 0 ? "a" : "b")'}}`)
	list := make([]any, 500)
	for i := range list {
		list[i] = i
	}
	_, err := r.sessions.JWT(t.Context(), namespace, r.token(t, map[string]any{"l": list}))
	refused(t, err, http.StatusUnauthorized, "claimMappings.groups fails")
}

func TestBadConfiguration(t *testing.T) {
	r := newRig(t)
	for rules, want := range map[string]string{
		`claimMappings: {roles: {expression: "claim.roles"}}`:                         "sessions[0].jwt[0].claimMappings.roles.expression: Invalid",
		`claimMappings: {id: {expression: "1 + 1"}}`:                                  "claimMappings.id.expression: Invalid value: \"1 + 1\": the expression is of type int",
		`claimMappings: {properties: [{name: a, expression: "subject.id"}]}`:          "claimMappings.properties[0].expression",
		`claimValidationRules: [{expression: "claims.sub"}, {expression: "claims."}]`: "claimValidationRules[1].expression",
		`userValidationRules: [{expression: "claims.sub == subject.id"}]`:             `userValidationRules[0].expression: Invalid value: "claims.sub == subject.id": line 1`,
		`claimValidationRules: [{expression: "claims.sub.size()"}]`:                   "it must be true or false",
	} {
		_, err := issuer.TrySessions(r.Now, logs.New(t), r.list(rules))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

// TestNamespacesTrustForThemselves: a token counts where its issuer is trusted,
// and nowhere else.
func TestNamespacesTrustForThemselves(t *testing.T) {
	r := trusting(t, `claimMappings: {scope: {claim: org_id, prefix: "org:"}}`)
	token := r.token(t, map[string]any{"org_id": "a"})
	for _, name := range []string{"", "office", "SHOP"} {
		_, err := r.sessions.JWT(t.Context(), name, token)
		refused(t, err, http.StatusUnauthorized, "trusts no issuer of such tokens; name one in the server's configuration under sessions[].jwt")
	}
	_, err := r.sessions.Opaque(t.Context(), namespace, token)
	refused(t, err, http.StatusUnauthorized, "sessions[].introspection")
	if _, err := r.sessions.Keys(t.Context(), "office"); err == nil {
		t.Error("keys of a namespace that trusts nobody")
	}
	if keys, err := r.sessions.Keys(t.Context(), namespace); err != nil || len(keys) != 1 {
		t.Errorf("keys %s, error %v; want one", keys, err)
	}
}
