// SPDX-License-Identifier: Apache-2.0

package gateway_test

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/rolecall/rolecall/internal/testkit/issuer"
	"github.com/rolecall/rolecall/internal/testkit/pki"
	"github.com/rolecall/rolecall/internal/testkit/served"
)

// believed is a configuration in which headers say who asks.
func believed(peers string, more string) string {
	return fmt.Sprintf("gateways: [{namespace: default, peers: [%s], subject: {headers: {id: X-User}}%s}]", peers, more)
}

// TestStrangers: who is no gateway is told nothing, whatever it says.
func TestStrangers(t *testing.T) {
	t.Parallel()
	r := start(t, believed("{cidr: 192.0.2.0/24}, {cidr: 2001:db8::/32}", ""))
	q := question{method: "GET", path: "/documents/1", headers: []string{
		"X-User", "ann", "Authorization", "Bearer x", "X-Api-Key", "y", "Forwarded", "for=192.0.2.7", "X-Real-Ip", "192.0.2.7",
	}}
	if got := r.overHTTP(t, q); got != (answer{status: 403}) {
		t.Errorf("forward-auth: %+v, want 403", got)
	}
	if _, err := r.rpc.Check(t.Context(), check(q)); status.Code(err) != codes.PermissionDenied {
		t.Errorf("ext_authz: %v, want PermissionDenied", err)
	}
}

// TestCertificates: a gateway that has no address of its own has a certificate, whose
// owner may ask about the namespace and is believed there.
func TestCertificates(t *testing.T) {
	t.Parallel()
	a, dir := pki.New(t), t.TempDir()
	certFile, keyFile := a.Files(dir, a.Server("localhost"))
	caFile := filepath.Join(dir, "ca.crt")
	if err := os.WriteFile(caFile, []byte(a.PEM()), 0o600); err != nil {
		t.Fatal(err)
	}
	grant := "namespaces: [default], permissions: [checks]"
	at := served.Start(t, served.Options{Manifests: policy, Configuration: fmt.Sprintf(`
http: {tls: {certFile: %s, keyFile: %s}}
grpc: {tls: {certFile: %[1]s, keyFile: %[2]s}}
callers:
  clientCertificates:
    caFile: %s
    allow: [{commonName: ingress, %s}, {commonName: application, %[4]s}, {commonName: elsewhere, namespaces: [other], permissions: [checks]}]
%s`, certFile, keyFile, caFile, grant, believed("{certificate: ingress}, {certificate: elsewhere}", ""))})
	for name, want := range map[string]struct {
		status int
		code   codes.Code
	}{"ingress": {200, codes.OK}, "application": {403, codes.PermissionDenied}, "elsewhere": {403, codes.PermissionDenied}, "": {403, codes.PermissionDenied}} {
		config := a.TLS(nil)
		if name != "" {
			cert := a.Issue(&x509.Certificate{Subject: pkix.Name{CommonName: name}})
			config = a.TLS(&cert)
		}
		config.ServerName = "localhost"
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: config}}
		in, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+at.HTTP+"/forward-auth", nil)
		if err != nil {
			t.Fatal(err)
		}
		in.Header = header([]string{"X-User", "ann", "X-Forwarded-Method", "GET", "X-Forwarded-Uri", "/documents/1", "Authorization", "Bearer x"})
		out, err := client.Do(in)
		if err != nil {
			t.Fatal(err)
		}
		_ = out.Body.Close()
		if out.StatusCode != want.status {
			t.Errorf("forward-auth by %q: %d, want %d", name, out.StatusCode, want.status)
		}
		conn, err := grpc.NewClient("passthrough:///"+at.GRPC, grpc.WithTransportCredentials(credentials.NewTLS(config)))
		if err != nil {
			t.Fatal(err)
		}
		_, err = authv3.NewAuthorizationClient(conn).Check(t.Context(), check(question{method: "GET", path: "/documents/1", headers: []string{"X-User", "ann"}}))
		if status.Code(err) != want.code {
			t.Errorf("ext_authz by %q: %v, want %v", name, err, want.code)
		}
		_ = conn.Close()
	}
}

