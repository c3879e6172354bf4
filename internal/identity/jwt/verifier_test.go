// SPDX-License-Identifier: Apache-2.0

package jwt_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apimachinery/pkg/util/wait"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/identity/jwt"
	"github.com/rolecall/rolecall/internal/testkit/issuer"
	"github.com/rolecall/rolecall/internal/testkit/logs"
)

const (
	audience = "shop"
	leeway   = 10 * time.Second
)

// clock is a clock that stands still until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// rig is a verifier of one issuer.
type rig struct {
	*clock
	issuer   *issuer.Issuer
	verifier *jwt.Verifier
}

func newRig(tb testing.TB, change ...func(*configv1alpha1.Issuer)) *rig {
	tb.Helper()
	r := &rig{clock: newClock(), issuer: issuer.Start(tb)}
	r.verifier = r.verify(tb, r.issuer, change...)
	return r
}

// verify returns a verifier of an issuer.
func (r *rig) verify(tb testing.TB, i *issuer.Issuer, change ...func(*configv1alpha1.Issuer)) *jwt.Verifier {
	tb.Helper()
	c := configv1alpha1.Issuer{URL: i.Name, Audiences: []string{audience}, CertificateAuthority: i.CertificateAuthority()}
	for _, f := range change {
		f(&c)
	}
	v, err := newVerifier(tb, r.Now, c)
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

func newVerifier(tb testing.TB, now func() time.Time, issuers ...configv1alpha1.Issuer) (*jwt.Verifier, error) {
	tb.Helper()
	for i := range issuers {
		config.DefaultIssuer(&issuers[i])
		if faults := config.ValidateIssuer(field.NewPath("issuer"), &issuers[i]); len(faults) > 0 {
			return nil, faults.ToAggregate()
		}
	}
	return jwt.New(jwt.Options{
		Issuers: issuers, Path: func(int) *field.Path { return field.NewPath("issuer") }, Now: now, Logger: logs.New(tb),
	})
}

// claims are those of a good token, with changes; nil takes a claim out.
func (r *rig) claims(changes map[string]any) map[string]any {
	all := map[string]any{
		"sub": "user-1", "aud": audience, "exp": r.Now().Add(5 * time.Minute).Unix(),
		"iat": r.Now().Unix(), "nbf": r.Now().Unix(),
	}
	for name, value := range changes {
		if all[name] = value; value == nil {
			delete(all, name)
		}
	}
	return all
}

func (r *rig) token(tb testing.TB, changes map[string]any) string {
	tb.Helper()
	return r.issuer.Sign(tb, r.claims(changes))
}

// good makes sure that a token is taken.
func (r *rig) good(tb testing.TB, token string) *jwt.Token {
	tb.Helper()
	got, err := r.verifier.Verify(tb.Context(), token)
	if err != nil {
		tb.Fatalf("a good token is refused: %v", err)
	}
	return got
}

// refused makes sure that a token is refused with a status and a message, which
// holds nothing of the token.
func (r *rig) refused(tb testing.TB, token string, status int, want string) {
	tb.Helper()
	_, err := r.verifier.Verify(tb.Context(), token)
	fault, ok := errors.AsType[*door.Error](err)
	if !ok || fault.Status != status || !strings.Contains(fault.Message, want) {
		tb.Fatalf("error %v, want %d with %q", err, status, want)
	}
	if wants := status == http.StatusUnauthorized; (fault.Challenge == jwt.Challenge) != wants {
		tb.Errorf("challenge %q with the status %d", fault.Challenge, status)
	}
	for part := range strings.SplitSeq(token, ".") {
		if len(part) > 8 && strings.Contains(err.Error(), part) {
			tb.Errorf("error %q holds a part of the token", err)
		}
	}
}

func TestVerify(t *testing.T) {
	r := newRig(t)
	got := r.good(t, r.token(t, map[string]any{"deep": map[string]any{"list": []any{1, "a", nil}}}))
	now := r.Now()
	if got.Issuer != r.issuer.Name || got.Index != 0 || !got.IssuedAt.Equal(now) || !got.ExpiresAt.Equal(now.Add(5*time.Minute)) {
		t.Errorf("token %+v", got)
	}
	want := map[string]any{
		"iss": r.issuer.Name, "sub": "user-1", "aud": audience, "exp": float64(got.ExpiresAt.Unix()),
		"iat": float64(now.Unix()), "nbf": float64(now.Unix()), "deep": map[string]any{"list": []any{1.0, "a", nil}},
	}
	if diff := cmp.Diff(want, got.Claims); diff != "" {
		t.Errorf("claims (-want +got):\n%s", diff)
	}
}

func TestGoodTokens(t *testing.T) {
	tests := map[string]func(t *testing.T, r *rig) string{
		"an audience among others": func(t *testing.T, r *rig) string { return r.token(t, map[string]any{"aud": []any{"other", audience}}) },
		"without iat and nbf":      func(t *testing.T, r *rig) string { return r.token(t, map[string]any{"iat": nil, "nbf": nil}) },
		"the last second, with the leeway": func(t *testing.T, r *rig) string {
			return r.token(t, map[string]any{"exp": r.Now().Add(1 - leeway).Add(time.Second).Unix()})
		},
		"a clock that is ahead by the leeway": func(t *testing.T, r *rig) string {
			at := r.Now().Add(leeway).Unix()
			return r.token(t, map[string]any{"iat": at, "nbf": at})
		},
		"a part of a second": func(t *testing.T, r *rig) string {
			return r.token(t, map[string]any{"exp": float64(r.Now().Unix()) + 0.5})
		},
		"signed with RSA":        func(t *testing.T, r *rig) string { r.issuer.Rotate(t, "RS256"); return r.token(t, nil) },
		"signed with Ed25519":    func(t *testing.T, r *rig) string { r.issuer.Rotate(t, "EdDSA"); return r.token(t, nil) },
		"without typ":            func(t *testing.T, r *rig) string { return r.header(t, map[string]any{"typ": nil}) },
		"a typ in small letters": func(t *testing.T, r *rig) string { return r.header(t, map[string]any{"typ": "application/jwt"}) },
		"without kid":            func(t *testing.T, r *rig) string { return r.header(t, map[string]any{"kid": nil}) },
		"without kid, among several keys": func(t *testing.T, r *rig) string {
			r.issuer.Rotate(t, "RS256")
			r.issuer.Rotate(t, "ES256")
			return r.header(t, map[string]any{"kid": nil})
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.good(t, tt(t, r))
		})
	}
}

