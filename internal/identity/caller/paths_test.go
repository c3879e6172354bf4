// SPDX-License-Identifier: Apache-2.0

package caller_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/rest"

	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/identity/caller"
)

// prometheus reads metrics; it is not let in for what it asks.
const prometheus = "system:serviceaccount:monitoring:prometheus"

func newPathGate(t *testing.T) (*caller.PathGate, *rig) {
	t.Helper()
	r := newRig(t, serviceAccounts())
	g, err := caller.NewPathGate(caller.Options{Kube: &rest.Config{Host: r.api.url}, Now: r.clock.Now, Meter: r.meter, Logger: r.logger()})
	if err != nil {
		t.Fatal(err)
	}
	r.api.set(func() { r.api.allowed[prometheus+" get /metrics"] = true })
	return g, r
}

// reads asks for a path with the header's value.
func reads(t *testing.T, g *caller.PathGate, path, authorization string) (int, string) {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	err := g.Admit(req)
	if err == nil {
		return http.StatusOK, ""
	}
	return door.Answer(err)
}

// TestPathGate: a token for the API server itself, of whoever it is, and the right to
// get the path.
func TestPathGate(t *testing.T) {
	g, r := newPathGate(t)
	ended := map[string]any{"aud": "https://kubernetes", "exp": r.clock.Now().Add(-time.Second).Unix()}
	good := "Bearer " + r.tokenOf(prometheus, map[string]any{"aud": "https://kubernetes", "exp": r.clock.Now().Add(time.Hour).Unix()})
	r.api.set(func() { r.api.users["opaque"] = prometheus })
	for name, tt := range map[string]struct {
		path, authorization string
		status              int
		says                string
	}{
		"one with the right":         {"/metrics", good, http.StatusOK, ""},
		"a token that is no JWT":     {"/metrics", "Bearer opaque", http.StatusOK, ""},
		"another path":               {"/metrics/more", good, http.StatusForbidden, "nonResourceURL /metrics/more"},
		"somebody without the right": {"/metrics", ("Bearer " + r.tokenOf(checkout, map[string]any{"aud": "x"})), http.StatusForbidden, `"` + checkout + `" may not get the nonResourceURL /metrics; bind it a role with this right, such as the ClusterRole rolecall-metrics-reader`},
		"a token that nobody knows":  {"/metrics", "Bearer stranger", http.StatusUnauthorized, "does not accept the token"},
		"a token that has ended":     {"/metrics", ("Bearer " + r.tokenOf(prometheus, ended)), http.StatusUnauthorized, "expired"},
		"nothing":                    {"/metrics", "", http.StatusUnauthorized, "does not say who asks; send a token of the API server"},
		"a user and a password":      {"/metrics", "Basic YTpi", http.StatusUnauthorized, "send Authorization: Bearer"},
		"another scheme":             {"/metrics", "Digest x", http.StatusUnauthorized, "malformed"},
		"bytes that are no token's":  {"/metrics", "Bearer a b", http.StatusUnauthorized, "malformed"},
	} {
		if status, text := reads(t, g, tt.path, tt.authorization); status != tt.status || !strings.Contains(text, tt.says) {
			t.Errorf("%s: %d %q, want %d with %q", name, status, text, tt.status, tt.says)
		}
	}
}

// TestPathGateRemembers: a reader is not reviewed at each look, loses the right soon
// after it is taken away, and goes on while the API server is away.
func TestPathGateRemembers(t *testing.T) {
	g, r := newPathGate(t)
	token := "Bearer " + r.tokenOf(prometheus, map[string]any{"aud": "x"})
	want := func(status int) {
		t.Helper()
		if got, text := reads(t, g, "/metrics", token); got != status {
			t.Errorf("%d %q, want %d", got, text, status)
		}
	}
	want(http.StatusOK)
	want(http.StatusOK)
	if diff := cmp.Diff([]string{"token", prometheus + " get /metrics"}, r.api.reviews()); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
	r.api.set(func() { r.api.broken = http.StatusInternalServerError })
	r.clock.advance(time.Minute)
	want(http.StatusOK)
	r.clock.advance(15 * time.Minute)
	want(http.StatusServiceUnavailable)
	r.api.set(func() { r.api.broken = 0 })
	want(http.StatusOK)
	r.mayNot()
	r.clock.advance(11 * time.Second)
	want(http.StatusForbidden)
}
