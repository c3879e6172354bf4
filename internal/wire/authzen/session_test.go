// SPDX-License-Identifier: Apache-2.0

package authzen_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/testkit"
	"github.com/rolecall/rolecall/internal/testkit/issuer"
	"github.com/rolecall/rolecall/internal/wire/authzen"
)

// tenants is a policy in which everything comes from what a token proves.
const tenants = `
kind: Resource
metadata: {name: doc}
spec: {actions: [{name: read}, {name: write}, {name: peek}, {name: plan}, {name: approve}]}
---
kind: Role
metadata: {name: editor}
spec: {assertable: true, permissions: [{resource: doc, actions: [write]}]}
---
kind: Role
metadata: {name: reader}
spec: {permissions: [{resource: doc, actions: [read]}]}
---
kind: Role
metadata: {name: approver}
spec: {permissions: [{resource: doc, actions: [approve]}]}
---
kind: Role
metadata: {name: everyone}
spec:
  permissions:
  - {resource: doc, actions: [peek], condition: has(subject.properties.session_jwt) || has(subject.properties.session_token)}
  - {resource: doc, actions: [plan], condition: subject.properties.plan == "pro" && subject.properties.theme == "dark"}
---
kind: RoleBinding
metadata: {name: everyone}
spec: {roles: [everyone], subjects: [{type: user, id: "*"}], scope: "*"}
---
kind: RoleBinding
metadata: {name: engineers}
spec: {roles: [reader], subjects: [{type: group, id: "oidc:engineers"}], scope: org:acme}
---
kind: RoleBinding
metadata: {name: domain}
spec: {roles: [approver], subjects: [{type: email_domain, id: acme.com}], scope: org:acme}
`

const sessionMappings = `claimMappings: {groups: {claim: groups, prefix: "oidc:"}, roles: {claim: roles},
  scope: {claim: org, prefix: "org:"}, email: {claim: email}, emailVerified: {claim: email_verified},
  properties: [{name: plan, claim: plan}]}`

// sessionRig is a door in whose default namespace an issuer is trusted.
type sessionRig struct {
	*rig
	issuer *issuer.Issuer
	log    *bytes.Buffer
}

