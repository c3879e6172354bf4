// SPDX-License-Identifier: Apache-2.0

package permissions_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/internal/testkit/issuer"
	"github.com/rolecall/rolecall/internal/testkit/served"
)

const manifests = `
apiVersion: rolecall.dev/v1alpha1
kind: Resource
metadata: {name: document}
spec: {actions: [{name: create}, {name: read}, {name: update}]}
---
apiVersion: rolecall.dev/v1alpha1
kind: Resource
metadata: {name: image}
spec: {actions: [{name: read}]}
---
apiVersion: rolecall.dev/v1alpha1
kind: Role
metadata: {name: writer}
spec:
  permissions:
  - {resource: document, actions: [create], condition: 'context.mfa || scope == "org:acme"'}
  - {resource: document, actions: [read]}
  - {resource: document, actions: [update], condition: resource.properties.owner == subject.id}
---
apiVersion: rolecall.dev/v1alpha1
kind: RoleBinding
metadata: {name: writers}
spec: {roles: [writer], subjects: [{type: user, id: alice}], scope: "org:acme"}
---
apiVersion: rolecall.dev/v1alpha1
kind: RoleBinding
metadata: {name: administrators}
spec: {roles: [writer], subjects: [{type: group, id: admins}], scope: "*"}
`

const (
	app  = "https://app.example.com"
	path = "/permissions/v1/subject"

	nothing = `{"permissions":{"document":{"create":false,"read":false,"update":false},"image":{"read":false}},"conditional":{}}` + "\n"
	reading = `{"permissions":{"document":{"create":false,"read":true,"update":false},"image":{"read":false}},"conditional":{"document":{"update":true}}}` + "\n"
	writing = `{"permissions":{"document":{"create":true,"read":true,"update":false},"image":{"read":false}},"conditional":{"document":{"update":true}}}` + "\n"
)

// rig is a server with an issuer that it trusts, and its decision log.
type rig struct {
	url    string
	issuer *issuer.Issuer
	log    *bytes.Buffer
}

// frontEnds opens the door to the pages of app.
const frontEnds = "frontEnds: {allowedOrigins: [" + app + "]}\n"

func start(t *testing.T, more string) *rig {
	t.Helper()
	r := &rig{issuer: issuer.Start(t), log: new(bytes.Buffer)}
	at := served.Start(t, served.Options{
		Manifests: manifests, Stdout: r.log,
		Configuration: "sessions: [{namespace: default, jwt: [{issuer: {" + r.issuer.Trust() + "}, " +
			`claimMappings: {scope: {claim: org, prefix: ""}}}]}]` + "\n" + more,
	})
	r.url = "http://" + at.HTTP
	return r
}

func (r *rig) token(t *testing.T, claims map[string]any) string {
	t.Helper()
	return r.issuer.Sign(t, issuer.Claims(time.Now(), claims))
}

func expect(t *testing.T, a served.Answer, status int, body string) {
	t.Helper()
	if a.Status != status {
		t.Errorf("status %d, want %d", a.Status, status)
	}
	if diff := cmp.Diff(body, a.Body); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
}

// TestPost: a caller asks about anybody, as AuthZEN's subject or by a token.
func TestPost(t *testing.T) {
	r := start(t, frontEnds)
	jwt := r.token(t, map[string]any{"sub": "alice", "org": "org:acme"})
	for body, want := range map[string]string{
		`{"subject":{"type":"user","id":"bob"}}`:                                                                             nothing,
		`{"subject":{"type":"user","id":"alice"}}`:                                                                           nothing,
		`{"subject":{"type":"user","id":"alice"},"context":{"scope":"org:acme"}}`:                                            writing,
		`{"subject":{"type":"user","id":"bob","properties":{"groups":["admins"]}},"context":{"mfa":false}}`:                  reading,
		`{"subject":{"type":"user","id":"bob","properties":{"groups":["admins"]}},"context":{"mfa":true}}`:                   writing,
		`{"subject":{"properties":{"session_jwt":"` + jwt + `"}}}`:                                                           writing,
		`{"subject":{"properties":{"session_jwt":"` + jwt + `"}},"context":{"scope":"org:b"}}`:                               nothing,
		`{"subject":{"type":"user","id":"alice"},"context":{"scope":"org:acme"},"resource":{"type":"x","id":"y"},"more":[]}`: writing,
	} {
		for _, prefix := range []string{"", "/ns/default"} {
			expect(t, served.Post(t, r.url+prefix+path, body), http.StatusOK, want)
		}
	}
	for body, want := range map[string]struct {
		status  int
		message string
	}{
		``:   {400, "the body is empty; it must be a JSON object"},
		`{}`: {400, "subject.type is required"},
		`{"subject":{"type":"user","id":"a","properties":{"groups":[""]}}}`:                 {400, "subject.properties.groups[0] is required"},
		`{"subject":{"type":"user","id":"bob","properties":{"session_jwt":"` + jwt + `"}}}`: {401, "subject.type and subject.id are not those of the session token"},
		`{"subject":{"properties":{"session_jwt":"x.y.z"}}}`:                                {401, ""},
	} {
		a := served.Post(t, r.url+path, body)
		var message string
		if err := json.Unmarshal([]byte(a.Body), &message); err != nil || a.Status != want.status || !strings.HasPrefix(message, want.message) {
			t.Errorf("%s: %d %s, want %d %s", body, a.Status, a.Body, want.status, want.message)
		}
	}
}

