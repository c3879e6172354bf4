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

// trusting is a configuration whose namespace shop trusts what the text says.
func trusting(text string) string {
	return head + "sessions: [{namespace: shop, " + text + "}]"
}

// by is trusting with one issuer, of which the text says more.
func by(text string) string {
	return trusting("jwt: [{issuer: {url: 'https://a.example', audiences: [shop], " + text + "}}]")
}

// mapping is by with claim mappings.
func mapping(text string) string {
	return trusting("jwt: [{issuer: {url: 'https://a.example', audiences: [shop]}, claimMappings: {" + text + "}}]")
}

// asking is trusting with an endpoint, of which the text says more.
func asking(text string) string {
	return trusting("introspection: {url: 'https://a.example/i', clientID: a, clientSecretFile: b, " + text + "}")
}

func TestSessionsDefaults(t *testing.T) {
	c, err := config.Decode([]byte(trusting(`
  jwt: [{issuer: {url: 'https://a.example', audiences: [shop]}}],
  introspection: {url: 'https://a.example/i', clientID: a, clientSecretFile: b, leeway: 0s}`)))
	if err != nil {
		t.Fatal(err)
	}
	id := configv1alpha1.ClaimMappings{ID: configv1alpha1.PrefixedClaimOrExpression{Claim: "sub", Prefix: new("")}}
	want := []configv1alpha1.NamespaceSessions{{
		Namespace: "shop",
		JWT: []configv1alpha1.JWTAuthenticator{{
			Issuer: configv1alpha1.Issuer{
				URL: "https://a.example", Audiences: []string{"shop"}, Algorithms: config.Algorithms(),
				Leeway:             &metav1.Duration{Duration: 10 * time.Second},
				KeyRefreshInterval: metav1.Duration{Duration: 5 * time.Minute},
				MaxKeyAge:          metav1.Duration{Duration: 24 * time.Hour},
			},
			SubjectRules: configv1alpha1.SubjectRules{ClaimMappings: id},
		}},
		Introspection: &configv1alpha1.Introspection{
			URL: "https://a.example/i", ClientID: "a", ClientSecretFile: "b",
			Timeout: metav1.Duration{Duration: 2 * time.Second}, MaxConcurrent: 64, Leeway: &metav1.Duration{},
			SubjectRules: configv1alpha1.SubjectRules{ClaimMappings: id},
		},
	}}
	if diff := cmp.Diff(want, c.Sessions); diff != "" {
		t.Errorf("sessions (-want +got):\n%s", diff)
	}
}

