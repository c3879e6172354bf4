// SPDX-License-Identifier: Apache-2.0

package caller_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"net/http"
	"testing"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/testkit/issuer"
	"github.com/rolecall/rolecall/internal/testkit/pki"
)

// TestCertificatesOnly: whatever other methods there are, they count neither alone
// nor beside a certificate, and the API server is asked nothing.
func TestCertificatesOnly(t *testing.T) {
	a := pki.New(t)
	callers := everyMethod(t, issuer.Start(t))
	callers.ClientCertificates = certificatesOf(write(t, "ca.crt", a.PEM()),
		configv1alpha1.CertificateCaller{CommonName: "kube-apiserver", CallerGrant: checksIn("shop")},
		configv1alpha1.CertificateCaller{CommonName: "office", CallerGrant: checksIn("office")},
	).ClientCertificates
	r := newRig(t, callers)
	r.may("checks", "shop")
	gate := r.CertificatesOnly()
	shows := func(name string) door.Credentials {
		return r.shows(t, a, &x509.Certificate{Subject: pkix.Name{CommonName: name}})
	}
	if got, err := gate.Admit(t.Context(), shows("kube-apiserver"), "shop", door.PermissionCheck); err != nil || got.Name != "kube-apiserver" {
		t.Errorf("admitted as %q, error %v", got.Name, err)
	}
	account, both, keyToo := bearer(r.tokenOf(checkout, r.claims())), shows("kube-apiserver"), shows("kube-apiserver")
	both.Authorization, keyToo.APIKey = account.Authorization, key
	unverified := shows("kube-apiserver")
	unverified.TLS.VerifiedChains = nil
	for name, tt := range map[string]struct {
		show   door.Credentials
		status int
		says   string
	}{
		"nothing":                        {door.Credentials{}, http.StatusUnauthorized, "by their client certificate alone; connect with one"},
		"a service account":              {account, http.StatusUnauthorized, "send neither Authorization nor X-API-Key"},
		"a key":                          {door.Credentials{APIKey: key}, http.StatusUnauthorized, "send neither"},
		"a service account beside it":    {both, http.StatusUnauthorized, "send neither"},
		"a key beside it":                {keyToo, http.StatusUnauthorized, "send neither"},
		"a certificate nobody verified":  {unverified, http.StatusUnauthorized, "connect with one"},
		"a certificate for another name": {shows("office"), http.StatusForbidden, `the caller "office" may not`},
	} {
		got, err := gate.Admit(t.Context(), tt.show, "shop", door.PermissionCheck)
		t.Log(name)
		check(t, got, err, tt.status, tt.says)
	}
	r.api.mu.Lock()
	defer r.api.mu.Unlock()
	if len(r.api.asked) > 0 {
		t.Errorf("the API server is asked %q", r.api.asked)
	}
}

func TestCertificatesOnlyWithoutAny(t *testing.T) {
	r := newRig(t, configv1alpha1.Callers{ServiceAccounts: &configv1alpha1.ServiceAccountCallers{}})
	got, err := r.CertificatesOnly().Admit(t.Context(), bearer(r.tokenOf(checkout, r.claims())), "shop", door.PermissionCheck)
	check(t, got, err, http.StatusUnauthorized, "set callers.clientCertificates")
	open := newRig(t, configv1alpha1.Callers{Anonymous: configv1alpha1.AnonymousAllow})
	if got, err := open.CertificatesOnly().Admit(t.Context(), bearer("x"), "shop", door.PermissionCheck); err != nil || got != (door.Caller{}) {
		t.Errorf("a server for everyone: admitted as %v, error %v", got, err)
	}
}
