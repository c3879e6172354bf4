// SPDX-License-Identifier: Apache-2.0

package jwt_test

import (
	"syscall"
	"testing"
	"time"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
)

// BenchmarkVerify verifies a token by keys in the configuration, and in turn its
// signature alone by the standard library. The ratio is of CPU time.
func BenchmarkVerify(b *testing.B) {
	for _, algorithm := range []string{"RS256", "ES256", "EdDSA"} {
		b.Run(algorithm, func(b *testing.B) {
			r := newRig(b)
			r.issuer.Rotate(b, algorithm)
			r.verifier = r.verify(b, r.issuer, func(c *configv1alpha1.Issuer) { c.JWKS = r.issuer.KeySet(b) })
			token := r.token(b, map[string]any{"org": "acme", "roles": []any{"a", "b"}, "email": "a@b.c", "email_verified": true})
			whole := func() bool { _, err := r.verifier.Verify(b.Context(), token); return err == nil }
			alone := func() bool { return r.issuer.Key().Signed(token) }
			var spent [2]time.Duration
			for b.Loop() {
				for i, verify := range []func() bool{whole, alone} {
					before := cpu(b)
					for range 100 {
						if !verify() {
							b.Fatal("a good token is refused")
						}
					}
					spent[i] += cpu(b) - before
				}
			}
			b.ReportMetric(spent[0].Seconds()/spent[1].Seconds(), "signature-ratio")
			b.ReportMetric(float64(spent[0].Microseconds())/float64(100*b.N), "µs-cpu/token")
		})
	}
}

// cpu returns the CPU time that this process has used.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
