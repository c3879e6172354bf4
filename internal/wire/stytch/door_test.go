// SPDX-License-Identifier: Apache-2.0

package stytch_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/internal/testkit"
	"github.com/rolecall/rolecall/internal/testkit/issuer"
	"github.com/rolecall/rolecall/internal/testkit/served"
)

// policy is what the vendor's guide configures in its first two steps: a resource
// and a role of one's own, and a member who has it.
const policy = `
apiVersion: rolecall.dev/v1alpha1
kind: Resource
metadata: {name: document}
spec: {actions: [{name: create}, {name: update}, {name: delete}, {name: download}]}
---
apiVersion: rolecall.dev/v1alpha1
kind: Resource
metadata: {name: organization}
spec: {type: stytch.organization, actions: [{name: update.info.name}, {name: delete}]}
---
apiVersion: rolecall.dev/v1alpha1
kind: Resource
metadata: {name: self}
spec: {type: stytch.self, actions: [{name: update.info.name}]}
---
apiVersion: rolecall.dev/v1alpha1
kind: Role
metadata: {name: limited-admin}
spec:
  id: limited_admin
  assertable: true
  permissions:
  - {resource: document, actions: [create, download]}
  - {resource: stytch.organization, actions: [update.info.name]}
---
apiVersion: rolecall.dev/v1alpha1
kind: Role
metadata: {name: stytch-member}
spec:
  id: stytch_member
  assertable: true
  permissions:
  - {resource: stytch.self, actions: ["*"], condition: resource.id == subject.id}
  - {resource: document, actions: [delete], condition: 'false'}
---
apiVersion: rolecall.dev/v1alpha1
kind: Role
metadata: {name: archivist}
spec: {permissions: [{resource: document, actions: [update, download]}]}
---
apiVersion: rolecall.dev/v1alpha1
kind: RoleBinding
metadata: {name: archivists}
spec: {roles: [archivist], subjects: [{type: user, id: member-1}], scope: "org:organization-1"}
`

const (
	project = "project-test-1"
	secret  = "secret-test-11111111111111111111"
)

// rig is a running server and the issuer of its members' sessions.
type rig struct {
	*testing.T
	url    string
	issuer *issuer.Issuer
}

func start(t *testing.T) *rig {
	t.Helper()
	i := issuer.Start(t)
	i.Name = "stytch.com/" + project
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	const rules = `claimMappings: {
      id: {claim: sub, prefix: ""},
      scope: {expression: '"org:" + claims["https://stytch.com/organization"].organization_id'},
      roles: {expression: 'claims["https://stytch.com/session"].roles'},
      email: {claim: email}, emailVerified: {claim: email_verified}}`
	at := served.Start(t, served.Options{
		Manifests: policy, Now: testkit.Now,
		Configuration: fmt.Sprintf(`
callers: {apiKeys: [{id: %s, keyFile: %q, namespaces: [default], permissions: [checks, policies]}]}
stytch: {projects: [{id: %s, namespace: default}]}
sessions:
- namespace: default
  jwt:
  - {issuer: {%s}, %s}
  introspection: {%s, %s}
`, project, file, project, i.Trust(), rules, i.Ask(t), rules),
	})
	return &rig{t, "http://" + at.HTTP, i}
}

// claims are those of a member's session, as the vendor makes them.
func claims(changes map[string]any) map[string]any {
	now := testkit.Now()
	all := issuer.Claims(now, map[string]any{
		"sub": "member-1", "email": "ada@example.com", "email_verified": true, "plan": "gold",
		"https://stytch.com/organization": map[string]any{"organization_id": "organization-1", "slug": "one"},
		"https://stytch.com/session": map[string]any{
			"id": "session-1", "started_at": now.Format(time.RFC3339), "last_accessed_at": now.Format(time.RFC3339),
			"expires_at": now.Add(time.Hour).Format(time.RFC3339), "roles": []any{"stytch_member", "limited_admin"},
			"authentication_factors": []any{map[string]any{"type": "magic_link", "delivery_method": "email"}},
		},
	})
	maps.Copy(all, changes)
	return all
}

func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

func (r *rig) post(body string) served.Answer {
	r.Helper()
	return served.Post(r, r.url+"/v1/b2b/sessions/authenticate", body, "Authorization", basic(project, secret))
}

// ask authenticates a session, with a check.
func (r *rig) ask(token, organization, resource, action string) served.Answer {
	r.Helper()
	return r.post(fmt.Sprintf(`{"session_jwt": %q, "authorization_check": {"organization_id": %q, "resource_id": %q, "action": %q}}`,
		token, organization, resource, action))
}

func decode(t *testing.T, a served.Answer) map[string]any {
	t.Helper()
	var got map[string]any
	if err := json.Unmarshal([]byte(a.Body), &got); err != nil {
		t.Fatalf("answer %d %q: %v", a.Status, a.Body, err)
	}
	if id := a.Header.Get("X-Request-Id"); got["request_id"] != id || got["status_code"] != float64(a.Status) {
		t.Errorf("answer %d to %s says request %v, status %v", a.Status, id, got["request_id"], got["status_code"])
	}
	return got
}

