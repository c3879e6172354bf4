// SPDX-License-Identifier: Apache-2.0

package proxies

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rolecall/rolecall/internal/server"
	"github.com/rolecall/rolecall/internal/testkit/issuer"
	"github.com/rolecall/rolecall/internal/testkit/live"
	"github.com/rolecall/rolecall/internal/testkit/served"
)

const policy = `
apiVersion: rolecall.dev/v1alpha1
kind: Resource
metadata: {name: document}
spec:
  actions: [{name: list}, {name: read}, {name: update}, {name: delete}]
  routes:
  - {method: GET, path: "/documents", action: list}
  - {method: GET, path: "/documents/{id}", action: read}
  - {method: PUT, path: "/documents/{id}", action: update}
  - {method: DELETE, path: "/documents/{id}", action: delete}
---
apiVersion: rolecall.dev/v1alpha1
kind: Role
metadata: {name: editor}
spec:
  permissions:
  - {resource: document, actions: [read]}
  - {resource: document, actions: [update], condition: 'context.source_address == "127.0.0.1" && context.headers["user-agent"] == "test/1"'}
  - {effect: Deny, resource: document, actions: ["*"], condition: resource.id == "secret"}
---
apiVersion: rolecall.dev/v1alpha1
kind: Role
metadata: {name: visitor}
spec: {permissions: [{resource: document, actions: [list]}]}
---
apiVersion: rolecall.dev/v1alpha1
kind: RoleBinding
metadata: {name: editors}
spec: {roles: [editor], subjects: [{type: user, id: ann}], scope: "*"}
---
apiVersion: rolecall.dev/v1alpha1
kind: RoleBinding
metadata: {name: visitors}
spec: {roles: [visitor], subjects: [{type: anonymous, id: "*"}], scope: "*"}
`

// request is what a client asks a proxy for.
type request struct {
	method, path, body string
	// headers are names and values in turns.
	headers []string
}

// want is what becomes of it: the status that the client hears and, if it is let
// through, whose request the application takes it for.
type want struct {
	status             int
	subject, typ, role string
}

// launch starts a proxy in front of an application, which asks a server, until the
// test ends, and returns its address.
type launch func(t *testing.T, server server.Addresses, application string) string

// verify puts requests to proxies, whose clients and applications must hear the same
// from all of them.
func verify(t *testing.T, proxies map[string]launch) {
	t.Helper()
	i := issuer.Start(t)
	at := served.Start(t, served.Options{Manifests: policy, Configuration: read(t, "rolecall.yaml") +
		fmt.Sprintf("sessions: [{namespace: default, jwt: [{issuer: {%s}}]}]\n", i.Trust())})
	session := "Bearer " + i.Sign(t, issuer.Claims(time.Now(), map[string]any{"sub": "ann"}))
	ann := want{200, "ann", "user", "editor"}
	get := func(path string, headers ...string) request {
		return request{method: "GET", path: path, headers: append([]string{"Authorization", session}, headers...)}
	}
	tests := map[string]struct {
		request
		want
	}{
		"allowed":            {get("/documents/7?x=/../"), ann},
		"by a cookie":        {request{method: "GET", path: "/documents/7", headers: []string{"Cookie", "session=" + strings.TrimPrefix(session, "Bearer ")}}, ann},
		"HEAD":               {request{method: "HEAD", path: "/documents/7", headers: []string{"Authorization", session}}, ann},
		"a body":             {request{method: "PUT", path: "/documents/7", body: strings.Repeat("x", 70_000), headers: []string{"Authorization", session, "User-Agent", "test/1", "Content-Encoding", "gzip"}}, ann},
		"anonymous":          {request{method: "GET", path: "/documents"}, want{200, "anonymous", "anonymous", "visitor"}},
		"nobody":             {request{method: "GET", path: "/documents/7"}, want{status: 401}},
		"a bad token":        {request{method: "GET", path: "/documents", headers: []string{"Authorization", session + "x"}}, want{status: 401}},
		"denied":             {request{method: "DELETE", path: "/documents/7", headers: []string{"Authorization", session}}, want{status: 403}},
		"no route":           {get("/elsewhere"), want{status: 403}},
		"an explicit Deny":   {get("/documents/secret"), want{status: 403}},
		"an encoded secret":  {get("/documents/%73ecret"), want{status: 403}},
		"another user agent": {request{method: "PUT", path: "/documents/7", headers: []string{"Authorization", session, "User-Agent", "test/2"}}, want{status: 403}},
		"a claimed address":  {request{method: "PUT", path: "/documents/7", headers: []string{"Authorization", session, "User-Agent", "test/1", "X-Forwarded-For", "127.0.0.1, 192.0.2.1"}}, ann},
		"claimed subjects":   {get("/documents/7", "X-Rolecall-Subject", "root", "X-Rolecall-Subject-Type", "service", "X-Rolecall-Roles", "admin"), ann},
		"claimed subjects of nobody": {request{method: "GET", path: "/documents", headers: []string{
			"X-Rolecall-Subject", "root", "X-Rolecall-Subject-Type", "service", "X-Rolecall-Roles", "admin",
		}}, want{200, "anonymous", "anonymous", "visitor"}},
		"a claimed method": {request{method: "DELETE", path: "/documents/7", headers: []string{
			"Authorization", session, "X-Forwarded-Method", "GET", "X-Original-Method", "GET", "X-Http-Method-Override", "GET",
		}}, want{status: 403}},
		"a claimed path": {get("/documents/secret", "X-Forwarded-Uri", "/documents/7", "X-Original-Url", "http://h/documents/7", "X-Original-Uri", "/documents/7"), want{status: 403}},
	}
	for name, launch := range proxies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := startApplication(t)
			address := launch(t, at, app.address)
			for sentence, tt := range tests {
				got, answer := app.ask(t, address, tt.request)
				if got != tt.want {
					t.Errorf("%s: %+v, want %+v", sentence, got, tt.want)
				}
				if (tt.status == 401) != (answer.Get("WWW-Authenticate") != "") {
					t.Errorf("%s: WWW-Authenticate is %q", sentence, answer.Get("WWW-Authenticate"))
				}
			}
			for _, path := range []string{
				"//documents/secret", "/documents//secret", "/documents/./secret", "/documents/7/../secret", "/documents/%2e%2e/documents/secret",
				"/documents/..%2fdocuments%2fsecret", "/documents/7%2f..%2fsecret", "/documents/secret;x=7", "/documents/7;/../secret",
				"/documents/%2573ecret", "/documents/7%00/../secret", `/documents/7\..\secret`, "/documents/%5csecret",
			} {
				got, _ := app.ask(t, address, get(path))
				if got.subject != "" {
					t.Errorf("%s reaches the application as %+v", path, got)
				}
			}
		})
	}
}

// verifyWithoutAnswer: a server that is not there lets nobody in.
func verifyWithoutAnswer(t *testing.T, proxies map[string]launch) {
	t.Helper()
	for name, launch := range proxies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := startApplication(t)
			nowhere := server.Addresses{HTTP: live.FreeAddress(t), GRPC: live.FreeAddress(t)}
			got, _ := app.ask(t, launch(t, nowhere, app.address), request{method: "GET", path: "/documents"})
			if got.status < 500 || got.subject != "" {
				t.Errorf("%+v, want an error of the server", got)
			}
		})
	}
}