// header returns a token whose header is changed.
func (r *rig) header(tb testing.TB, changes map[string]any) string {
	tb.Helper()
	key := r.issuer.Key()
	header := map[string]any{"alg": key.Algorithm, "kid": key.ID, "typ": "JWT"}
	for name, value := range changes {
		if header[name] = value; value == nil {
			delete(header, name)
		}
	}
	claims := r.claims(map[string]any{"iss": r.issuer.Name})
	return key.SignWith(tb, header, claims)
}

// TestTypes: access tokens count where they are meant, and nothing else does
// there.
func TestTypes(t *testing.T) {
	r := newRig(t, func(c *configv1alpha1.Issuer) { c.Types = []string{"at+jwt"} })
	r.good(t, r.header(t, map[string]any{"typ": "at+JWT"}))
	r.good(t, r.header(t, map[string]any{"typ": "application/at+jwt"}))
	r.refused(t, r.header(t, nil), http.StatusUnauthorized, "is not of a type that counts here")
	r.refused(t, r.header(t, map[string]any{"typ": nil}), http.StatusUnauthorized, "is not of a type that counts here")
}

// TestIssuers: each issuer's tokens count by its own keys and audiences, whatever
// it calls itself.
func TestIssuers(t *testing.T) {
	r := newRig(t)
	other := issuer.Start(t)
	other.Name = "stytch.com/project-test-1"
	v, err := newVerifier(
		t,
		r.Now,
		configv1alpha1.Issuer{URL: r.issuer.Name, Audiences: []string{audience}, CertificateAuthority: r.issuer.CertificateAuthority()},
		configv1alpha1.Issuer{URL: other.Name, Audiences: []string{"b", "c"}, JWKSURL: other.JWKSURL(), CertificateAuthority: other.CertificateAuthority()},
	)
	if err != nil {
		t.Fatal(err)
	}
	r.verifier = v
	if got := r.good(t, other.Sign(t, r.claims(map[string]any{"aud": "c"}))); got.Index != 1 || got.Issuer != other.Name {
		t.Errorf("token %+v, want one of the second issuer", got)
	}
	r.good(t, r.token(t, nil))
	r.refused(t, other.Sign(t, r.claims(nil)), http.StatusUnauthorized, "another audience")
	r.refused(t, other.Sign(t, r.claims(map[string]any{"iss": r.issuer.Name})), http.StatusUnauthorized, "signature that is not good")
	if keys, err := v.Keys(t.Context()); err != nil || len(keys) != 2 || strings.Contains(string(keys[0])+string(keys[1]), `"d":`) {
		t.Errorf("keys %s, want the two public ones", keys)
	}
}

// TestKeysInTheConfiguration: nothing is fetched, and nothing grows old.
func TestKeysInTheConfiguration(t *testing.T) {
	r := newRig(t)
	r.verifier = r.verify(t, r.issuer, func(c *configv1alpha1.Issuer) { c.JWKS = r.issuer.KeySet(t) })
	r.issuer.SetDown(true)
	r.verifier.Refresh(t.Context())
	r.advance(10_000 * time.Hour)
	r.good(t, r.token(t, nil))
	r.issuer.Rotate(t, "ES256")
	r.refused(t, r.token(t, nil), http.StatusUnauthorized, "not signed by a key that its issuer publishes")
	if n := r.issuer.Fetches(); n != 0 {
		t.Errorf("fetched %d times, want never", n)
	}
}

func TestBadConfiguration(t *testing.T) {
	for text, want := range map[string]string{
		`{`: "not a JSON Web Key Set", `{"keys":[]}`: "no public key", `{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}`: "no public key",
	} {
		_, err := newVerifier(t, time.Now, configv1alpha1.Issuer{URL: "a", Audiences: []string{"b"}, JWKS: text})
		if err == nil || !strings.Contains(err.Error(), "issuer.jwks") || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "c2VjcmV0") {
			t.Errorf("error %v, want one of issuer.jwks with %q", err, want)
		}
	}
}

// TestRunEndsWithItsContext, having fetched the keys beforehand.
func TestRunEndsWithItsContext(t *testing.T) {
	r := newRig(t)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.verifier.Run(ctx) }()
	err := wait.PollUntilContextTimeout(ctx, time.Millisecond, 30*time.Second, true, func(context.Context) (bool, error) {
		return r.issuer.Fetches() > 0, nil
	})
	if err != nil {
		t.Errorf("no keys: %v", err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
