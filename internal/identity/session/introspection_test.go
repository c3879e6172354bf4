// SPDX-License-Identifier: Apache-2.0

package session_test

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/identity/jwt"
	"github.com/rolecall/rolecall/internal/testkit/issuer"
	"github.com/rolecall/rolecall/internal/testkit/logs"
)

const opaque = "opaque-token-1"

func TestOpaqueTokens(t *testing.T) {
	r := asking(t, `claimMappings: {id: {claim: username, prefix: "u:"}, roles: {expression: 'claims.scope.split(" ")'}}`)
	at := r.Now()
	r.issuer.Know(opaque, map[string]any{
		"username": "alice", "scope": "editor viewer", "exp": at.Add(time.Minute).Unix(), "iat": at.Unix(), "iss": r.issuer.Name, "client_id": "web",
	})
	got, err := r.sessions.Opaque(t.Context(), namespace, opaque)
	if err != nil {
		t.Fatal(err)
	}
	want := authz.Subject{Type: "user", ID: "u:alice", Roles: []string{"editor", "viewer"}}
	if diff := cmp.Diff(want, got.Subject); diff != "" {
		t.Errorf("subject (-want +got):\n%s", diff)
	}
	if got.Issuer != r.issuer.Name || !got.IssuedAt.Equal(at) || !got.ExpiresAt.Equal(at.Add(time.Minute)) || got.Claims["client_id"] != "web" {
		t.Errorf("session %+v", got)
	}
}

// TestRevocationHoldsAtOnce: every token is asked about every time.
func TestRevocationHoldsAtOnce(t *testing.T) {
	r := asking(t, "")
	r.issuer.Know(opaque, map[string]any{"sub": "alice"})
	for n := 1; n <= 5; n++ {
		if _, err := r.sessions.Opaque(t.Context(), namespace, opaque); err != nil || r.issuer.Asked() != n {
			t.Fatalf("asked %d times, error %v; want %d times", r.issuer.Asked(), err, n)
		}
	}
	r.issuer.Revoke(opaque)
	_, err := r.sessions.Opaque(t.Context(), namespace, opaque)
	refused(t, err, http.StatusUnauthorized, "is not active")
}

func TestOpaqueTokensThatAreRefused(t *testing.T) {
	r := asking(t, `issuer: "https://a.example", audiences: [shop, office]`)
	at := func(d time.Duration) int64 { return r.Now().Add(d).Unix() }
	good := map[string]any{"sub": "alice", "iss": "https://a.example", "aud": "office"}
	tests := map[string]struct {
		token   string
		changes map[string]any
		want    string
	}{
		"an unknown one":                {"unknown", nil, "is not active"},
		"an empty one":                  {"", nil, "is empty"},
		"a huge one":                    {strings.Repeat("x", jwt.MaxBytes+1), nil, "longer than 16 KiB"},
		"one that has expired":          {opaque, map[string]any{"exp": at(-time.Minute)}, "has expired"},
		"one that is not yet valid":     {opaque, map[string]any{"nbf": at(time.Minute)}, "is not valid yet"},
		"one of the future":             {opaque, map[string]any{"iat": at(time.Minute)}, "is not valid yet"},
		"one that ends in words":        {opaque, map[string]any{"exp": "tomorrow"}, "exp must be a number"},
		"one of another issuer":         {opaque, map[string]any{"iss": "https://b.example"}, "issuer that is not trusted"},
		"one of no issuer":              {opaque, map[string]any{"iss": nil}, "issuer that is not trusted"},
		"one for another audience":      {opaque, map[string]any{"aud": "other"}, "another audience"},
		"one for no audience":           {opaque, map[string]any{"aud": nil}, "aud must be"},
		"one of nobody":                 {opaque, map[string]any{"sub": nil}, `claim "sub"`},
		"one of everybody":              {opaque, map[string]any{"sub": "*"}, "must not be the wildcard"},
		"one that was once active":      {opaque, map[string]any{"active": false}, "is not active"},
		"one that cannot be in a form":  {"a&token=" + opaque, nil, "is not active"},
		"one that cannot be in a form ": {"%00\n", nil, "is not active"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			answer := maps.Clone(good)
			maps.Copy(answer, tt.changes)
			r.issuer.Know(opaque, answer)
			_, err := r.sessions.Opaque(t.Context(), namespace, tt.token)
			refused(t, err, http.StatusUnauthorized, tt.want)
		})
	}
	r.issuer.Know(opaque, good)
	if _, err := r.sessions.Opaque(t.Context(), namespace, opaque); err != nil {
		t.Errorf("a good token: %v", err)
	}
}

