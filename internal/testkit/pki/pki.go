// SPDX-License-Identifier: Apache-2.0

// Package pki makes authorities and certificates for tests, and clients and files
// with them.
package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Validity is how long a certificate is valid whose template does not say it.
const Validity = time.Hour

// Authority issues certificates.
type Authority struct {
	tb          testing.TB
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// New returns an authority that nobody knows yet.
func New(tb testing.TB) *Authority {
	tb.Helper()
	a := &Authority{tb: tb}
	c := a.Issue(&x509.Certificate{
		Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true, NotAfter: time.Now().Add(24 * Validity),
	})
	a.certificate = c.Leaf
	a.key, _ = c.PrivateKey.(*ecdsa.PrivateKey)
	return a
}

// Issue fills in a template and signs it, for clients and for servers.
func (a *Authority) Issue(template *x509.Certificate) tls.Certificate {
	a.tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.tb.Fatal(err)
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}
	if template.NotAfter.IsZero() {
		template.NotAfter = time.Now().Add(Validity)
	}
	parent, signer := a.certificate, a.key
	if parent == nil { // the authority's own
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		a.tb.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		a.tb.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// Named issues a certificate with a common name, as of a client.
func (a *Authority) Named(name string) *tls.Certificate {
	a.tb.Helper()
	c := a.Issue(&x509.Certificate{Subject: pkix.Name{CommonName: name}})
	return &c
}

// Server issues the certificate of a server on this machine.
func (a *Authority) Server(name string) *tls.Certificate {
	a.tb.Helper()
	c := a.Issue(&x509.Certificate{
		Subject: pkix.Name{CommonName: name}, DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	})
	return &c
}

// PEM is the authority's own certificate.
func (a *Authority) PEM() string {
	return encode("CERTIFICATE", a.certificate.Raw)
}

func encode(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// Files writes a certificate and its key to the files tls.crt and tls.key of a
// folder, and returns their paths. The key comes first, so that who watches the
// files never sees a new certificate with an old key.
func (a *Authority) Files(dir string, c *tls.Certificate) (certFile, keyFile string) {
	a.tb.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		a.tb.Fatal(err)
	}
	certFile, keyFile = filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	Replace(a.tb, keyFile, encode("PRIVATE KEY", der))
	Replace(a.tb, certFile, encode("CERTIFICATE", c.Certificate[0]))
	return certFile, keyFile
}

// Replace puts a text in a file at one go.
func Replace(tb testing.TB, path, text string) {
	tb.Helper()
	if err := os.WriteFile(path+".next", []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
	if err := os.Rename(path+".next", path); err != nil {
		tb.Fatal(err)
	}
}

// TLS trusts the authority and shows a certificate, if there is one.
func (a *Authority) TLS(c *tls.Certificate) *tls.Config {
	roots := x509.NewCertPool()
	roots.AddCert(a.certificate)
	config := &tls.Config{RootCAs: roots}
	if c != nil {
		// Whatever authorities the server names: a bad certificate is to be shown too.
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return c, nil }
	}
	return config
}

// Client returns a client with that, until the test ends.
func (a *Authority) Client(c *tls.Certificate) *http.Client {
	transport := &http.Transport{TLSClientConfig: a.TLS(c), ForceAttemptHTTP2: true}
	a.tb.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}
