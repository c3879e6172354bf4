// SPDX-License-Identifier: Apache-2.0

package caller

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/rolecall/rolecall/internal/door"
)

func TestParseAuthorization(t *testing.T) {
	basic := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	for value, want := range map[string]struct{ token, id string }{
		"Bearer abc":                     {"abc", ""},
		"bearer abc==":                   {"abc==", ""},
		"BEARER    a.b-c_d~e+f/g   ":     {"a.b-c_d~e+f/g", ""},
		"Basic " + basic("id:secret"):    {"secret", "id"},
		"basic " + basic("id:se.cret=="): {"se.cret==", "id"},
		"Bearer":                         {},
		"Bearer ":                        {},
		"Bearer =":                       {"=", ""},
		"Bearer a=b":                     {"a=b", ""},
		"Bearer a b":                     {"a b", ""},
		"Bearer a,b":                     {"a,b", ""},
		"Bearer\tabc":                    {},
		"Bearer ä":                       {"ä", ""},
		"Bearer: abc":                    {},
		"abc":                            {},
		"":                               {},
		" ":                              {},
		"Basic " + basic("id:"):          {},
		"Basic " + basic(":secret"):      {},
		"Basic " + basic("secret"):       {},
		"Basic " + basic("id:two words"): {"two words", "id"},
		"Basic " + basic("id:a:b"):       {"a:b", "id"},
		"Basic id:secret":                {},
		"Digest " + basic("id:secret"):   {},
		"Bearer " + strings.Repeat("x", maxToken+1): {},
	} {
		token, id, err := parseAuthorization(value)
		if token != want.token || id != want.id || (err == nil) != (want.token != "") {
			t.Errorf("%.80q: %.80q of %q, error %v; want %q of %q", value, token, id, err, want.token, want.id)
		}
	}
}

func TestIsToken(t *testing.T) {
	for text, want := range map[string]bool{
		"a": true, "aB0-._~+/": true, "a=": true, "a==": true,
		"": false, "=": false, "a=b": false, "a b": false, "a,b": false, "ä": false, "a\n": false, "a:b": false, "\x00": false,
	} {
		if got := isToken(text); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

// FuzzParseAuthorization: whatever a header holds, what comes out is a token that
// stands in it, or a refusal that tells nothing of it.
func FuzzParseAuthorization(f *testing.F) {
	for _, seed := range []string{"Bearer abc", "Basic aWQ6c2VjcmV0", "bearer  a.b.c==", "Bearer", "", "Basic =", "Bearer a, Bearer b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		token, id, err := parseAuthorization(value)
		if err != nil {
			e, ok := errors.AsType[*door.Error](err)
			if !ok || e.Status != http.StatusUnauthorized || token != "" || id != "" {
				t.Errorf("%q: %q of %q, error %v", value, token, id, err)
			}
			return
		}
		if token == "" || len(token) > len(value) {
			t.Errorf("%q: the token is %q", value, token)
		}
		if id == "" && !strings.Contains(value, token) {
			t.Errorf("%q: %q does not stand in it", value, token)
		}
		if strings.Contains(id, ":") {
			t.Errorf("%q: the id is %q", value, id)
		}
	})
}

// FuzzDecodeClaims: whatever a token holds, reading its claims ends, and what is
// not three parts has none.
func FuzzDecodeClaims(f *testing.F) {
	for _, claims := range []string{`{"aud":"a","exp":1}`, `{"aud":["a","b"],"iss":"x"}`, `{"exp":1e400}`, `[]`, `{"aud":[1]}`} {
		f.Add("e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln")
	}
	f.Fuzz(func(t *testing.T, token string) {
		if _, ok := decodeClaims(token); ok && strings.Count(token, ".") != 2 {
			t.Errorf("%q has claims", token)
		}
	})
}
