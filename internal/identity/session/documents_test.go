// SPDX-License-Identifier: Apache-2.0

package session_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/testkit/issuer"
	"github.com/rolecall/rolecall/internal/testkit/logs"
)

// documented returns the lists of sessions that docs/tokens.md shows.
func documented(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../../../docs/tokens.md")
	if err != nil {
		t.Fatal(err)
	}
	var lists []string
	for _, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		_, list, found := strings.Cut(block[1], "\nsessions:")
		if !found {
			t.Fatalf("not a configuration of sessions: %s", block[1])
		}
		lists = append(lists, list)
	}
	if len(lists) != 3 {
		t.Fatalf("%d configurations, want 3", len(lists))
	}
	return lists
}

// TestDocumentedConfigurations are taken, and mean what the document says.
func TestDocumentedConfigurations(t *testing.T) {
	lists := documented(t)
	r := newRig(t)
	for _, list := range lists {
		if _, err := issuer.TrySessions(r.Now, logs.New(t), list); err != nil {
			t.Error(err)
		}
	}
	// Their issuers are elsewhere: the keys are put into the configuration.
	oidc := strings.Replace(lists[0], "audiences: [shop]", "audiences: [shop]\n      jwks: "+fmt.Sprintf("%q", r.issuer.KeySet(t)), 1)
	r.sessions = issuer.Sessions(t, r.Now, logs.New(t), oidc)
	got := r.subject(t, map[string]any{
		"iss": "https://login.example.com", "sub": "user-7", "hd": "example.com", "org_id": "acme", "groups": []any{"engineers"},
		"realm_access": map[string]any{"roles": []any{"editor"}}, "email": "u7@acme.com", "email_verified": true, "plan": "pro",
	})
	want := authz.Subject{
		Type: "user", ID: "user-7", SessionScope: "org:acme", Groups: []string{"oidc:engineers"}, Roles: []string{"editor"},
		Email: "u7@acme.com", EmailVerified: true, Properties: map[string]any{"plan": "pro"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the subject of OpenID Connect (-want +got):\n%s", diff)
	}
	const project = "project-live-11111111-2222-3333-4444-555555555555"
	r.issuer.Rotate(t, "RS256")
	stytch := regexp.MustCompile("jwksURL: .*").ReplaceAllLiteralString(lists[1], "jwks: "+fmt.Sprintf("%q", r.issuer.KeySet(t)))
	r.sessions = issuer.Sessions(t, r.Now, logs.New(t), stytch)
	claims := member(saml("saml-connection-1"))
	claims["iss"], claims["aud"] = "stytch.com/"+project, []any{project}
	want = authz.Subject{
		Type: "user", ID: "member-test-1", SessionScope: "org:organization-test-1", Roles: []string{"stytch_member", "editor"},
		SSOConnections: []string{"saml-connection-1"}, Properties: map[string]any{"organization_slug": "acme"},
	}
	if diff := cmp.Diff(want, r.subject(t, claims)); diff != "" {
		t.Errorf("the subject of Stytch (-want +got):\n%s", diff)
	}
}
