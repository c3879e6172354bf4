// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/internal/operator"
)

// authority issues certificates.
type authority struct {
	t           *testing.T
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t}
	c := a.issue(&x509.Certificate{Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true})
	a.certificate, a.key = c.Leaf, c.PrivateKey.(*ecdsa.PrivateKey)
	return a
}

// issue fills in a template and signs it; without an authority by itself.
func (a *authority) issue(template *x509.Certificate) tls.Certificate {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template.SerialNumber, template.NotAfter = big.NewInt(time.Now().UnixNano()), time.Now().Add(time.Hour)
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}
	parent, signer := a.certificate, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		a.t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

func (a *authority) pem() string { return encodePEM("CERTIFICATE", a.certificate.Raw) }

func encodePEM(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func (a *authority) named(name string) *tls.Certificate {
	c := a.issue(&x509.Certificate{Subject: pkix.Name{CommonName: name}})
	return &c
}

// files writes the server's own certificate.
func (a *authority) files(dir string) *configv1alpha1.TLS {
	c := a.issue(&x509.Certificate{Subject: pkix.Name{CommonName: "rolecall"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}})
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		a.t.Fatal(err)
	}
	files := &configv1alpha1.TLS{CertFile: filepath.Join(dir, "tls.crt"), KeyFile: filepath.Join(dir, "tls.key")}
	replace(a.t, files.CertFile, encodePEM("CERTIFICATE", c.Certificate[0]))
	replace(a.t, files.KeyFile, encodePEM("PRIVATE KEY", der))
	return files
}

// replace puts a text in a file at one go.
func replace(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path+".next", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".next", path); err != nil {
		t.Fatal(err)
	}
}

// client shows a certificate, if it has one, and trusts an authority.
func (a *authority) client(c *tls.Certificate) *http.Client {
	roots := x509.NewCertPool()
	roots.AddCert(a.certificate)
	config := &tls.Config{RootCAs: roots}
	if c != nil {
		// Whatever authorities the server names: a bad certificate is to be shown too.
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return c, nil }
	}
	transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}
	a.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// post asks for a check in a namespace, and returns the status and the answer.
