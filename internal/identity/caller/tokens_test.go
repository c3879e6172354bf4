// SPDX-License-Identifier: Apache-2.0

package caller_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/testkit/issuer"
)

func TestScopes(t *testing.T) {
	i := issuer.Start(t)
	r := newRig(t, configv1alpha1.Callers{JWT: []configv1alpha1.JWTCallers{{Issuer: trust(i), Namespaces: []string{"shop"}}}})
	for name, tt := range map[string]struct {
		scope any
		want  []door.Permission
	}{
		"one":             {"authz:check", []door.Permission{door.PermissionCheck}},
		"several":         {"authz:search  authz:explain x", []door.Permission{door.PermissionSearch, door.PermissionExplain}},
		"a list":          {[]string{"authz:policy", "y"}, []door.Permission{door.PermissionPolicy}},
		"others":          {"authz:* AUTHZ:CHECK checks authz:checks", nil},
		"a list in one":   {[]string{"authz:check authz:search"}, nil},
		"none":            {"", nil},
		"no such claim":   {nil, nil},
		"all that matter": {"authz:check authz:search authz:explain authz:policy", permissions()},
	} {
		t.Run(name, func(t *testing.T) {
			token := bearer(i.Sign(t, r.jwt(i, map[string]any{"scope": tt.scope})))
			var got []door.Permission
			for _, p := range permissions() {
				caller, err := r.Admit(t.Context(), token, "shop", p)
				if err == nil {
					got = append(got, p)
					continue
				}
				check(t, caller, err, http.StatusForbidden, "its token needs the scope authz:")
				e, _ := errors.AsType[*door.Error](err)
				if !strings.HasPrefix(e.Challenge, `Bearer realm="rolecall", error="insufficient_scope", scope="authz:`) {
					t.Errorf("the challenge is %q", e.Challenge)
				}
			}
			if len(got) != len(tt.want) {
				t.Errorf("it may %v, want %v", got, tt.want)
			}
			for n := range min(len(got), len(tt.want)) {
				if got[n] != tt.want[n] {
					t.Errorf("it may %v, want %v", got, tt.want)
				}
			}
		})
	}
}

func permissions() []door.Permission {
	return []door.Permission{door.PermissionCheck, door.PermissionSearch, door.PermissionExplain, door.PermissionPolicy}
}

// TestNamespacesOfTokens: by configuration or by claim, and no claim means all.
func TestNamespacesOfTokens(t *testing.T) {
	i := issuer.Start(t)
	fixed := newRig(t, configv1alpha1.Callers{JWT: []configv1alpha1.JWTCallers{{Issuer: trust(i), Namespaces: []string{"*"}}}})
	if _, err := fixed.Admit(t.Context(), bearer(i.Sign(t, fixed.jwt(i, nil))), "anywhere", door.PermissionCheck); err != nil {
		t.Error(err)
	}
	r := newRig(t, configv1alpha1.Callers{JWT: []configv1alpha1.JWTCallers{{Issuer: trust(i), NamespacesClaim: "ns", ScopesClaim: "scp", NameClaim: "azp"}}})
	sign := func(namespaces any) door.Credentials {
		return bearer(i.Sign(t, r.jwt(i, map[string]any{"ns": namespaces, "scp": []string{"authz:check"}, "azp": "app"})))
	}
	r.admitted(t, sign("shop"), i.URL+"#app")
	r.admitted(t, sign("a shop b"), i.URL+"#app")
	r.admitted(t, sign([]string{"a", "shop"}), i.URL+"#app")
	for _, namespaces := range []any{nil, "", "*", "shops", []string{"*"}, []string{"a shop"}} {
		r.refused(t, sign(namespaces), http.StatusForbidden, `may not create checks.rolecall.dev in the namespace "shop"`)
	}
	r.refused(t, sign(7), http.StatusUnauthorized, "ns must be a string or a list of strings")
	r.refused(t, sign([]any{"shop", 7}), http.StatusUnauthorized, "ns must be a string or a list of strings")
	nameless := r.jwt(i, map[string]any{"ns": "shop", "scp": "authz:check"})
	r.refused(t, bearer(i.Sign(t, nameless)), http.StatusUnauthorized, "azp must be a string")
}

