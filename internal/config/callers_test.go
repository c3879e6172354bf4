// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/config"
)

func TestCallers(t *testing.T) {
	c, err := config.Decode([]byte(head + `
http: {tls: {certFile: a.crt, keyFile: a.key}}
callers:
  anonymous: Deny
  serviceAccounts: {}
  jwt:
  - issuer: {url: "https://issuer", audiences: [rolecall]}
    namespacesClaim: namespaces
  clientCertificates:
    caFile: ca.crt
    allow:
    - {uri: "spiffe://x/y", namespaces: ["*"], permissions: [checks, policies]}
  apiKeys:
  - {id: project-1, keyFile: key, namespaces: [shop], permissions: [checks]}
`))
	if err != nil {
		t.Fatal(err)
	}
	issuer := configv1alpha1.Issuer{URL: "https://issuer", Audiences: []string{"rolecall"}}
	config.DefaultIssuer(&issuer)
	want := configv1alpha1.Callers{
		Anonymous: "Deny",
		ServiceAccounts: &configv1alpha1.ServiceAccountCallers{
			Audience: "rolecall.dev", ReviewTTL: metav1.Duration{Duration: 10 * time.Second},
			RefusalTTL: metav1.Duration{Duration: 2 * time.Second}, OutageTTL: metav1.Duration{Duration: 15 * time.Minute},
		},
		JWT: []configv1alpha1.JWTCallers{{Issuer: issuer, NameClaim: "sub", ScopesClaim: "scope", NamespacesClaim: "namespaces"}},
		ClientCertificates: &configv1alpha1.ClientCertificateCallers{
			CAFile: "ca.crt",
			Allow: []configv1alpha1.CertificateCaller{{
				URI:         "spiffe://x/y",
				CallerGrant: configv1alpha1.CallerGrant{Namespaces: []string{"*"}, Permissions: []configv1alpha1.CallerPermission{"checks", "policies"}},
			}},
		},
		APIKeys: []configv1alpha1.APIKeyCaller{{
			ID: "project-1", KeyFile: "key",
			CallerGrant: configv1alpha1.CallerGrant{Namespaces: []string{"shop"}, Permissions: []configv1alpha1.CallerPermission{"checks"}},
		}},
	}
	if diff := cmp.Diff(want, c.Callers); diff != "" {
		t.Errorf("callers (-want +got):\n%s", diff)
	}
}

