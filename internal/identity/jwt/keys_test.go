// SPDX-License-Identifier: Apache-2.0

package jwt_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/testkit/issuer"
)

// TestKeysRotate: a new key counts at once, and one that is taken back until the
// keys are fetched next.
func TestKeysRotate(t *testing.T) {
	r := newRig(t)
	old := r.token(t, map[string]any{"exp": r.Now().Add(time.Hour).Unix()})
	r.good(t, old)
	r.advance(jwtPause)
	r.issuer.Rotate(t, "ES256")
	r.good(t, r.token(t, nil))
	r.good(t, old)
	r.issuer.Retire()
	r.good(t, old)
	r.advance(4 * time.Minute)
	r.verifier.Refresh(t.Context())
	r.good(t, old) // the keys were not due
	r.advance(time.Minute)
	r.verifier.Refresh(t.Context())
	r.refused(t, old, http.StatusUnauthorized, noKey)
	r.good(t, r.token(t, nil))
}

// TestKeysAreNotFetchedForEveryToken: made up keys have nothing fetched, but once
// in a while, and known ones never.
func TestKeysAreNotFetchedForEveryToken(t *testing.T) {
	r := newRig(t)
	made := r.header(t, map[string]any{"kid": "made-up"})
	nameless := r.header(t, map[string]any{"kid": nil})
	nameless = nameless[:len(nameless)-8] + "AAAAAAAA"
	for range 100 {
		r.refused(t, made, http.StatusUnauthorized, noKey)
		r.refused(t, nameless, http.StatusUnauthorized, noSignature)
		r.good(t, r.token(t, nil))
	}
	if n := r.issuer.Fetches(); n != 1 {
		t.Errorf("fetched %d times, want once", n)
	}
	r.advance(jwtPause)
	r.refused(t, made, http.StatusUnauthorized, noKey)
	if n := r.issuer.Fetches(); n != 2 {
		t.Errorf("fetched %d times, want twice", n)
	}
	r.advance(jwtPause)
	tampered := r.token(t, nil)
	r.refused(t, tampered[:len(tampered)-8]+"AAAAAAAA", http.StatusUnauthorized, noSignature)
	if n := r.issuer.Fetches(); n != 2 {
		t.Errorf("fetched %d times, want no more: the key is known", n)
	}
}

// TestOneFetchForAll: whoever waits for keys at the same time waits for the same.
func TestOneFetchForAll(t *testing.T) {
	r := newRig(t)
	token := r.token(t, nil)
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if _, err := r.verifier.Verify(t.Context(), token); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := r.issuer.Fetches(); n != 1 {
		t.Errorf("fetched %d times, want once", n)
	}
}

// TestOutage: keys outlast the issuer for as long as is configured, and no longer;
// then tokens are not invalid, but cannot be verified.
func TestOutage(t *testing.T) {
	const maxAge = time.Hour
	r := newRig(t, func(c *configv1alpha1.Issuer) { c.MaxKeyAge.Duration = maxAge })
	r.issuer.SetDown(true)
	r.refused(t, r.token(t, nil), http.StatusServiceUnavailable, "keys of its issuer are out of reach")
	r.issuer.SetDown(false)
	r.refused(t, r.token(t, nil), http.StatusServiceUnavailable, "keys of its issuer are out of reach") // tried a moment ago
	r.advance(jwtPause)
	r.good(t, r.token(t, nil))

	r.issuer.SetDown(true)
	r.advance(maxAge)
	r.verifier.Refresh(t.Context())
	r.good(t, r.token(t, nil))
	r.refused(t, r.token(t, map[string]any{"aud": "other"}), http.StatusUnauthorized, notForUs)
	r.refused(t, r.header(t, map[string]any{"kid": "made-up"}), http.StatusServiceUnavailable, "out of reach")
	r.advance(time.Second)
	r.refused(t, r.token(t, nil), http.StatusServiceUnavailable, "keys of its issuer are out of reach")
	if keys, err := r.verifier.Keys(t.Context()); err == nil {
		t.Errorf("keys %s are published though they are too old", keys)
	}

	r.issuer.SetDown(false)
	r.advance(jwtPause)
	r.verifier.Refresh(t.Context())
	r.good(t, r.token(t, nil))
}