// TestBadTokensOfIssuers: what the verifier refuses does not get in, also beside
// service accounts. (The verifier's own tests have the whole list.)
func TestBadTokensOfIssuers(t *testing.T) {
	i, stranger := issuer.Start(t), issuer.Start(t)
	r := newRig(t, everyMethod(t, i))
	good := i.Sign(t, r.jwt(i, nil))
	r.admitted(t, bearer(good), i.URL+"#billing")
	for name, tt := range map[string]struct{ token, want string }{
		"tampered":         {good[:len(good)-2] + "AA", "the token"},
		"of another key":   {stranger.Sign(t, r.jwt(i, nil)), "the token"},
		"another audience": {i.Sign(t, r.jwt(i, map[string]any{"aud": "x"})), "is for another audience"},
		"expired":          {i.Sign(t, r.jwt(i, map[string]any{"exp": r.clock.Now().Add(-time.Hour).Unix()})), "has expired"},
		"of nobody":        {jwtOf(r.jwt(i, nil)), "the token"},
		"a stranger's":     {stranger.Sign(t, r.jwt(stranger, nil)), "not for the audience rolecall.dev"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := r.ask(t, bearer(tt.token))
			if status, message := door.Answer(err); status != http.StatusUnauthorized || !strings.Contains(message, tt.want) {
				t.Errorf("refused with %d %q, want 401 with %q", status, message, tt.want)
			}
		})
	}
}

// TestVerifiedTokensAreRemembered for ten seconds: as long they count although
// the keys cannot be had any more.
func TestVerifiedTokensAreRemembered(t *testing.T) {
	i := issuer.Start(t)
	c := configv1alpha1.JWTCallers{Issuer: trust(i), Namespaces: []string{"shop"}}
	c.Issuer.KeyRefreshInterval.Duration, c.Issuer.MaxKeyAge.Duration = 10*time.Second, 11*time.Second
	r := newRig(t, configv1alpha1.Callers{JWT: []configv1alpha1.JWTCallers{c}})
	first := bearer(i.Sign(t, r.jwt(i, nil)))
	second := bearer(i.Sign(t, r.jwt(i, map[string]any{"jti": "2"})))
	r.admitted(t, first, i.URL+"#billing")
	r.clock.advance(5 * time.Second)
	r.admitted(t, second, i.URL+"#billing")
	i.SetDown(true)
	r.clock.advance(7 * time.Second)
	r.refusedByVerifier(t, first, http.StatusServiceUnavailable)
	r.admitted(t, second, i.URL+"#billing")
	r.clock.advance(3 * time.Second)
	r.refusedByVerifier(t, second, http.StatusServiceUnavailable)
}

// TestVerifiedTokensEndInTheMemoryToo, to the second.
func TestVerifiedTokensEndInTheMemoryToo(t *testing.T) {
	i := issuer.Start(t)
	c := configv1alpha1.JWTCallers{Issuer: trust(i), Namespaces: []string{"shop"}}
	c.Issuer.Leeway = &metav1.Duration{}
	r := newRig(t, configv1alpha1.Callers{JWT: []configv1alpha1.JWTCallers{c}})
	token := bearer(i.Sign(t, r.jwt(i, map[string]any{"exp": r.clock.Now().Add(3 * time.Second).Unix()})))
	r.admitted(t, token, i.URL+"#billing")
	r.clock.advance(3*time.Second - 1)
	r.admitted(t, token, i.URL+"#billing")
	r.clock.advance(1)
	r.refusedByVerifier(t, token, http.StatusUnauthorized)
}

func (r *rig) refusedByVerifier(tb testing.TB, c door.Credentials, want int) {
	tb.Helper()
	_, err := r.ask(tb, c)
	if status, message := door.Answer(err); err == nil || status != want {
		tb.Errorf("answer %d %q, want %d", status, message, want)
	}
}

// TestIssuerOutOfReach: nobody knows whether the token is good.
func TestIssuerOutOfReach(t *testing.T) {
	i := issuer.Start(t)
	r := newRig(t, configv1alpha1.Callers{JWT: []configv1alpha1.JWTCallers{{Issuer: trust(i), Namespaces: []string{"shop"}}}})
	i.SetDown(true)
	r.refusedByVerifier(t, bearer(i.Sign(t, r.jwt(i, nil))), http.StatusServiceUnavailable)
}
