// SPDX-License-Identifier: Apache-2.0

package authzen_test

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-logr/logr"

	"github.com/rolecall/rolecall/internal/testkit"
	"github.com/rolecall/rolecall/internal/testkit/issuer"
)

// keysVariable holds the key set whose tokens the server of a benchmark trusts.
const keysVariable = "ROLECALL_TEST_KEYS"

// BenchmarkSessions compares a check that carries a session token, which is
// verified each time, with the same check of a subject that is named, and with the
// verification of the token's signature alone. Each server is a process of its
// own, and they are asked in turn.
func BenchmarkSessions(b *testing.B) {
	for _, algorithm := range []string{"RS256", "ES256", "EdDSA"} {
		b.Run(algorithm, func(b *testing.B) {
			i := issuer.Start(b)
			i.Rotate(b, algorithm)
			i.Retire()
			token := i.Key().Sign(b, issuer.Claims(testkit.Now(), map[string]any{
				"iss": "bench", "sub": "alice", "org": "tenant-17", "roles": []any{"a", "b"}, "email": "a@b.c", "email_verified": true,
			}))
			carrying := strings.Replace(question, `{"type":"user","id":"alice"}`, with(token, ""), 1)
			keys := keysVariable + "=" + i.KeySet(b)
			named, proven := begin(b, "sessions", question, 1, keys), begin(b, "sessions", carrying, 1, keys)
			var signatures int
			var spent time.Duration
			for b.Loop() {
				named.ask(b)
				proven.ask(b)
				before := ownCPU(b)
				for range 100 {
					if !i.Key().Signed(token) {
						b.Fatal("a good signature is refused")
					}
				}
				spent, signatures = spent+ownCPU(b)-before, signatures+100
			}
			alone := spent.Seconds() / float64(signatures)
			b.ReportMetric(proven.perSecond()/named.perSecond(), "requests/s-ratio")
			b.ReportMetric(proven.cpuEach(b)/named.cpuEach(b), "cpu-ratio")
			b.ReportMetric((proven.cpuEach(b)-named.cpuEach(b))/alone, "verification-ratio")
			b.ReportMetric(alone*1e6, "µs-cpu/signature")
			b.ReportMetric(proven.cpuEach(b)*1e6, "µs-cpu/request")
		})
	}
}

// beSessions starts the server of BenchmarkSessions.
func beSessions(t *testing.T) string {
	t.Helper()
	r := serve(t, policyOf(t, certification))
	r.sessions.Store(issuer.Sessions(t, func() time.Time { return r.now }, logr.Discard(), fmt.Sprintf(
		"[{namespace: %s, jwt: [{issuer: {url: bench, audiences: [%s], jwks: %q}, %s}]}]",
		testkit.Namespace, issuer.Audience, os.Getenv(keysVariable), sessionMappings)))
	return strings.TrimPrefix(r.url, "http://")
}

// ownCPU returns the CPU time that this process has used.
func ownCPU(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