// TestKeysThatDoNotCount are published, but not to verify signatures with.
func TestKeysThatDoNotCount(t *testing.T) {
	r := newRig(t)
	key := r.issuer.Key().Public()
	for name, change := range map[string]map[string]any{
		"for encryption":       {"use": "enc"},
		"for signing":          {"key_ops": []any{"sign"}},
		"of another algorithm": {"alg": "ES384"},
		"of another curve":     {"crv": "P-384"},
		"of an unknown kind":   {"kty": "XYZ"},
		"without a point":      {"x": nil},
		"not on the curve":     {"x": key["y"]},
	} {
		t.Run(name, func(t *testing.T) {
			changed := r.issuer.Key().Public()
			maps.Copy(changed, change)
			good := issuer.NewKey(t, "ES256", "other").Public()
			c := configv1alpha1.Issuer{URL: r.issuer.Name, Audiences: []string{audience}, JWKS: keySet(t, changed, good)}
			v, err := newVerifier(t, r.Now, c)
			if err != nil {
				t.Fatal(err)
			}
			(&rig{clock: r.clock, issuer: r.issuer, verifier: v}).refused(t, r.token(t, nil), http.StatusUnauthorized, noKey)
		})
	}
}

// TestFetchesThatAreRefused: the answer must come from where it is looked for, and
// be what it says.
func TestFetchesThatAreRefused(t *testing.T) {
	elsewhere := httptest.NewServer(http.NotFoundHandler())
	defer elsewhere.Close()
	tests := map[string]func(w http.ResponseWriter, r *http.Request, good string){
		"an error": func(w http.ResponseWriter, _ *http.Request, _ string) { w.WriteHeader(http.StatusInternalServerError) },
		"no JSON":  func(w http.ResponseWriter, _ *http.Request, _ string) { write(w, "<html>") },
		"too much": func(w http.ResponseWriter, _ *http.Request, good string) { write(w, good+strings.Repeat(" ", 2<<20)) },
		"no keys":  func(w http.ResponseWriter, _ *http.Request, _ string) { write(w, `{"keys":[]}`) },
		"too many keys": func(w http.ResponseWriter, _ *http.Request, _ string) {
			write(w, `{"keys":[`+strings.Repeat("{},", 100)+`{}]}`)
		},
		"a redirection to plain http": func(w http.ResponseWriter, r *http.Request, _ string) {
			http.Redirect(w, r, elsewhere.URL, http.StatusFound)
		},
		"a redirection to itself": func(w http.ResponseWriter, r *http.Request, _ string) { http.Redirect(w, r, "/jwks", http.StatusFound) },
		"a redirection to other hosts": func(w http.ResponseWriter, r *http.Request, _ string) {
			http.Redirect(w, r, "https://example.com/jwks", http.StatusFound)
		},
	}
	for name, answer := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			good := r.issuer.KeySet(t)
			server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) { answer(w, req, good) }))
			defer server.Close()
			r.verifier = r.verify(t, r.issuer, func(c *configv1alpha1.Issuer) {
				c.JWKSURL, c.CertificateAuthority = server.URL+"/jwks", certificate(server)
			})
			r.refused(t, r.token(t, nil), http.StatusServiceUnavailable, "keys of its issuer are out of reach")
		})
	}
	t.Run("a certificate of another authority", func(t *testing.T) {
		r := newRig(t, func(c *configv1alpha1.Issuer) { c.CertificateAuthority = "" })
		r.refused(t, r.token(t, nil), http.StatusServiceUnavailable, "keys of its issuer are out of reach")
	})
	t.Run("metadata of another issuer", func(t *testing.T) {
		r := newRig(t)
		r.issuer.Name = "https://other.example.com"
		r.refused(t, r.token(t, map[string]any{"iss": r.issuer.URL}), http.StatusServiceUnavailable, "keys of its issuer are out of reach")
	})
}
