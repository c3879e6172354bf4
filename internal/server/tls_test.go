// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
)

// TestTLS serves with a certificate, and with its successor as soon as that
// stands in the files.
func TestTLS(t *testing.T) {
	files := &configv1alpha1.TLS{
		CertFile: filepath.Join(t.TempDir(), "tls.crt"), KeyFile: filepath.Join(t.TempDir(), "tls.key"),
	}
	writeCertificate(t, files, "first")
	r := newRig(configure(func(c *configv1alpha1.ServerConfiguration) {
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
	writeCertificate(t, files, "second")
	await(t, "the new certificate is served", func() bool {
		name, _ := overTLS(t, "https://"+r.HTTP+"/echo")
		return name == "second"
	})
}

func TestMissingCertificate(t *testing.T) {
	files := &configv1alpha1.TLS{CertFile: "/nowhere/tls.crt", KeyFile: "/nowhere/tls.key"}
	err := newRig(configure(func(c *configv1alpha1.ServerConfiguration) { c.Metrics.TLS = files })).Listen(t.Context())
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

// writeCertificate replaces the files by a certificate of a name. The key comes
// first, so that the watcher never sees the new certificate with the old key.
func writeCertificate(t *testing.T, files *configv1alpha1.TLS, name string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, files.KeyFile, "PRIVATE KEY", keyDER)
	writePEM(t, files.CertFile, "CERTIFICATE", der)
}

func writePEM(t *testing.T, path, kind string, der []byte) {
	t.Helper()
	next := path + ".next"
	if err := os.WriteFile(next, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, path); err != nil {
		t.Fatal(err)
	}
}