func refusal(t *testing.T, a served.Answer, status int, typ, says string) {
	t.Helper()
	got := decode(t, a)
	message, _ := got["error_message"].(string)
	if a.Status != status || got["error_type"] != typ || !strings.Contains(message, says) || got["error_url"] == "" {
		t.Errorf("answer %d %s, want %d %s %q", a.Status, a.Body, status, typ, says)
	}
}

// TestGuide walks the steps of the vendor's guide that ask: a session, and one call
// that authenticates it and authorizes.
func TestGuide(t *testing.T) {
	r := start(t)
	token := r.issuer.Sign(t, claims(nil))
	got := decode(t, r.ask(token, "organization-1", "document", "create"))
	want := map[string]any{"authorized": true, "granting_roles": []any{"limited_admin"}}
	if diff := cmp.Diff(want, got["verdict"]); diff != "" {
		t.Errorf("verdict (-want +got):\n%s", diff)
	}
	session, _ := got["member_session"].(map[string]any)
	for name, want := range map[string]any{
		"member_session_id": "session-1", "member_id": "member-1", "organization_id": "organization-1", "organization_slug": "one",
		"roles": []any{"stytch_member", "limited_admin"}, "custom_claims": map[string]any{
			"plan": "gold", "email": "ada@example.com", "email_verified": true,
		},
		"expires_at": testkit.Now().Add(time.Hour).Format(time.RFC3339),
	} {
		if diff := cmp.Diff(want, session[name]); diff != "" {
			t.Errorf("member_session.%s (-want +got):\n%s", name, diff)
		}
	}
	if got["session_jwt"] != token || got["session_token"] != "" {
		t.Error("the answer does not hold the token that was sent, and no other")
	}
	member, _ := got["member"].(map[string]any)
	if member["member_id"] != "member-1" || member["email_address"] != "ada@example.com" || member["email_address_verified"] != true {
		t.Errorf("member %v", member)
	}

	refusal(t, r.ask(token, "organization-1", "document", "delete"), http.StatusForbidden, "session_authorization_error",
		"The Member is not authorized to perform the requested action on that resource.")
}

// TestChecks: every granting role, the member's own data, another tenant.
func TestChecks(t *testing.T) {
	r := start(t)
	token := r.issuer.Sign(t, claims(nil))
	for name, tt := range map[string]struct {
		organization, resource, action string
		roles                          []any  // of a verdict
		refused                        string // the type of the error
	}{
		"all roles that grant":                 {"organization-1", "document", "download", []any{"archivist", "limited_admin"}, ""},
		"a role that is bound, not asserted":   {"organization-1", "document", "update", []any{"archivist"}, ""},
		"a resource of the vendor's":           {"organization-1", "stytch.organization", "update.info.name", []any{"limited_admin"}, ""},
		"the member's own data":                {"organization-1", "stytch.self", "update.info.name", []any{"stytch_member"}, ""},
		"what no role allows":                  {"organization-1", "stytch.organization", "delete", nil, "session_authorization_error"},
		"what nobody declares":                 {"organization-1", "invoice", "pay", nil, "session_authorization_error"},
		"another tenant":                       {"organization-2", "document", "create", nil, "session_authorization_tenancy_error"},
		"another tenant, what nobody declares": {"organization-2", "invoice", "pay", nil, "session_authorization_tenancy_error"},
	} {
		t.Run(name, func(t *testing.T) {
			a := r.ask(token, tt.organization, tt.resource, tt.action)
			if tt.refused != "" {
				refusal(t, a, http.StatusForbidden, tt.refused, "")
				return
			}
			verdict, _ := decode(t, a)["verdict"].(map[string]any)
			if diff := cmp.Diff(tt.roles, verdict["granting_roles"]); a.Status != http.StatusOK || diff != "" {
				t.Errorf("status %d, granting roles (-want +got):\n%s", a.Status, diff)
			}
		})
	}
}

func TestAnOpaqueToken(t *testing.T) {
	r := start(t)
	answer := claims(map[string]any{"active": true, "iss": r.issuer.Name})
	r.issuer.Know("opaque-token", answer)
	body := `{"session_token": "opaque-token", "authorization_check": {"organization_id": "organization-1", "resource_id": "document", "action": "create"}}`
	if a := r.post(body); a.Status != http.StatusOK || decode(t, a)["session_token"] != "opaque-token" {
		t.Errorf("answer %d %s", a.Status, a.Body)
	}
	r.issuer.Revoke("opaque-token")
	refusal(t, r.post(body), http.StatusNotFound, "session_not_found", "Session could not be found.")
}

// TestASessionWithoutACheck has no verdict.
func TestASessionWithoutACheck(t *testing.T) {
	r := start(t)
	got := decode(t, r.post(fmt.Sprintf(`{"session_jwt": %q}`, r.issuer.Sign(t, claims(nil)))))
	if _, there := got["verdict"]; there {
		t.Errorf("the answer has a verdict: %v", got)
	}
}