func serveSessions(t *testing.T) *sessionRig {
	t.Helper()
	i, out := issuer.Start(t), &bytes.Buffer{}
	log := logr.FromSlogHandler(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	r := serve(t, policyOf(t, tenants))
	r.sessions.Store(issuer.Sessions(t, func() time.Time { return r.now }, log, fmt.Sprintf(
		"[{namespace: %s, jwt: [{issuer: {%s}, %s}], introspection: {%s, %s}}]",
		testkit.Namespace, i.Trust(), sessionMappings, i.Ask(t), sessionMappings)))
	return &sessionRig{r, i, out}
}

// claims are those of a member of acme, with changes.
func (r *sessionRig) claims(changes map[string]any) map[string]any {
	all := map[string]any{"org": "acme", "roles": []any{"editor"}, "groups": []any{"engineers"}, "email": "u@acme.com", "email_verified": true, "plan": "pro"}
	maps.Copy(all, changes)
	return issuer.Claims(r.now, all)
}

func (r *sessionRig) jwt(t *testing.T, changes map[string]any) string {
	t.Helper()
	return r.issuer.Sign(t, r.claims(changes))
}

// with is a subject that carries a token, and more.
func with(token, more string) string {
	return `{"properties":{"session_jwt":"` + token + `"` + more + `}}`
}

// can is the body of a check of doc d1.
func can(action, subject, more string) string {
	return `{"subject":` + subject + `,"action":{"name":"` + action + `"},"resource":{"type":"doc","id":"d1"}` + more + `}`
}

// decided asks, and makes sure of the decision's reason.
func (r *sessionRig) decided(t *testing.T, body, reason string) {
	t.Helper()
	var got decisionShape
	a := r.post(t, "/access/v1/evaluation", body)
	a.decode(t, &got)
	if a.status != http.StatusOK || got.Context.Reason != reason {
		t.Errorf("answer %d %s, want %s", a.status, a.body, reason)
	}
}

type decisionShape struct {
	Decision bool
	Context  struct {
		Reason string
		Error  struct {
			Status  int
			Message string
		}
	}
}

// TestATokenSaysWhoAsks: who, with what authority and where, come from the token.
func TestATokenSaysWhoAsks(t *testing.T) {
	r := serveSessions(t)
	good := r.jwt(t, nil)
	r.issuer.Know("opaque", r.claims(map[string]any{"sub": "user-2"}))
	elsewhere, below := `,"context":{"scope":"org:other"}`, `,"context":{"scope":"org:acme/team:web"}`
	tests := map[string]struct{ body, reason string }{
		"a role that the token asserts, at its scope":  {can("write", with(good, ""), ""), "Granted"},
		"the scope is said too":                        {can("write", with(good, ""), `,"context":{"scope":"org:acme"}`), "Granted"},
		"a group of the token":                         {can("read", with(good, ""), ""), "Granted"},
		"a verified e-mail":                            {can("approve", with(good, ""), ""), "Granted"},
		"an e-mail that is not verified":               {can("approve", with(r.jwt(t, map[string]any{"email_verified": false}), ""), ""), "NoPermission"},
		"another organisation":                         {can("read", with(good, ""), elsewhere), "ScopeMismatch"},
		"a part of the organisation":                   {can("read", with(good, ""), below), "Granted"},
		"type and id are those of the token":           {can("read", `{"type":"user","id":"user-1","properties":{"session_jwt":"`+good+`"}}`, ""), "Granted"},
		"no condition sees the token":                  {can("peek", with(good, ""), ""), "ConditionFalse"},
		"free properties add up, and the token's win":  {can("plan", with(good, `,"plan":"free","theme":"dark"`), ""), "Granted"},
		"free properties alone":                        {can("plan", with(good, ""), ""), "ConditionError"},
		"an opaque token":                              {can("write", `{"properties":{"session_token":"opaque"}}`, ""), "Granted"},
		"an opaque token elsewhere":                    {can("write", `{"properties":{"session_token":"opaque"}}`, elsewhere), "ScopeMismatch"},
		"no condition sees an opaque token":            {can("peek", `{"properties":{"session_token":"opaque"}}`, ""), "ConditionFalse"},
		"null is no token":                             {can("peek", `{"type":"user","id":"a","properties":{"session_jwt":null,"session_token":null}}`, ""), "ConditionFalse"},
		"a token in another member is but a property ": {can("write", `{"type":"user","id":"a","properties":{"jwt":"`+good+`"}}`, ""), "NoPermission"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { r.decided(t, tt.body, tt.reason) })
	}
}

// TestATokenThatDoesNotCount is an authentication error and never a decision, and
// what is wrong beside a token one of the request.
func TestATokenThatDoesNotCount(t *testing.T) {
	r := serveSessions(t)
	good := r.jwt(t, nil)
	tampered := good[:len(good)-8] + "AAAAAAAA"
	beside := func(name, value string) string { return can("read", with(good, `,"`+name+`":`+value), "") }
	tests := map[string]struct {
		body   string
		status int
		want   string
	}{
		"an expired token":               {can("read", with(r.jwt(t, map[string]any{"exp": r.now.Add(-time.Minute).Unix()}), ""), ""), 401, "has expired"},
		"a tampered token":               {can("read", with(tampered, ""), ""), 401, "signature that is not good"},
		"no token at all":                {can("read", with("word", ""), ""), 401, "is not a JSON Web Token"},
		"no organisation":                {can("read", with(r.jwt(t, map[string]any{"org": nil}), ""), ""), 401, `claim "org"`},
		"an opaque token nobody knows":   {can("read", `{"properties":{"session_token":"unknown"}}`, ""), 401, "is not active"},
		"another id":                     {can("read", `{"id":"user-2","properties":{"session_jwt":"`+good+`"}}`, ""), 401, "are not those of the session token"},
		"another type":                   {can("read", `{"type":"service","id":"user-1","properties":{"session_jwt":"`+good+`"}}`, ""), 401, "are not those of the session token"},
		"another id, and a bad token":    {can("read", `{"id":"user-2","properties":{"session_jwt":"`+tampered+`"}}`, ""), 401, "signature that is not good"},
		"an empty id":                    {can("read", `{"id":"","properties":{"session_jwt":"`+good+`"}}`, ""), 400, "must not be empty"},
		"an empty type":                  {can("read", `{"type":"","properties":{"session_jwt":"`+good+`"}}`, ""), 400, "must not be empty"},
		"two tokens":                     {beside("session_token", `"opaque"`), 400, "session_token: is there beside session_jwt"},
		"an empty token":                 {can("read", with("", ""), ""), 400, "subject.properties.session_jwt: must not be empty"},
		"an empty token beside a name":   {can("read", `{"type":"user","id":"a","properties":{"session_token":""}}`, ""), 400, "session_token: must not be empty"},
		"a token that is a number":       {can("read", `{"properties":{"session_jwt":7}}`, ""), 400, "subject.properties.session_jwt: must be a string"},
		"a token in a list":              {can("read", `{"properties":{"session_token":["`+good+`"]}}`, ""), 400, "must be a string"},
		"roles beside a token":           {beside("roles", `["editor"]`), 400, "subject.properties.roles: must not be stated beside a session token"},
		"groups beside a token":          {beside("groups", `[]`), 400, "properties.groups"},
		"an e-mail beside a token":       {beside("email", `""`), 400, "properties.email:"},
		"a verification beside a token":  {beside("email_verified", "false"), 400, "properties.email_verified"},
		"connections beside a token":     {beside("sso_connections", `["a"]`), 400, "properties.sso_connections"},
		"SSO groups beside a token":      {beside("sso_groups", `[]`), 400, "properties.sso_groups"},
		"a namespace that trusts nobody": {can("read", with(good, ""), ""), 401, `namespace "office" trusts no issuer`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			path := "/access/v1/evaluation"
			if name == "a namespace that trusts nobody" {
				path = "/ns/office" + path
			}
			a := r.post(t, path, tt.body)
			a.refusal(t, tt.status, tt.want)
			challenge := ""
			if tt.status == http.StatusUnauthorized {
				challenge = `Bearer error="invalid_token"`
			}
			if got := a.header.Get("WWW-Authenticate"); got != challenge {
				t.Errorf("challenge %q, want %q", got, challenge)
			}
			if strings.Contains(a.body, good[:40]) || strings.Contains(a.body, "decision") {
				t.Errorf("answer %s", a.body)
			}
		})
	}
}

