// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"crypto/tls"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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

// holder is a generated certificate, at first none.
type holder struct {
	held atomic.Pointer[tls.Certificate]
}

func (h *holder) Certificate() (*tls.Certificate, error) {
	if c := h.held.Load(); c != nil {
		return c, nil
	}
	return nil, errors.New("there is no certificate yet")
}

func (h *holder) Ready() error {
	_, err := h.Certificate()
	return err
}

// TestGeneratedCertificate: without one the server is not ready, and says why; a new
// one is for who comes then, and who is connected stays so.
func TestGeneratedCertificate(t *testing.T) {
	a := pki.New(t)
	tlsOf := &configv1alpha1.TLS{Generated: true}
	r := newRig(t, configure(func(c *configv1alpha1.ServerConfiguration) {
		c.HTTP.TLS, c.Metrics.TLS, c.GRPC.TLS = tlsOf, tlsOf, tlsOf
	}), echo()).run(t)
	h := &r.generated
	if got := do(t, http.MethodGet, "http://"+r.Health+"/readyz", "", nil); got.status != http.StatusServiceUnavailable || got.body != "there is no certificate yet\n" {
		t.Errorf("without a certificate: %d %q", got.status, got.body)
	}
	if ends := r.CertificatesNotAfter(); len(ends) != 0 {
		t.Errorf("there are ends of certificates that are not there: %v", ends)
	}
	first := a.Server("first")
	h.held.Store(first)
	if got := do(t, http.MethodGet, "http://"+r.Health+"/readyz", "", nil); got.status != http.StatusOK {
		t.Errorf("with a certificate: %d %q", got.status, got.body)
	}
	client := a.Client(nil)
	connected := func(want string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+r.HTTP+"/echo", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if got := resp.TLS.PeerCertificates[0].Subject.CommonName; got != want {
			t.Errorf("the connection is with %s, want %s", got, want)
		}
	}
	connected("first")
	second := a.Server("second")
	h.held.Store(second)
	connected("first")
	for _, url := range []string{"https://" + r.HTTP + "/echo", "https://" + r.Metrics + "/metrics"} {
		if name, _ := overTLS(t, url); name != "second" {
			t.Errorf("%s: certificate of %q, want of the second", url, name)
		}
	}
	want := map[string]time.Time{"http": second.Leaf.NotAfter, "metrics": second.Leaf.NotAfter}
	if diff := cmp.Diff(want, r.CertificatesNotAfter()); diff != "" {
		t.Errorf("ends (-want +got):\n%s", diff)
	}
}

// TestOldTLS: what is older than TLS 1.2 is refused.
func TestOldTLS(t *testing.T) {
	a := pki.New(t)
	r := newRig(t, configure(func(c *configv1alpha1.ServerConfiguration) {
		c.HTTP.TLS = &configv1alpha1.TLS{Generated: true}
	}), echo()).run(t)
	r.generated.held.Store(a.Server("server"))
	for version, want := range map[uint16]bool{tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		config := a.TLS(nil)
		config.MinVersion, config.MaxVersion = tls.VersionTLS10, version
		conn, err := (&tls.Dialer{Config: config}).DialContext(t.Context(), "tcp", r.HTTP)
		if (err == nil) != want {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
		if err == nil {
			_ = conn.Close()
		}
	}
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
