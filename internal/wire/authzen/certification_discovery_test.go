// SPDX-License-Identifier: Apache-2.0

package authzen_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
)

// decisionPoint is the URL of the policy decision point: the host is in the
// certificate that httptest has.
const decisionPoint = "https://example.com"

// serveTLS starts a server that speaks TLS, and returns a client that finds it at
// decisionPoint.
func serveTLS(t *testing.T) *http.Client {
	t.Helper()
	lender := httptest.NewTLSServer(nil) // of a certificate, and a client that trusts it
	t.Cleanup(lender.Close)
	files := configv1alpha1.TLS{CertFile: filepath.Join(t.TempDir(), "crt"), KeyFile: filepath.Join(t.TempDir(), "key")}
	lent := lender.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(lent.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]pem.Block{
		files.CertFile: {Type: "CERTIFICATE", Bytes: lent.Certificate[0]}, files.KeyFile: {Type: "PRIVATE KEY", Bytes: key},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(&block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := serve(t, policyOf(t, certification), at(decisionPoint), func(c *configv1alpha1.ServerConfiguration) { c.HTTP.TLS = &files })
	client := lender.Client()
	transport := client.Transport.(*http.Transport).Clone()
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, strings.TrimPrefix(r.url, "http://"))
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// TestCertificationDiscovery: c-6, and c-5 over TLS. A client that knows nothing but
// the URL of the policy decision point finds every endpoint.
func TestCertificationDiscovery(t *testing.T) {
	client := serveTLS(t)
	for base, path := range map[string]string{decisionPoint: "", decisionPoint + "/ns/shop": "/ns/shop"} {
		resp, err := client.Get(decisionPoint + "/.well-known/authzen-configuration" + path)
		if err != nil {
			t.Fatal(err)
		}
		var metadata map[string]string
		err = json.NewDecoder(resp.Body).Decode(&metadata)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "application/json" {
			t.Fatalf("answer %d of %s: %v", resp.StatusCode, resp.Header.Get("Content-Type"), err)
		}
		if got := metadata["policy_decision_point"]; got != base {
			t.Errorf("policy_decision_point %q, want %q", got, base)
		}
		for name, body := range map[string]string{
			"access_evaluation_endpoint":  ask(alice, read, record1, ""),
			"access_evaluations_endpoint": batch(alice, read, "", item("resource", record1)),
			"search_subject_endpoint":     ask(users, read, record1, ""),
			"search_resource_endpoint":    ask(alice, read, records, ""),
			"search_action_endpoint":      ask(alice, "", record1, ""),
		} {
			endpoint := metadata[name]
			delete(metadata, name)
			if !strings.HasPrefix(endpoint, base+"/") {
				t.Fatalf("%s is %q", name, endpoint)
			}
			resp, err := client.Post(endpoint, "application/json", strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				t.Errorf("%s answers %d", endpoint, resp.StatusCode)
			}
		}
		if len(metadata) != 1 {
			t.Errorf("there is more in the metadata: %v", metadata)
		}
	}
}