// TestEndpointsThatDoNotAnswer are no reason to call a token invalid.
func TestEndpointsThatDoNotAnswer(t *testing.T) {
	answers := map[string]http.HandlerFunc{
		"an error":           func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"another secret":     func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) },
		"nothing":            func(http.ResponseWriter, *http.Request) {},
		"null":               says(`null`),
		"no JSON":            says(`active=true`),
		"a list":             says(`[{"active":true,"sub":"a"}]`),
		"active in words":    says(`{"active":"true","sub":"a"}`),
		"active twice":       says(`{"active":false,"active":true,"sub":"a"}`),
		"not active nor not": says(`{"sub":"a"}`),
		"too much":           says(`{"active":true,"sub":"` + strings.Repeat("a", 1<<20) + `"}`),
		"a redirection": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://evil.example", http.StatusTemporaryRedirect)
		},
		"half an answer": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"active":true`)
		},
		"a broken connection": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"never":               func(_ http.ResponseWriter, r *http.Request) { _ = r.ParseForm(); <-r.Context().Done() },
	}
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			s := askingAt(t, answer, "timeout: 200ms")
			_, err := s.Opaque(t.Context(), namespace, opaque)
			refused(t, err, http.StatusServiceUnavailable, "introspection endpoint is out of reach")
		})
	}
	t.Run("no secret", func(t *testing.T) {
		r := newRig(t)
		s := issuer.Sessions(t, r.Now, logs.New(t), fmt.Sprintf(
			"[{namespace: shop, introspection: {url: %q, clientID: a, clientSecretFile: %q}}]", r.issuer.IntrospectionURL(), "/nowhere"))
		_, err := s.Opaque(t.Context(), namespace, opaque)
		refused(t, err, http.StatusServiceUnavailable, "out of reach")
	})
}

func says(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }
}

// TestASecretIsReadEveryTime, so that it can be renewed.
func TestASecretIsReadEveryTime(t *testing.T) {
	r := newRig(t)
	file := filepath.Join(t.TempDir(), "secret")
	save := func(secret string) {
		if err := os.WriteFile(file, []byte(secret), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := issuer.Sessions(t, r.Now, logs.New(t), fmt.Sprintf(
		"[{namespace: shop, introspection: {url: %q, clientID: %q, clientSecretFile: %q, certificateAuthority: %q}}]",
		r.issuer.IntrospectionURL(), issuer.ClientID, file, r.issuer.CertificateAuthority()))
	r.issuer.Know(opaque, map[string]any{"sub": "alice"})
	save("old")
	_, err := s.Opaque(t.Context(), namespace, opaque)
	refused(t, err, http.StatusServiceUnavailable, "out of reach")
	save("  " + issuer.ClientSecret + "\r\n")
	if _, err := s.Opaque(t.Context(), namespace, opaque); err != nil {
		t.Errorf("with the new secret: %v", err)
	}
}

// TestNotTooManyAreAskedAboutAtOnce: the others wait for their turn, and not
// for ever.
func TestNotTooManyAreAskedAboutAtOnce(t *testing.T) {
	r := asking(t, "maxConcurrent: 3, timeout: 10s")
	r.issuer.Know(opaque, map[string]any{"sub": "alice"})
	release := r.issuer.Hold()
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := r.sessions.Opaque(t.Context(), namespace, opaque); err != nil {
				t.Error(err)
			}
		})
	}
	err := wait.PollUntilContextCancel(t.Context(), time.Millisecond, true, r.inside(3))
	release()
	all.Wait()
	if _, most := r.issuer.Inside(); err != nil || most != 3 {
		t.Errorf("%d were asked about at once, error %v; want 3", most, err)
	}
}

func TestATurnThatNeverComes(t *testing.T) {
	r := asking(t, "maxConcurrent: 1, timeout: 500ms")
	r.issuer.Know(opaque, map[string]any{"sub": "alice"})
	release := r.issuer.Hold()
	defer release()
	first := make(chan error, 1)
	go func() {
		_, err := r.sessions.Opaque(t.Context(), namespace, opaque)
		first <- err
	}()
	if err := wait.PollUntilContextCancel(t.Context(), time.Millisecond, true, r.inside(1)); err != nil {
		t.Fatal(err)
	}
	second := make(chan error, 1)
	go func() {
		_, err := r.sessions.Opaque(t.Context(), namespace, opaque)
		second <- err
	}()
	refused(t, <-first, http.StatusServiceUnavailable, "out of reach")
	if err := <-second; err == nil {
		t.Error("an answer came of an endpoint that keeps it")
	}
}