// TestTokensInABatch: a token that all share is verified once, and one that is bad
// is the fault of those who use it.
func TestTokensInABatch(t *testing.T) {
	r := serveSessions(t)
	r.issuer.Know("opaque", r.claims(nil))
	good, other := r.jwt(t, nil), r.jwt(t, map[string]any{"sub": "user-2", "org": "other", "groups": []any{}})
	bad := good[:len(good)-8] + "AAAAAAAA"
	opaque := func(token string) string { return `{"properties":{"session_token":"` + token + `"}}` }
	read, write, peek := `{"action":{"name":"read"}}`, `{"action":{"name":"write"}}`, `{"action":{"name":"peek"}}`
	item := func(subject string) string { return `{"subject":` + subject + `,"action":{"name":"read"}}` }
	tests := map[string]struct {
		subject string
		items   []string
		want    string
		asked   int
	}{
		"a token of all":             {with(good, ""), []string{read, write, peek}, "Granted Granted ConditionFalse", 0},
		"an opaque token of all":     {opaque("opaque"), []string{read, write, peek, read, write}, "Granted Granted ConditionFalse Granted Granted", 1},
		"a token of one":             {with(good, ""), []string{read, item(with(other, "")), read}, "Granted NoPermission Granted", 0},
		"a name in place of a token": {with(good, ""), []string{read, item(`{"type":"user","id":"a"}`), read}, "Granted NoPermission Granted", 0},
		"a bad token of one":         {with(good, ""), []string{read, item(with(bad, "")), read}, "Granted 401 Granted", 0},
		"an opaque token of one":     {with(good, ""), []string{item(opaque("opaque")), item(opaque("unknown")), item(opaque("opaque"))}, "Granted 401 Granted", 3},
		"roles beside one's token":   {with(good, ""), []string{read, item(with(good, `,"roles":[]`))}, "Granted 400", 0},
		"a contradiction of one":     {with(good, ""), []string{read, item(`{"id":"x","properties":{"session_jwt":"` + good + `"}}`)}, "Granted 401", 0},
		"a bad token nobody uses":    {with(bad, ""), []string{item(with(good, "")), item(`{"type":"user","id":"a"}`)}, "Granted NoPermission", 0},
		"another scope for one":      {with(good, ""), []string{read, `{"action":{"name":"read"},"context":{"scope":"org:other"}}`, read}, "Granted ScopeMismatch Granted", 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			before := r.issuer.Asked()
			a := r.post(t, "/access/v1/evaluations", `{"subject":`+tt.subject+`,"resource":{"type":"doc","id":"d1"},"options":{"context":true},"evaluations":[`+strings.Join(tt.items, ",")+`]}`)
			var answer struct{ Evaluations []decisionShape }
			a.decode(t, &answer)
			var got []string
			for _, e := range answer.Evaluations {
				if e.Context.Error.Status != 0 {
					got = append(got, fmt.Sprint(e.Context.Error.Status))
					continue
				}
				got = append(got, e.Context.Reason)
			}
			if a.status != http.StatusOK || strings.Join(got, " ") != tt.want {
				t.Errorf("answer %d %s, want %s", a.status, a.body, tt.want)
			}
			if asked := r.issuer.Asked() - before; asked != tt.asked {
				t.Errorf("asked %d times, want %d", asked, tt.asked)
			}
		})
	}
	for name, subject := range map[string]string{
		"signature": with(bad, ""), "are not those": `{"id":"x","properties":{"session_jwt":"` + good + `"}}`, "is not active": opaque("unknown"),
	} {
		for _, items := range []string{read, item(with(good, "")) + "," + read, ""} {
			body := `{"subject":` + subject + `,"action":{"name":"read"},"resource":{"type":"doc","id":"d1"},"evaluations":[` + items + `]}`
			a := r.post(t, "/access/v1/evaluations", body)
			a.refusal(t, http.StatusUnauthorized, name)
			if got := a.header.Get("WWW-Authenticate"); got != `Bearer error="invalid_token"` {
				t.Errorf("challenge %q", got)
			}
		}
	}
	r.post(t, "/access/v1/evaluations", `{"subject":`+with(good, `,"roles":[]`)+`,"evaluations":[{}]}`).
		refusal(t, http.StatusBadRequest, "must not be stated beside a session token")
}