func TestSessionsThatAreTaken(t *testing.T) {
	for name, text := range map[string]string{
		"an issuer that is no URL":       trusting("jwt: [{issuer: {url: stytch.com/p, audiences: [p], jwksURL: 'https://a.example/k'}}]"),
		"keys in the file":               trusting(`jwt: [{issuer: {url: a, audiences: [p], jwks: '{"keys":[]}'}}]`), // what is in them is looked at later
		"http, if that is said":          trusting("jwt: [{issuer: {url: 'http://a.example', audiences: [p], allowPlainHTTP: true}}]"),
		"a prefix that is empty":         mapping("groups: {claim: groups, prefix: ''}"),
		"expressions":                    mapping("groups: {expression: claims.a}, type: {expression: '\"service\"'}, properties: [{name: a, expression: claims.a}]"),
		"two issuers and two namespaces": strings.TrimSuffix(by(""), "]") + ", {namespace: b, jwt: [{issuer: {url: 'https://a.example', audiences: [a]}}, {issuer: {url: 'https://b.example', audiences: [a]}}]}]",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := config.Decode([]byte(text)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestSessionsThatAreRefused(t *testing.T) {
	const issuer, mappings = "sessions[0].jwt[0].issuer.", "sessions[0].jwt[0].claimMappings."
	tests := map[string]struct{ text, field, want string }{
		"no namespace":                   {head + "sessions: [{jwt: []}]", "sessions[0].namespace", "Invalid"},
		"a namespace that is not served": {by("") + "\nnamespaces: [office]", "sessions[0].namespace", "add it there"},
		"a namespace twice":              {strings.TrimSuffix(by(""), "]") + ", {namespace: shop}]", "sessions[1].namespace", "Duplicate"},
		"nobody to trust":                {trusting(""), "sessions[0].jwt", "name an issuer"},
		"an issuer without audience":     {trusting("jwt: [{issuer: {url: 'https://a.example'}}]"), issuer + "audiences", "for whom the tokens must be"},
		"an empty list of audiences":     {trusting("jwt: [{issuer: {url: 'https://a.example', audiences: []}}]"), issuer + "audiences", "for whom"},
		"an empty audience":              {trusting("jwt: [{issuer: {url: 'https://a.example', audiences: ['']}}]"), issuer + "audiences[0]", "must not be empty"},
		"an issuer twice":                {trusting("jwt: [{issuer: {url: 'https://a', audiences: [a]}}, {issuer: {url: 'https://a', audiences: [b]}}]"), "sessions[0].jwt[1].issuer.url", "Duplicate"},
		"an issuer without name":         {trusting("jwt: [{issuer: {audiences: [a], jwks: a}}]"), issuer + "url", "Required"},
		"no way to the keys":             {trusting("jwt: [{issuer: {url: stytch.com/p, audiences: [p]}}]"), issuer + "jwksURL", "say where they are"},
		"two ways to the keys":           {by("jwksURL: 'https://a.example/k', discoveryURL: 'https://a.example/d'"), issuer + "jwksURL", "not two"},
		"http":                           {by("jwksURL: 'http://a.example/k'"), issuer + "jwksURL", "allowPlainHTTP"},
		"a file":                         {by("jwksURL: 'file:///etc/keys'"), issuer + "jwksURL", "https URL"},
		"a password in an address":       {by("jwksURL: 'https://a:secret@a.example/k'"), issuer + "jwksURL", "must not hold a user"},
		"no certificate":                 {by("certificateAuthority: secret"), issuer + "certificateAuthority", "no certificate in PEM"},
		"an algorithm with secrets":      {by("algorithms: [RS256, HS256]"), issuer + "algorithms[1]", "Unsupported"},
		"no algorithm":                   {by("algorithms: [none]"), issuer + "algorithms[0]", "Unsupported"},
		"an empty type":                  {by("types: ['']"), issuer + "types[0]", "must not be empty"},
		"too much leeway":                {by("leeway: 1h"), issuer + "leeway", "0s to 5m"},
		"keys fetched all the time":      {by("keyRefreshInterval: 1s"), issuer + "keyRefreshInterval", "at least 10s"},
		"keys trusted too short":         {by("maxKeyAge: 1m"), issuer + "maxKeyAge", "longer than keyRefreshInterval"},
		"groups without a prefix":        {mapping("groups: {claim: groups}"), mappings + "groups.prefix", `"" for nothing`},
		"a scope without a prefix":       {mapping("scope: {claim: org}"), mappings + "scope.prefix", `"" for nothing`},
		"a prefix for an expression":     {mapping("id: {expression: claims.sub, prefix: a}"), mappings + "id.prefix", "goes with claim"},
		"two ways to a value":            {mapping("email: {claim: a, expression: b}"), mappings + "email.expression", "not both"},
		"groups of any connection":       {mapping("ssoGroups: {claim: a}"), mappings + "ssoConnections", "say which it has"},
		"a property without name":        {mapping("properties: [{claim: a}]"), mappings + "properties[0].name", "Required"},
		"a property without value":       {mapping("properties: [{name: a}]"), mappings + "properties[0].claim", "Required"},
		"a property twice":               {mapping("properties: [{name: a, claim: b}, {name: a, claim: c}]"), mappings + "properties[1].name", "Duplicate"},
		"a rule that says nothing":       {asking("claimValidationRules: [{message: a}]"), "sessions[0].introspection.claimValidationRules[0].expression", "Required"},
		"a rule that says two things":    {asking("claimValidationRules: [{claim: a, requiredValue: b, expression: c}]"), "claimValidationRules[0].expression", "not both"},
		"a rule without a value":         {asking("claimValidationRules: [{claim: a}]"), "claimValidationRules[0].requiredValue", "Required"},
		"a value without a claim":        {asking("claimValidationRules: [{expression: a, requiredValue: b}]"), "claimValidationRules[0].requiredValue", "goes with claim"},
		"a rule about nobody":            {asking("userValidationRules: [{message: a}]"), "userValidationRules[0].expression", "Required"},
		"an endpoint without address":    {trusting("introspection: {clientID: a, clientSecretFile: b}"), "sessions[0].introspection.url", "where to ask"},
		"an endpoint without a name":     {trusting("introspection: {url: 'https://a.example', clientSecretFile: b}"), "sessions[0].introspection.clientID", "Required"},
		"an endpoint without a secret":   {trusting("introspection: {url: 'https://a.example', clientID: b}"), "sessions[0].introspection.clientSecretFile", "Required"},
		"an endpoint over http":          {trusting("introspection: {url: 'http://a.example', clientID: a, clientSecretFile: b}"), "sessions[0].introspection.url", "allowPlainHTTP"},
		"an endpoint that may take long": {asking("timeout: 1m"), "sessions[0].introspection.timeout", "at most 10s"},
		"too many at once":               {asking("maxConcurrent: 5000"), "sessions[0].introspection.maxConcurrent", "from 1 to 1000"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := config.Decode([]byte(tt.text))
			if err == nil || !strings.Contains(err.Error(), tt.field+": ") || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("error %v, want one of %s with %q", err, tt.field, tt.want)
			}
			if strings.Contains(err.Error(), "secret\"") || strings.Contains(err.Error(), ":secret@") {
				t.Errorf("error %v holds a secret", err)
			}
		})
	}
}