func TestRefusals(t *testing.T) {
	r := start(t)
	good := r.issuer.Sign(t, claims(nil))
	for name, tt := range map[string]struct {
		body   string
		status int
		typ    string
		says   string
	}{
		"no session":             {`{}`, 400, "bad_request", "exactly one of session_token and session_jwt"},
		"two sessions":           {`{"session_jwt": "a", "session_token": "b"}`, 400, "bad_request", "exactly one of"},
		"no JSON":                {`session`, 400, "bad_request", "the body"},
		"a check without action": {fmt.Sprintf(`{"session_jwt": %q, "authorization_check": {"organization_id": "o", "resource_id": "r"}}`, good), 400, "bad_request", "authorization_check.action: is required"},
		"a longer session":       {fmt.Sprintf(`{"session_jwt": %q, "session_duration_minutes": 60}`, good), 400, "unsupported_parameter", "session_duration_minutes"},
		"claims of one's own":    {fmt.Sprintf(`{"session_jwt": %q, "session_custom_claims": {}}`, good), 400, "unsupported_parameter", "session_custom_claims"},
		"no token at all":        {`{"session_jwt": "nonsense"}`, 404, "session_not_found", "Session could not be found."},
		"an expired token": {
			fmt.Sprintf(`{"session_jwt": %q}`, r.issuer.Sign(t, claims(map[string]any{"exp": testkit.Now().Add(-time.Hour).Unix()}))),
			404, "session_not_found", "Session could not be found.",
		},
		"an unknown opaque token": {`{"session_token": "nobody's"}`, 404, "session_not_found", "Session could not be found."},
	} {
		t.Run(name, func(t *testing.T) {
			a := r.post(tt.body)
			refusal(t, a, tt.status, tt.typ, tt.says)
			if strings.Contains(a.Body, good) {
				t.Error("the answer holds the token")
			}
		})
	}
}

func TestCredentials(t *testing.T) {
	r := start(t)
	for name, header := range map[string]string{
		"none":              "",
		"another project":   basic("project-test-2", secret),
		"another secret":    basic(project, "secret-test-22222222222222222222"),
		"no secret":         basic(project, ""),
		"no Basic":          "Bearer " + secret,
		"something strange": "Basic ???",
	} {
		t.Run(name, func(t *testing.T) {
			for _, path := range []string{"/v1/b2b/rbac/policy", "/v1/b2b/rbac/organizations/organization-1"} {
				a := served.Get(t, r.url+path, "Authorization", header)
				refusal(t, a, http.StatusUnauthorized, "unauthorized_credentials", "")
				if !strings.HasPrefix(a.Header.Get("WWW-Authenticate"), "Basic ") {
					t.Errorf("WWW-Authenticate %q", a.Header.Get("WWW-Authenticate"))
				}
			}
		})
	}
}

// TestPolicyDocument: what conditions or Denies may take away is not in it, nor are
// roles that no token can give.
func TestPolicyDocument(t *testing.T) {
	r := start(t)
	got := decode(t, served.Get(t, r.url+"/v1/b2b/rbac/policy", "Authorization", basic(project, secret)))
	want := map[string]any{
		"roles": []any{
			map[string]any{"role_id": "limited_admin", "description": "", "permissions": []any{
				map[string]any{"resource_id": "document", "actions": []any{"create", "download"}},
				map[string]any{"resource_id": "stytch.organization", "actions": []any{"update.info.name"}},
			}},
			map[string]any{"role_id": "stytch_member", "description": "", "permissions": []any{}},
		},
		"resources": []any{
			map[string]any{"resource_id": "document", "description": "", "actions": []any{"create", "delete", "download", "update"}},
			map[string]any{"resource_id": "stytch.organization", "description": "", "actions": []any{"delete", "update.info.name"}},
			map[string]any{"resource_id": "stytch.self", "description": "", "actions": []any{"update.info.name"}},
		},
		"scopes": []any{},
	}
	if diff := cmp.Diff(want, got["policy"]); diff != "" {
		t.Errorf("policy (-want +got):\n%s", diff)
	}
	got = decode(t, served.Get(t, r.url+"/v1/b2b/rbac/organizations/organization-1", "Authorization", basic(project, secret)))
	if diff := cmp.Diff(map[string]any{"roles": []any{}}, got["org_policy"]); diff != "" {
		t.Errorf("policy of an organization (-want +got):\n%s", diff)
	}
}

// TestKeys: SDKs ask without a secret, and, with a base URL that ends in a slash, at
// a path that begins with two.
func TestKeys(t *testing.T) {
	r := start(t)
	for _, path := range []string{"/v1/b2b/sessions/jwks/" + project, "//v1/b2b/sessions/jwks/" + project} {
		got := decode(t, served.Get(t, r.url+path))
		keys, _ := got["keys"].([]any)
		if len(keys) != 1 {
			t.Fatalf("keys %v, want one", got["keys"])
		}
		if key, _ := keys[0].(map[string]any); key["kid"] != r.issuer.Key().Public()["kid"] || key["d"] != nil {
			t.Errorf("key %v", key)
		}
	}
	refusal(t, served.Get(t, r.url+"/v1/b2b/sessions/jwks/project-test-2"), http.StatusNotFound, "route_not_found", "no such project")
}