func post(t *testing.T, c *http.Client, base, namespace, authorization string) (int, http.Header, string, error) {
	t.Helper()
	body := `{"subject":{"type":"user","id":"alice"},"action":{"name":"read"},"resource":{"type":"document","id":"d1"}}`
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/ns/"+namespace+"/access/v1/evaluation", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	resp, err := c.Do(req)
	if err != nil {
		return 0, nil, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, resp.Header, string(text), err
}

// TestCallers runs the operator with certificates and keys, over TLS, as clients
// see it: who is known may ask what it may, and nobody else.
func TestCallers(t *testing.T) {
	const key = "c2VjcmV0IG9mIHRoZSBiaWxsaW5n"
	dir, own, theirs, next := t.TempDir(), newAuthority(t), newAuthority(t), newAuthority(t)
	o, log := options(), &bytes.Buffer{}
	o.Logger = operator.NewLogger(configv1alpha1.Log{Level: configv1alpha1.LogDebug, Format: configv1alpha1.LogText}, log)
	o.Dir = filepath.Join(dir, "policy")
	if err := os.Mkdir(o.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	replace(t, filepath.Join(o.Dir, "a.yaml"), "apiVersion: rolecall.dev/v1alpha1\nkind: Resource\nmetadata: {name: document, namespace: shop}\nspec: {actions: [{name: read}]}\n")
	caFile, keyFile := filepath.Join(dir, "ca.crt"), filepath.Join(dir, "key")
	replace(t, caFile, theirs.pem())
	replace(t, keyFile, key)
	grant := configv1alpha1.CallerGrant{Namespaces: []string{"shop"}, Permissions: []configv1alpha1.CallerPermission{configv1alpha1.CallerChecks}}
	o.Config.HTTP.BindAddress, o.Config.HTTP.TLS = "0.0.0.0:0", own.files(dir)
	o.Config.Callers = configv1alpha1.Callers{
		ClientCertificates: &configv1alpha1.ClientCertificateCallers{
			CAFile: caFile, Allow: []configv1alpha1.CertificateCaller{{CommonName: "checkout", CallerGrant: grant}},
		},
		APIKeys: []configv1alpha1.APIKeyCaller{{ID: "billing", KeyFile: keyFile, CallerGrant: grant}},
	}
	if faults := config.Validate(o.Config); len(faults) > 0 {
		t.Fatal(faults.ToAggregate())
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the log:\n%s", log)
		}
	})
	r := run(t, o)
	base := "https://127.0.0.1:" + r.HTTP[strings.LastIndex(r.HTTP, ":")+1:]
	checkout := own.client(theirs.named("checkout"))
	awaitStatus(t, checkout, base, http.StatusOK) // and ready

	for name, tt := range map[string]struct {
		client           *http.Client
		namespace, value string
		status           int
		says             string
	}{
		"a certificate":                   {checkout, "shop", "", http.StatusOK, `"NoRole"`},
		"a certificate that may not":      {own.client(theirs.named("cart")), "shop", "", http.StatusForbidden, `the caller \"cart\" may not create checks.rolecall.dev in the namespace \"shop\"`},
		"a namespace that it may not":     {checkout, "office", "", http.StatusForbidden, `in the namespace \"office\"`},
		"a namespace that is not there":   {checkout, "nowhere", "", http.StatusForbidden, `in the namespace \"nowhere\"`},
		"a key":                           {own.client(nil), "shop", "Bearer " + key, http.StatusOK, `"NoRole"`},
		"a key that may not":              {own.client(nil), "office", "Bearer " + key, http.StatusForbidden, "callers.apiKeys"},
		"nothing":                         {own.client(nil), "shop", "", http.StatusUnauthorized, "does not say who asks; send an API key"},
		"a bad key beside a certificate":  {checkout, "shop", "Bearer " + key + "x", http.StatusUnauthorized, "the API key is not known"},
		"nothing, to where there is none": {own.client(nil), "nowhere", "", http.StatusUnauthorized, "does not say who asks"},
	} {
		status, header, text, err := post(t, tt.client, base, tt.namespace, tt.value)
		if err != nil || status != tt.status || !strings.Contains(text, tt.says) {
			t.Errorf("%s: answer %d %s, error %v; want %d with %s", name, status, text, err, tt.status, tt.says)
		}
		if challenged := strings.HasPrefix(header.Get("WWW-Authenticate"), `Bearer realm="rolecall"`); challenged != (status == http.StatusUnauthorized) {
			t.Errorf("%s: %d with the challenge %q", name, status, header.Get("WWW-Authenticate"))
		}
	}
	if _, _, _, err := post(t, own.client(next.named("checkout")), base, "shop", ""); err == nil {
		t.Error("a certificate of an unknown authority gets through the handshake")
	}

	everyEndpointAsks(t, own.client(nil), base)

	replace(t, caFile, next.pem())
	awaitStatus(t, own.client(next.named("checkout")), base, http.StatusOK)
	if status, _, text, err := post(t, checkout, base, "shop", ""); status != http.StatusUnauthorized {
		t.Errorf("a connection with a certificate of an authority that is gone: %d %s, error %v", status, text, err)
	}
	if _, _, _, err := post(t, own.client(theirs.named("checkout")), base, "shop", ""); err == nil {
		t.Error("a certificate of an authority that is gone gets through the handshake")
	}
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	if text := log.String(); strings.Contains(text, key) || !strings.Contains(text, "callers are authenticated") {
		t.Errorf("the log:\n%s", text)
	}
}

// everyEndpointAsks: there is no door without the gate, whatever it is called.
func everyEndpointAsks(t *testing.T, c *http.Client, base string) {
	t.Helper()
	_, list := ask(t, c, http.MethodGet, base+"/no-such-endpoint")
	asked := 0
	for line := range strings.Lines(list) {
		method, path, ok := strings.Cut(strings.TrimSpace(line), " /")
		if !ok || method != strings.ToUpper(method) {
			continue
		}
		path = regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(path, "shop")
		if status, text := ask(t, c, method, base+"/"+path); status != http.StatusUnauthorized {
			t.Errorf("%s /%s answers who proves nothing with %d %s", method, path, status, text)
		}
		asked++
	}
	if asked < 4 {
		t.Errorf("there are %d endpoints only:\n%s", asked, list)
	}
}

// ask sends a request with an empty object.
func ask(t *testing.T, c *http.Client, method, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func awaitStatus(t *testing.T, c *http.Client, base string, want int) {
	t.Helper()
	var last string
	err := wait.PollUntilContextTimeout(t.Context(), 10*time.Millisecond, time.Minute, true, func(context.Context) (bool, error) {
		status, _, text, err := post(t, c, base, "shop", "")
		last = fmt.Sprint(status, text, err)
		return err == nil && status == want, nil
	})
	if err != nil {
		t.Fatalf("%v: %s", err, last)
	}
}

// TestOpenToOthers: a server that others can reach does not start before somebody
// has said who may ask.
func TestOpenToOthers(t *testing.T) {
	o := options()
	o.Dir, o.Config.HTTP.BindAddress = t.TempDir(), "0.0.0.0:0"
	err := operator.Run(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), "http.bindAddress 0.0.0.0:0 can be reached by others") {
		t.Errorf("Run: %v", err)
	}
	o.Config.Callers.APIKeys = []configv1alpha1.APIKeyCaller{{ID: "a", KeyFile: "/nowhere/key"}}
	if err := operator.Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "callers.apiKeys[0].keyFile: /nowhere/key: no such file") {
		t.Errorf("Run: %v", err)
	}
}
