// SPDX-License-Identifier: Apache-2.0

//go:build !race

// The race detector makes pools forget what they hold.

package caller_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"testing"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/testkit/issuer"
	"github.com/rolecall/rolecall/internal/testkit/pki"
)

// TestAllocations: a caller that is known costs no memory, by whatever method but
// the certificate's, whose names are read out of it.
func TestAllocations(t *testing.T) {
	i, a := issuer.Start(t), pki.New(t)
	c := everyMethod(t, i)
	c.ClientCertificates.CAFile = write(t, "ca.crt", a.PEM())
	r := newRig(t, c)
	r.may("checks", "shop")
	for name, tt := range map[string]struct {
		credentials door.Credentials
		want        float64
	}{
		"a service account": {bearer(r.tokenOf(checkout, r.claims())), 0},
		"a JWT":             {bearer(i.Sign(t, r.jwt(i, nil))), 0},
		"an API key":        {bearer(key), 0},
		"a certificate":     {r.shows(t, a, &x509.Certificate{Subject: pkix.Name{CommonName: "x"}}), 1},
	} {
		got := testing.AllocsPerRun(200, func() {
			if _, err := r.Admit(t.Context(), tt.credentials, "shop", door.PermissionCheck); err != nil {
				t.Fatal(err)
			}
		})
		if got != tt.want {
			t.Errorf("%s: %v allocations, want %v", name, got, tt.want)
		}
	}
}

// BenchmarkAdmit lets the same caller in again and again, on all cores.
func BenchmarkAdmit(b *testing.B) {
	for _, size := range []int{0, 900} { // of claims beyond the usual ones
		b.Run(fmt.Sprintf("serviceaccount/claims=%d", size), func(b *testing.B) {
			r := newRig(b, configv1alpha1.Callers{ServiceAccounts: &configv1alpha1.ServiceAccountCallers{}})
			r.may("checks", "shop")
			claims := r.claims()
			claims["more"] = fmt.Sprintf("%*s", size, "")
			token := bearer(r.tokenOf(checkout, claims))
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := r.Admit(b.Context(), token, "shop", door.PermissionCheck); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}
