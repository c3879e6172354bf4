// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"crypto/tls"
	"net/http"
	"strings"
	"testing"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/testkit/pki"
)

// TestTLS serves with a certificate, and with its successor as soon as that
// stands in the files.
func TestTLS(t *testing.T) {
	a, dir := pki.New(t), t.TempDir()
	certFile, keyFile := a.Files(dir, a.Named("first"))
	files := &configv1alpha1.TLS{CertFile: certFile, KeyFile: keyFile}
	r := newRig(t, configure(func(c *configv1alpha1.ServerConfiguration) {
		c.HTTP.TLS, c.Metrics.TLS = files, files
	}), echo()).run(t)
	for _, url := range []string{"https://" + r.HTTP + "/echo", "https://" + r.Metrics + "/metrics"} {
		if name, protocol := overTLS(t, url); name != "first" || protocol != "HTTP/2.0" {
			t.Errorf("%s: certificate of %q, %s; want of the first, HTTP/2.0", url, name, protocol)
		}
	}
	if a := do(t, http.MethodGet, "http://"+r.HTTP+"/echo", "", nil); a.status != http.StatusBadRequest {
		t.Errorf("without TLS: answer %d %q, want 400", a.status, a.body)
	}
	a.Files(dir, a.Named("second"))
	await(t, "the new certificate is served", func() bool {
		name, _ := overTLS(t, "https://"+r.HTTP+"/echo")
		return name == "second"
	})
}

func TestMissingCertificate(t *testing.T) {
	files := &configv1alpha1.TLS{CertFile: "/nowhere/tls.crt", KeyFile: "/nowhere/tls.key"}
	err := newRig(t, configure(func(c *configv1alpha1.ServerConfiguration) { c.Metrics.TLS = files })).Listen(t.Context())
	if err == nil || !strings.Contains(err.Error(), "metrics.tls") || !strings.Contains(err.Error(), "/nowhere/tls.crt") {
		t.Errorf("error %v names neither the field nor the file", err)
	}
}

// overTLS asks over a connection of its own, whoever the certificate is of, and
// returns that and the protocol.
func overTLS(t *testing.T, url string) (name, protocol string) {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.TLS.PeerCertificates[0].Subject.CommonName, resp.Proto
}