// TestForwardAuthHeaders: only those headers say what a request is that the gateway
// sets, and each of them once.
func TestForwardAuthHeaders(t *testing.T) {
	t.Parallel()
	forwarded := start(t, believed("{cidr: 127.0.0.1/32}", ""))
	original := start(t, believed("{cidr: 127.0.0.1/32}", ", requestHeaders: Original"))
	const method, url = "X-Original-Method", "X-Original-URL"
	tests := map[string]struct {
		*rig
		headers []string
		want    int
	}{
		"the usual ones":                {forwarded, []string{"X-Forwarded-Method", "GET", "X-Forwarded-Uri", "/documents/1?x=2"}, 200},
		"a client's others":             {forwarded, []string{"X-Forwarded-Method", "GET", "X-Forwarded-Uri", "/documents/1", method, "DELETE", url, "http://h/none"}, 200},
		"only a client's":               {forwarded, []string{method, "GET", url, "http://h/documents/1"}, 400},
		"no method":                     {forwarded, []string{"X-Forwarded-Uri", "/documents/1"}, 400},
		"no path":                       {forwarded, []string{"X-Forwarded-Method", "GET"}, 400},
		"two hosts":                     {forwarded, []string{"X-Forwarded-Method", "GET", "X-Forwarded-Uri", "/documents/1", "X-Forwarded-Host", "a", "X-Forwarded-Host", "b"}, 400},
		"two methods":                   {forwarded, []string{"X-Forwarded-Method", "DELETE", "X-Forwarded-Method", "GET", "X-Forwarded-Uri", "/documents/1"}, 400},
		"two paths":                     {forwarded, []string{"X-Forwarded-Method", "GET", "X-Forwarded-Uri", "/documents/1", "X-Forwarded-Uri", "/documents"}, 400},
		"what is said of another body":  {forwarded, []string{"X-Forwarded-Method", "GET", "X-Forwarded-Uri", "/documents/1", "Content-Encoding", "gzip", "Content-Type", "text/html"}, 200},
		"two identities":                {forwarded, []string{"X-Forwarded-Method", "GET", "X-Forwarded-Uri", "/documents/1", "X-User", "ann"}, 401},
		"those of nginx":                {original, []string{method, "GET", url, "https://app.example.com/documents/1?x=/"}, 200},
		"another method":                {original, []string{method, "DELETE", url, "https://app.example.com/documents/1"}, 403},
		"nginx, and a client's others":  {original, []string{method, "GET", url, "http://h:1/documents/1", "X-Forwarded-Uri", "/none", "X-Forwarded-Method", "PUT"}, 200},
		"nginx without a host":          {original, []string{method, "GET", url, "/documents/1"}, 400},
		"nginx with an empty host":      {original, []string{method, "GET", url, "http:///documents/1"}, 400},
		"nginx without a path":          {original, []string{method, "GET", url, "http://h"}, 400},
		"nginx, and a path in a query":  {original, []string{method, "GET", url, "http://h?x=/documents/1"}, 400},
		"nginx, and only a client's":    {original, []string{"X-Forwarded-Method", "GET", "X-Forwarded-Uri", "/documents/1"}, 400},
		"nginx, which climbs no higher": {original, []string{method, "GET", url, "http://h/documents/../documents/1"}, 403},
	}
	for name, tt := range tests {
		in, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+tt.at.HTTP+"/ns/default/forward-auth", nil)
		if err != nil {
			t.Fatal(err)
		}
		in.Header = header(append([]string{"X-User", "ann"}, tt.headers...))
		if got := served.Do(t, in); got.Status != tt.want {
			t.Errorf("%s: %d %q, want %d", name, got.Status, got.Body, tt.want)
		}
	}
	if got := served.Post(t, "http://"+forwarded.at.HTTP+"/forward-auth", ""); got.Status != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d, want 405", got.Status)
	}
	if got := served.Get(t, "http://"+forwarded.at.HTTP+"/ns/other/forward-auth"); got.Status != http.StatusNotFound {
		t.Errorf("another namespace: %d, want 404", got.Status)
	}
}

