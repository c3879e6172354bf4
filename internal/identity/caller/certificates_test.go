// SPDX-License-Identifier: Apache-2.0

package caller_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/testkit/pki"
)

// shows is a connection with a certificate that was verified when it began. What
// goes over a real one is shown in the operator's tests; here a handshake is what
// crypto/x509 says of it.
func (r *rig) shows(t *testing.T, a *pki.Authority, template *x509.Certificate) door.Credentials {
	t.Helper()
	chains, err := a.Issue(template).Leaf.Verify(x509.VerifyOptions{Roots: r.ClientCAs(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	if err != nil {
		t.Fatal(err)
	}
	return door.Credentials{TLS: &tls.ConnectionState{VerifiedChains: chains, PeerCertificates: chains[0]}}
}

func certificatesOf(file string, allow ...configv1alpha1.CertificateCaller) configv1alpha1.Callers {
	return configv1alpha1.Callers{ClientCertificates: &configv1alpha1.ClientCertificateCallers{CAFile: file, Allow: allow}}
}

func TestNamesInCertificates(t *testing.T) {
	a := pki.New(t)
	const spiffe = "spiffe://cluster.local/ns/shop/sa/checkout"
	r := newRig(t, certificatesOf(write(t, "ca.crt", a.PEM()),
		configv1alpha1.CertificateCaller{CommonName: "checkout", CallerGrant: checksIn("shop")},
		configv1alpha1.CertificateCaller{DNSName: "checkout.shop.svc", CallerGrant: checksIn("shop")},
		configv1alpha1.CertificateCaller{URI: spiffe, CallerGrant: checksIn("shop")},
		configv1alpha1.CertificateCaller{CommonName: "office", CallerGrant: checksIn("office")},
		configv1alpha1.CertificateCaller{CommonName: "both", CallerGrant: checksIn("office")},
		configv1alpha1.CertificateCaller{CommonName: "both", CallerGrant: checksIn("shop")},
	))
	id, err := url.Parse(spiffe)
	if err != nil {
		t.Fatal(err)
	}
	named := func(cn string) *x509.Certificate { return &x509.Certificate{Subject: pkix.Name{CommonName: cn}} }
	for name, tt := range map[string]struct {
		template *x509.Certificate
		caller   string // empty: 403
		says     string
	}{
		"a common name":                      {template: named("checkout"), caller: "checkout"},
		"a DNS name":                         {template: &x509.Certificate{DNSNames: []string{"x", "checkout.shop.svc"}}, caller: "checkout.shop.svc"},
		"a URI":                              {template: &x509.Certificate{URIs: []*url.URL{id}}, caller: spiffe},
		"two rules for one name":             {template: named("both"), caller: "both"},
		"two names, of which one may":        {template: &x509.Certificate{Subject: pkix.Name{CommonName: "office"}, DNSNames: []string{"checkout.shop.svc"}}, caller: "checkout.shop.svc"},
		"one that may elsewhere":             {template: named("office"), says: `the caller "office" may not`},
		"one of whom nothing is said":        {template: named("cart"), says: `the caller "cart" may not`},
		"a common name that is a DNS name's": {template: named("checkout.shop.svc"), says: `the caller "checkout.shop.svc"`},
		"a DNS name that is a common name's": {template: &x509.Certificate{DNSNames: []string{"checkout"}}, says: `the caller "checkout"`},
		"other letters":                      {template: named("Checkout"), says: `the caller "Checkout"`},
		"a wildcard":                         {template: &x509.Certificate{DNSNames: []string{"*.shop.svc"}}, says: `the caller "*.shop.svc"`},
		"no name":                            {template: &x509.Certificate{}, says: `the caller "" may not`},
	} {
		t.Run(name, func(t *testing.T) {
			c := r.shows(t, a, tt.template)
			if tt.caller == "" {
				r.refused(t, c, http.StatusForbidden, tt.says)
				return
			}
			r.admitted(t, c, tt.caller)
		})
	}
	if _, err := r.Admit(t.Context(), r.shows(t, a, named("checkout")), "shop", door.PermissionSearch); err == nil {
		t.Error("a right to check is one to search")
	}
	unverified := r.shows(t, a, named("checkout"))
	unverified.TLS.VerifiedChains = nil
	r.refused(t, unverified, http.StatusUnauthorized, "does not say who asks")
	r.refused(t, door.Credentials{TLS: &tls.ConnectionState{}}, http.StatusUnauthorized, "send a client certificate")
	header := r.shows(t, a, named("checkout"))
	header.Authorization = "Bearer of the user" // which no method here reads
	r.admitted(t, header, "checkout")
}

// TestCertificatesEnd also on a connection that was opened before.
func TestCertificatesEnd(t *testing.T) {
	a := pki.New(t)
	r := newRig(t, certificatesOf(write(t, "ca.crt", a.PEM()), configv1alpha1.CertificateCaller{CommonName: "x", CallerGrant: checksIn("shop")}))
	c := r.shows(t, a, &x509.Certificate{Subject: pkix.Name{CommonName: "x"}})
	r.admitted(t, c, "x")
	r.clock.advance(time.Hour - 5*time.Second)
	r.admitted(t, c, "x")
	r.clock.advance(10 * time.Second)
	r.refused(t, c, http.StatusUnauthorized, "has expired")
}

// TestAuthoritiesChange while the server runs. One that is taken out of the file
// counts no more, also for a connection that was opened before; and no file is no
// authority.
func TestAuthoritiesChange(t *testing.T) {
	first, second := pki.New(t), pki.New(t)
	path := write(t, "ca.crt", first.PEM())
	r := newRig(t, certificatesOf(path, configv1alpha1.CertificateCaller{CommonName: "x", CallerGrant: checksIn("shop")}))
	r.run(t)
	old := r.shows(t, first, &x509.Certificate{Subject: pkix.Name{CommonName: "x"}})
	r.admitted(t, old, "x")

	pool := r.ClientCAs()
	changed := func(text string) {
		t.Helper()
		pki.Replace(t, path, text)
		err := wait.PollUntilContextTimeout(t.Context(), 10*time.Millisecond, time.Minute, true, func(context.Context) (bool, error) {
			return r.ClientCAs() != pool, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		pool = r.ClientCAs()
	}
	changed(first.PEM() + second.PEM())
	r.admitted(t, old, "x")
	r.admitted(t, r.shows(t, second, &x509.Certificate{Subject: pkix.Name{CommonName: "x"}}), "x")
	changed(second.PEM())
	r.refused(t, old, http.StatusUnauthorized, "its authority is not trusted any more")
	fresh := r.shows(t, second, &x509.Certificate{Subject: pkix.Name{CommonName: "x"}})
	r.admitted(t, fresh, "x")
	changed("no PEM")
	r.refused(t, fresh, http.StatusUnauthorized, "not trusted any more")
	changed(second.PEM())
	r.admitted(t, fresh, "x")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	err := wait.PollUntilContextTimeout(t.Context(), 10*time.Millisecond, time.Minute, true, func(context.Context) (bool, error) {
		_, err := r.ask(t, fresh)
		return err != nil, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if log := r.logged(); !strings.Contains(log, "a file of callers cannot be used") || !strings.Contains(log, "good again") {
		t.Errorf("the log says nothing of it:\n%s", log)
	}
}

func TestBadAuthorities(t *testing.T) {
	allow := configv1alpha1.CertificateCaller{CommonName: "x", CallerGrant: checksIn("shop")}
	for path, want := range map[string]string{
		"/nowhere/ca.crt":              "callers.clientCertificates.caFile: /nowhere/ca.crt: no such file",
		write(t, "ca.crt", "x"):        "data does not contain any valid",
		write(t, "empty.crt", ""):      "data does not contain any valid",
		write(t, "key.pem", secretPEM): "data does not contain any valid",
	} {
		if _, err := tryRig(t, certificatesOf(path, allow)); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("error %v, want %q of %s", err, want, path)
		}
	}
}

const secretPEM = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