// TestGet: a user asks about himself, with the token of his session alone.
func TestGet(t *testing.T) {
	r := start(t, frontEnds)
	bearer := "Bearer " + r.token(t, map[string]any{"sub": "alice", "org": "org:acme"})
	a := served.Get(t, r.url+path, "Authorization", bearer, "Origin", app)
	expect(t, a, http.StatusOK, writing)
	tag := a.Header.Get("ETag")
	want := http.Header{
		"Access-Control-Allow-Origin": {app}, "Access-Control-Expose-Headers": {"ETag, Rolecall-Revision, X-Request-Id"},
		"Cache-Control": {"private, no-cache"}, "Vary": {"Origin", "Authorization"},
	}
	for name, values := range want {
		if diff := cmp.Diff(values, a.Header.Values(name)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if a.Header.Get("Access-Control-Allow-Credentials") != "" {
		t.Error("cookies are allowed")
	}
	for _, match := range []string{tag, "W/" + tag, `"other", ` + tag, "*"} {
		b := served.Get(t, r.url+path, "Authorization", bearer, "If-None-Match", match)
		expect(t, b, http.StatusNotModified, "")
		if b.Header.Get("ETag") != tag {
			t.Errorf("the tag has become %s", b.Header.Get("ETag"))
		}
	}
	expect(t, served.Get(t, r.url+path, "Authorization", bearer, "If-None-Match", `"other"`), http.StatusOK, writing)
	expect(t, served.Get(t, r.url+path+"?scope=org:b", "Authorization", bearer), http.StatusOK, nothing)
	other := served.Get(t, r.url+path, "Authorization", bearer, "Origin", "https://app.example.com.evil.example")
	if got := other.Header.Values("Access-Control-Allow-Origin"); len(got) > 0 {
		t.Errorf("pages of another origin may read the answer: %q", got)
	}
	for _, authorization := range []string{"", "Basic YTpi", "Bearer", "Bearer x.y.z"} {
		a := served.Get(t, r.url+path, "Authorization", authorization, "Origin", app)
		if a.Status != http.StatusUnauthorized || !strings.HasPrefix(a.Header.Get("WWW-Authenticate"), "Bearer") ||
			a.Header.Get("Access-Control-Allow-Origin") != app {
			t.Errorf("%q: status %d, headers %v; want a 401 that the page can read", authorization, a.Status, a.Header)
		}
	}
}

// TestPreflight: a page of a configured origin may send the token, others may not.
func TestPreflight(t *testing.T) {
	r := start(t, frontEnds)
	for origin, want := range map[string]string{app: "Authorization, If-None-Match, X-Request-Id", "https://evil.example": "", "null": ""} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodOptions, r.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Origin", origin)
		req.Header.Set("Access-Control-Request-Method", http.MethodGet)
		req.Header.Set("Access-Control-Request-Headers", "authorization")
		a := served.Do(t, req)
		if a.Status != http.StatusNoContent || a.Header.Get("Access-Control-Allow-Headers") != want {
			t.Errorf("%s: status %d, allowed headers %q; want %q", origin, a.Status, a.Header.Get("Access-Control-Allow-Headers"), want)
		}
	}
}

// TestGetIsShut unless it is configured.
func TestGetIsShut(t *testing.T) {
	r := start(t, "")
	a := served.Get(t, r.url+path, "Authorization", "Bearer "+r.token(t, map[string]any{"sub": "alice"}))
	if a.Status != http.StatusMethodNotAllowed {
		t.Errorf("status %d, want 405", a.Status)
	}
}

// TestNoTokenIsWrittenDown: not even if all properties are, of whatever request.
func TestNoTokenIsWrittenDown(t *testing.T) {
	var jwt string
	var log *bytes.Buffer
	t.Run("ask", func(t *testing.T) {
		r := start(t, frontEnds+"decisionLog: {allowSampleRate: 1.0, properties: {include: [subject.properties, context]}}")
		log = r.log
		jwt = r.token(t, map[string]any{"sub": "alice", "org": "org:acme"})
		const rest = `"action":{"name":"read"},"resource":{"type":"document","id":"d"}}`
		for _, token := range []string{jwt, "wrong" + jwt} {
			served.Post(t, r.url+"/access/v1/evaluation", `{"subject":{"properties":{"plan":"gold","session_jwt":"`+token+`"}},`+rest)
			served.Post(t, r.url+path, `{"subject":{"properties":{"session_jwt":"`+token+`"}}}`)
			served.Get(t, r.url+path, "Authorization", "Bearer "+token)
		}
	})
	text := log.String()
	if strings.Contains(text, jwt) || strings.Contains(text, strings.Split(jwt, ".")[2]) {
		t.Errorf("the decision log has the token:\n%s", text)
	}
	for _, want := range []string{`"plan":"gold"`, `"decision":"allow"`, `"door":"permissions"`, `"status":401`} {
		if !strings.Contains(text, want) {
			t.Errorf("the decision log has no %s:\n%s", want, text)
		}
	}
}