// TestDenied: status and body are those of the configuration, and tell the client
// nothing of the policy.
func TestDenied(t *testing.T) {
	t.Parallel()
	r := start(t, believed("{cidr: 127.0.0.1/32}", ", denied: {status: 404, body: there is nothing here}"))
	q := question{method: "PUT", path: "/documents/1", headers: []string{"X-User", "eve"}}
	got := served.Get(t, "http://"+r.at.HTTP+"/forward-auth", "X-User", "eve", "X-Forwarded-Method", "PUT", "X-Forwarded-Uri", "/documents/1")
	if got.Status != 404 || got.Body != "there is nothing here\n" || got.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("forward-auth: %+v", got)
	}
	out, err := r.rpc.Check(t.Context(), check(q))
	if err != nil {
		t.Fatal(err)
	}
	if d := out.GetDeniedResponse(); d.GetStatus().GetCode() != 404 || d.GetBody() != "there is nothing here\n" ||
		out.GetDynamicMetadata().GetFields()["reason"].GetStringValue() != "NoRole" {
		t.Errorf("ext_authz: %v", out)
	}
}

// TestUnknownIsNotDenied: where something does not answer it is not known whether
// the client may, and Envoy hears so while it still listens.
func TestUnknownIsNotDenied(t *testing.T) {
	t.Parallel()
	i := issuer.Start(t)
	r := start(t, fmt.Sprintf(`
sessions: [{namespace: default, introspection: {%s, timeout: 10s}}]
gateways: [{namespace: default, peers: [{cidr: 127.0.0.0/8}], subject: {token: {kind: Opaque}}}]
`, i.Ask(t)))
	q := question{method: "GET", path: "/documents/1", headers: []string{"Authorization", "Bearer opaque"}}
	i.Know("opaque", map[string]any{"active": true, "sub": "ann"})
	for door, ask := range map[string]func(*testing.T, question) answer{"forward-auth": r.overHTTP, "ext_authz": r.overGRPC} {
		if got := ask(t, q); got.subject != "user:ann" {
			t.Errorf("%s: %+v, want ann", door, got)
		}
	}
	release := i.Hold()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
	defer cancel()
	if _, err := r.rpc.Check(ctx, check(q)); status.Code(err) != codes.Unavailable || ctx.Err() != nil {
		t.Errorf("an endpoint that hangs: %v, %v; want Unavailable before the time is up", err, ctx.Err())
	}
	release()
	i.SetDown(true)
	if got := r.overHTTP(t, q); got.status != http.StatusServiceUnavailable {
		t.Errorf("an endpoint that is down: %+v, want 503", got)
	}
	if _, err := r.rpc.Check(t.Context(), check(q)); status.Code(err) != codes.Unavailable {
		t.Errorf("an endpoint that is down: %v, want Unavailable", err)
	}
}

// TestNamespaces: the call names the namespace, or Envoy's route does.
func TestNamespaces(t *testing.T) {
	t.Parallel()
	r := start(t, "defaultNamespace: nowhere\n"+believed("{cidr: 127.0.0.1/32}", ""))
	q := check(question{method: "GET", path: "/documents/1", headers: []string{"X-User", "ann"}})
	ask := func(call, route string) codes.Code {
		ctx := t.Context()
		if call != "" {
			ctx = metadata.AppendToOutgoingContext(ctx, "rolecall-namespace", call)
		}
		q.Attributes.ContextExtensions = map[string]string{"rolecall-namespace": route}
		_, err := r.rpc.Check(ctx, q)
		return status.Code(err)
	}
	for _, tt := range []struct {
		call, route string
		want        codes.Code
	}{
		{"default", "", codes.OK},
		{"", "default", codes.OK},
		{"default", "default", codes.OK},
		{"", "", codes.NotFound},
		{"other", "", codes.NotFound},
		{"default", "other", codes.InvalidArgument},
	} {
		if got := ask(tt.call, tt.route); got != tt.want {
			t.Errorf("%q, %q: %v, want %v", tt.call, tt.route, got, tt.want)
		}
	}
}