// TestIssuersOutOfReach is not ready rather than denied, also in a batch.
func TestIssuersOutOfReach(t *testing.T) {
	r := serveSessions(t)
	r.issuer.SetDown(true)
	for _, subject := range []string{with(r.jwt(t, nil), ""), `{"properties":{"session_token":"opaque"}}`} {
		for path, body := range map[string]string{
			"/access/v1/evaluation":  can("read", subject, ""),
			"/access/v1/evaluations": can("read", `{"type":"user","id":"a"}`, `,"evaluations":[{},{"subject":`+subject+`}]`),
		} {
			a := r.post(t, path, body)
			a.refusal(t, http.StatusServiceUnavailable, "could not be verified")
			if a.header.Get("Retry-After") == "" || a.header.Get("WWW-Authenticate") != "" {
				t.Errorf("headers %v", a.header)
			}
		}
	}
	if !strings.Contains(r.log.String(), "out of reach") {
		t.Errorf("the log says nothing of it: %s", r.log)
	}
	for _, secret := range []string{"opaque\"", issuer.ClientSecret, "a+secret", r.jwt(t, nil)[:40]} {
		if strings.Contains(r.log.String(), secret) {
			t.Errorf("the log holds %q: %s", secret, r.log)
		}
	}
}

// TestTokensAreTakenOut: what is decoded holds no token, wherever it came from.
func TestTokensAreTakenOut(t *testing.T) {
	var d authzen.Decoder
	var r authz.Request
	proof, err := d.Evaluation([]byte(`{"subject":{"properties":{"session_token":"t","x":1}}}`), &r)
	if diff := cmp.Diff(authz.Request{Subject: authz.Subject{Properties: map[string]any{"x": 1.0}}}, r); err != nil || diff != "" || proof != (authzen.Proof{Opaque: "t"}) {
		t.Errorf("proof %+v, error %v, request (-want +got):\n%s", proof, err, diff)
	}
	b, err := d.Evaluations([]byte(`{"subject":{"properties":{"session_jwt":"j"}},"evaluations":[{},{"subject":{"id":"a"}},{"subject":{"properties":{"session_jwt":"k"}}}]}`), 3)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []authzen.Proof{{JWT: "j", Shared: true}, {}, {JWT: "k"}} {
		proof, err := b.Request(i, &r)
		if err != nil || proof != want || len(r.Subject.Properties) > 0 {
			t.Errorf("item %d: proof %+v, properties %v, error %v; want %+v", i, proof, r.Subject.Properties, err, want)
		}
	}
}
