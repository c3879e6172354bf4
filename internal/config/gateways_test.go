// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rolecall/rolecall/internal/config"
)

// TestGateways: a gateway that says everything is valid, and one that says little has
// defaults.
func TestGateways(t *testing.T) {
	c, err := config.Decode([]byte(head + `
http: {tls: {certFile: a, keyFile: b}}
callers: {clientCertificates: {caFile: ca, allow: [{uri: "spiffe://x/y", namespaces: [shop], permissions: [checks]}]}}
sessions: [{namespace: shop, introspection: {url: "https://login.example.com/i", clientID: a, clientSecretFile: b}}]
gateways:
- namespace: shop
  peers: [{cidr: 10.0.0.0/8}, {cidr: "fd00::/8"}, {certificate: "spiffe://x/y"}]
  requestHeaders: Original
  subject: {token: {kind: Opaque, cookie: __Host-s}, headers: {id: X-U, type: service, roles: X-R, groups: X-G, email: X-E, scope: X-S}, certificateType: service}
  contextHeaders: [User-Agent]
  decisionHeaders: {subject: A, subjectType: B, roles: C}
  denied: {status: 404, body: nothing}
- {namespace: office, peers: [{cidr: 192.0.2.1/32}], subject: {headers: {id: X-U}}}
`))
	if err != nil {
		t.Fatal(err)
	}
	g := c.Gateways[1]
	got := []any{g.RequestHeaders, g.Subject.Headers.Type, g.DecisionHeaders.Subject, g.DecisionHeaders.SubjectType, g.DecisionHeaders.Roles, g.Denied.Status, g.Denied.Body}
	for i, want := range []string{"Forwarded", "user", "X-Rolecall-Subject", "X-Rolecall-Subject-Type", "X-Rolecall-Roles", "403", "access denied"} {
		if fmt.Sprint(got[i]) != want {
			t.Errorf("default %d is %v, want %s", i, got[i], want)
		}
	}
}

// TestGatewayFaults: each has the path of its field.
func TestGatewayFaults(t *testing.T) {
	const peers = "peers: [{cidr: 10.0.0.0/8}], "
	for text, want := range map[string][]string{
		"{" + peers + "namespace: Shop}":                           {"gateways[0].namespace"},
		"{" + peers + "namespace: a}, {" + peers + "namespace: a}": {"gateways[1].namespace"},
		"{namespace: a}":              {"gateways[0].peers"},
		"{namespace: a, peers: [{}]}": {"gateways[0].peers[0]"},
		"{namespace: a, peers: [{cidr: 10.0.0.0/8, certificate: b}]}":                          {"gateways[0].peers[0]"},
		"{namespace: a, peers: [{cidr: 10.0.0.1/8}, {cidr: 10.0.0.1}, {certificate: nobody}]}": {"gateways[0].peers[0].cidr", "gateways[0].peers[1].cidr", "gateways[0].peers[2].certificate"},
		"{" + peers + "namespace: a, requestHeaders: X}":                                       {"gateways[0].requestHeaders"},
		"{" + peers + "namespace: a, subject: {token: {kind: SAML}}}":                          {"gateways[0].subject.token.kind", "sessions"},
		"{" + peers + "namespace: a, subject: {token: {cookie: 'a b'}}}":                       {"gateways[0].subject.token.cookie", "sessions"},
		"{" + peers + "namespace: a, subject: {headers: {}}}":                                  {"gateways[0].subject.headers.id"},
		"{" + peers + "namespace: a, subject: {headers: {id: X, type: group}}}":                {"gateways[0].subject.headers.type"},
		"{" + peers + "namespace: a, subject: {headers: {id: X, roles: x}}}":                   {"gateways[0].subject.headers.roles"},
		"{" + peers + "namespace: a, subject: {headers: {id: Cookie}}}":                        {"gateways[0].subject.headers.id"},
		"{" + peers + "namespace: a, subject: {headers: {id: X-Rolecall-Subject}}}":            {"gateways[0].subject.headers.id"},
		"{" + peers + "namespace: a, subject: {certificateType: '*'}}":                         {"gateways[0].subject.certificateType"},
		"{" + peers + "namespace: a, contextHeaders: [A, authorization, 'a b']}":               {"gateways[0].contextHeaders[1]", "gateways[0].contextHeaders[2]"},
		"{" + peers + "namespace: a, decisionHeaders: {subject: Host, roles: 'a:b'}}":          {"gateways[0].decisionHeaders.subject", "gateways[0].decisionHeaders.roles"},
		"{" + peers + "namespace: a, denied: {status: 401}}":                                   {"gateways[0].denied.status"},
		"{" + peers + "namespace: a, denied: {status: 200}}":                                   {"gateways[0].denied.status"},
		"{" + peers + "namespace: a, denied: {status: 500}}":                                   {"gateways[0].denied.status"},
	} {
		_, err := config.Decode([]byte(head + "gateways: [" + text + "]"))
		for _, field := range want {
			if err == nil || !strings.Contains(err.Error(), field+": ") {
				t.Errorf("%s: %v, want a fault of %s", text, err, field)
			}
		}
	}
}
