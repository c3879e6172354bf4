// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rolecall/rolecall/internal/testkit/issuer"
	"github.com/rolecall/rolecall/internal/testkit/pki"
	"github.com/rolecall/rolecall/internal/testkit/served"
)

// TestCheckProves asks a server over TLS that wants to know who asks, for subjects
// by name and by their session tokens.
func TestCheckProves(t *testing.T) {
	const apiKey = "c2VjcmV0LWtleS1vZi10aGUtdGVzdA"
	i, own, theirs := issuer.Start(t), pki.New(t), pki.New(t)
	file := func(name, text string) string {
		path := filepath.Join(t.TempDir(), name)
		pki.Replace(t, path, text)
		return path
	}
	client := func(name string) []string {
		certFile, keyFile := theirs.Files(t.TempDir(), theirs.Named(name))
		return []string{"--cert-file=" + certFile, "--key-file=" + keyFile}
	}
	serverCert, serverKey := own.Files(t.TempDir(), own.Server("rolecall"))
	keyFile, caFile := file("key", apiKey+"\n"), file("ca.crt", own.PEM())
	at := served.Start(t, served.Options{
		Manifests: checkPolicy,
		Configuration: fmt.Sprintf(`
http: {tls: {certFile: %q, keyFile: %q}}
callers:
  anonymous: Deny
  apiKeys: [{id: billing, keyFile: %q, namespaces: [default], permissions: [checks]}]
  clientCertificates: {caFile: %q, allow: [{commonName: checkout, namespaces: [default], permissions: [checks]}]}
sessions: [{namespace: default, jwt: [{issuer: {%s}, claimMappings: {scope: {claim: org, prefix: "org:"}}}], introspection: {%s}}]`,
			serverCert, serverKey, keyFile, file("clients.crt", theirs.PEM()), i.Trust(), i.Ask(t)),
	})
	i.Know("opaque", map[string]any{"sub": "idp|alice:1"})
	jwt := i.Sign(t, issuer.Claims(time.Now(), map[string]any{"sub": "idp|alice:1", "org": "a"}))
	asks := []string{"--server=https://" + at.HTTP, "--ca-file=" + caFile, "--action=read", "--resource=document", "--scope=org:a"}
	alice, byKey := "--subject=user:idp|alice:1", "--token-file="+keyFile
	for name, tt := range map[string]struct {
		stdin string
		args  []string
		exit  int
		want  string // of what is printed
	}{
		"an API key":                      {args: []string{alice, byKey}, want: checkAllow},
		"an API key by standard input":    {stdin: apiKey + "\n", args: []string{alice, "--token-file=-"}, want: checkAllow},
		"a certificate":                   {args: append(client("checkout"), alice), want: checkAllow},
		"a session JWT":                   {args: []string{byKey, "--session-jwt-file=" + file("jwt", jwt)}, want: checkAllow},
		"a session JWT by standard input": {stdin: jwt, args: []string{byKey, "--session-jwt-file=-"}, want: checkAllow},
		"a JWT and whom it names":         {args: []string{byKey, alice, "--session-jwt-file=" + file("jwt", jwt)}, want: checkAllow},
		"an opaque session token":         {stdin: "opaque", args: []string{byKey, "--session-token-file=-", "--subject-property=a=1"}, want: checkAllow},
		"nothing":                         {args: []string{alice}, exit: 2, want: "401 Unauthorized: the request does not say who asks"},
		"a wrong key":                     {stdin: "secret-" + apiKey, args: []string{alice, "--token-file=-"}, exit: 2, want: "the API key is not known"},
		"a certificate that may not":      {args: append(client("cart"), alice), exit: 2, want: `403 Forbidden: the caller "cart" may not`},
		"a JWT of somebody else":          {args: []string{byKey, "--subject=bob", "--session-jwt-file=" + file("jwt", jwt)}, exit: 2, want: "401 Unauthorized"},
		"a session that is not":           {stdin: "other", args: []string{byKey, "--session-token-file=-"}, exit: 2, want: "401 Unauthorized: the token is not active"},
		"a server of whom nobody says so": {args: []string{alice, byKey, "--ca-file=" + file("x", theirs.PEM())}, exit: 2, want: "certificate signed by unknown authority"},
		"a key that is not the certificate's": {
			args: []string{alice, "--cert-file=" + serverCert, "--key-file=" + keyFile}, exit: 2, want: "--cert-file, --key-file: ",
		},
	} {
		t.Run(name, func(t *testing.T) {
			out, errs, exit := runCheckWith(t, tt.stdin, append(asks, tt.args...)...)
			if !strings.Contains(out+errs, tt.want) || exit != tt.exit {
				t.Errorf("printed %q, %q, exit status %d; want %q, %d", out, errs, exit, tt.want, tt.exit)
			}
			for _, secret := range []string{apiKey, jwt, "opaque"} {
				if strings.Contains(out+errs, secret) {
					t.Errorf("printed %q, %q: the token is in it", out, errs)
				}
			}
		})
	}
}