func TestCallersThatAreRefused(t *testing.T) {
	const (
		grant = "namespaces: [shop], permissions: [checks]"
		tls   = "http: {tls: {certFile: a, keyFile: b}}\n"
	)
	key := func(text string) string { return "callers: {apiKeys: [{" + text + "}]}" }
	name := func(text string) string {
		return tls + "callers: {clientCertificates: {caFile: c, allow: [{" + text + "}]}}"
	}
	issuer := func(text string) string {
		return "callers: {jwt: [{issuer: {url: 'https://i', audiences: [a]}, " + text + "}]}"
	}
	tests := map[string]struct{ text, want string }{
		"a word for anonymous":        {"callers: {anonymous: Sometimes}", `callers.anonymous: Unsupported value: "Sometimes"`},
		"everyone, and a method":      {"callers: {anonymous: Allow, serviceAccounts: {}}", "callers.anonymous: Forbidden: Allow lets everyone in"},
		"nobody, and no method":       {"callers: {anonymous: Deny}", "callers: Required value: anonymous: Deny needs a method"},
		"reviews for ever":            {"callers: {serviceAccounts: {reviewTTL: 1h}}", `callers.serviceAccounts.reviewTTL: Invalid value: "1h0m0s": must be from 1s to 10m0s`},
		"no time for refusals":        {"callers: {serviceAccounts: {refusalTTL: 1ms}}", "callers.serviceAccounts.refusalTTL"},
		"an outage of days":           {"callers: {serviceAccounts: {outageTTL: 25h}}", "must be from 1s to 24h0m0s"},
		"a negative time":             {"callers: {serviceAccounts: {outageTTL: -1s}}", `"-1s"`},
		"an unknown field":            {"callers: {serviceAccount: {}}", "callers.serviceAccount: unknown field"},
		"an issuer for everybody":     {"callers: {jwt: [{issuer: {url: 'https://i'}, namespaces: [a]}]}", "callers.jwt[0].issuer.audiences: Required"},
		"an issuer twice":             {"callers: {jwt: [{issuer: {url: 'https://i', audiences: [a]}, namespaces: [a]}, {issuer: {url: 'https://i', audiences: [b]}, namespaces: [a]}]}", "callers.jwt[1].issuer.url: Duplicate"},
		"tokens for nowhere":          {issuer("nameClaim: x"), "callers.jwt[0].namespaces: Required"},
		"tokens for both":             {issuer("namespaces: [a], namespacesClaim: b"), "callers.jwt[0].namespacesClaim: Forbidden"},
		"a namespace that cannot be":  {issuer("namespaces: [A]"), "callers.jwt[0].namespaces[0]"},
		"certificates without TLS":    {strings.TrimPrefix(name("commonName: x, "+grant), tls), "http.tls: Required value: clients show certificates over TLS only"},
		"certificates of nobody":      {tls + "callers: {clientCertificates: {allow: [{commonName: x, " + grant + "}]}}", "callers.clientCertificates.caFile: Required"},
		"certificates for nothing":    {tls + "callers: {clientCertificates: {caFile: c}}", "callers.clientCertificates.allow: Required"},
		"a name of two kinds":         {name("commonName: x, uri: z, " + grant), "allow[0]: Invalid value: \"x, z\": set exactly one of commonName, dnsName and uri"},
		"no name":                     {name(grant), "set exactly one of"},
		"a certificate for nothing":   {name("commonName: x, namespaces: [shop]"), "allow[0].permissions: Required"},
		"a key without a name":        {key("keyFile: f, " + grant), "callers.apiKeys[0].id: Invalid value: \"\""},
		"a name with a colon":         {key("id: 'a:b', keyFile: f, " + grant), `callers.apiKeys[0].id: Invalid value: "a:b"`},
		"a name twice":                {"callers: {apiKeys: [{id: a, keyFile: f, " + grant + "}, {id: a, keyFile: g, " + grant + "}]}", "callers.apiKeys[1].id: Duplicate"},
		"a key without a file":        {key("id: a, " + grant), "callers.apiKeys[0].keyFile: Required"},
		"a key for nowhere":           {key("id: a, keyFile: f, permissions: [checks]"), "callers.apiKeys[0].namespaces: Required"},
		"everywhere and somewhere":    {key("id: a, keyFile: f, permissions: [checks], namespaces: ['*', shop]"), "namespaces[0]: Invalid value: \"*\": is all namespaces and stands alone"},
		"a namespace twice":           {key("id: a, keyFile: f, permissions: [checks], namespaces: [shop, shop]"), "namespaces[1]: Duplicate"},
		"a namespace that is a guess": {key("id: a, keyFile: f, permissions: [checks], namespaces: ['shop-*']"), `namespaces[0]: Invalid value: "shop-*"`},
		"a right that does not exist": {key("id: a, keyFile: f, namespaces: [shop], permissions: [check]"), `permissions[0]: Unsupported value: "check": supported values: "checks", "searches"`},
		"a right twice":               {key("id: a, keyFile: f, namespaces: [shop], permissions: [checks, checks]"), "permissions[1]: Duplicate"},
	}
	for what, tt := range tests {
		t.Run(what, func(t *testing.T) {
			_, err := config.Decode([]byte(head + tt.text))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

// TestDecideCallers: who can be reached by others asks for proof, or does not start.
func TestDecideCallers(t *testing.T) {
	const method = "callers: {apiKeys: [{id: a, keyFile: f, namespaces: [shop], permissions: [checks]}]}"
	tests := map[string]struct {
		text      string
		apiServer bool
		anonymous configv1alpha1.AnonymousCallers
		accounts  bool
		want      string
	}{
		"loopback":                           {anonymous: "Allow"},
		"loopback, with an API server":       {apiServer: true, anonymous: "Allow"},
		"loopback in other words":            {text: "http: {bindAddress: 'localhost:1'}\ngrpc: {bindAddress: '[::1]:2'}", anonymous: "Allow"},
		"loopback, with a method":            {text: method, anonymous: "Deny"},
		"a cluster":                          {text: "http: {bindAddress: ':8080'}", apiServer: true, anonymous: "Deny", accounts: true},
		"a cluster, by gRPC alone":           {text: "grpc: {bindAddress: '10.0.0.1:9090'}", apiServer: true, anonymous: "Deny", accounts: true},
		"a cluster, with another method":     {text: "http: {bindAddress: ':8080'}\n" + method, apiServer: true, anonymous: "Deny"},
		"a cluster, open":                    {text: "http: {bindAddress: ':8080'}\ncallers: {anonymous: Allow}", apiServer: true, anonymous: "Allow"},
		"a folder for others, with a method": {text: "http: {bindAddress: ':8080'}\n" + method, anonymous: "Deny"},
		"a folder for others, open":          {text: "http: {bindAddress: '0.0.0.0:80'}\ncallers: {anonymous: Allow}", anonymous: "Allow"},
		"a folder for others": {
			text: "http: {bindAddress: ':8080'}",
			want: "callers: Required value: http.bindAddress :8080 can be reached by others: say who may ask (callers.jwt, callers.apiKeys " +
				"or callers.clientCertificates), listen on 127.0.0.1, or let everyone in with callers.anonymous: Allow",
		},
		"a folder for others, by gRPC":     {text: "grpc: {bindAddress: '[::]:9090'}", want: "grpc.bindAddress [::]:9090 can be reached by others"},
		"a folder for a host":              {text: "http: {bindAddress: 'rolecall.example.com:8080'}", want: "can be reached by others"},
		"a folder, with service accounts":  {text: "callers: {serviceAccounts: {}}", want: "callers.serviceAccounts: Forbidden: needs an API server"},
		"an address that looks like local": {text: "http: {bindAddress: '127.0.0.1.example.com:8080'}", want: "can be reached by others"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c, err := config.Decode([]byte(head + tt.text))
			if err != nil {
				t.Fatal(err)
			}
			faults := config.DecideCallers(c, tt.apiServer)
			if tt.want != "" {
				if len(faults) != 1 || !strings.Contains(faults[0].Error(), tt.want) {
					t.Errorf("faults %v, want %q", faults, tt.want)
				}
				return
			}
			if len(faults) > 0 || c.Callers.Anonymous != tt.anonymous || (c.Callers.ServiceAccounts != nil) != tt.accounts {
				t.Errorf("faults %v, callers %+v", faults, c.Callers)
			}
			if tt.accounts && c.Callers.ServiceAccounts.Audience != "rolecall.dev" {
				t.Errorf("service accounts have no defaults: %+v", c.Callers.ServiceAccounts)
			}
			if again := config.Validate(c); len(again) > 0 {
				t.Errorf("what was decided is not valid: %v", again)
			}
		})
	}
}
