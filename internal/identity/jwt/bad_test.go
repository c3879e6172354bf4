// SPDX-License-Identifier: Apache-2.0

package jwt_test

import (
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/identity/jwt"
	"github.com/rolecall/rolecall/internal/testkit/issuer"
)

// bad is a token that proves nothing, and what is said of it.
type bad struct {
	token func(t *testing.T, r *rig) string
	want  string
}

// claimed is a well signed token with changed claims.
func claimed(changes map[string]any, want string) bad {
	return bad{func(t *testing.T, r *rig) string { return r.token(t, changes) }, want}
}

// headed is a well signed token with a changed header.
func headed(changes map[string]any, want string) bad {
	return bad{func(t *testing.T, r *rig) string { return r.header(t, changes) }, want}
}

// spelled is a good token whose text is changed.
func spelled(change func(header, payload, signature string) string, want string) bad {
	return bad{func(t *testing.T, r *rig) string {
		parts := strings.Split(r.token(t, nil), ".")
		return change(parts[0], parts[1], parts[2])
	}, want}
}

// written is a well signed token with any text for claims.
func written(payload, want string) bad {
	return bad{func(t *testing.T, r *rig) string {
		payload := strings.ReplaceAll(payload, "ISS", r.issuer.Name)
		return r.issuer.Key().SignText(t, `{"alg":"ES256","kid":"`+r.issuer.Key().ID+`"}`, payload)
	}, want}
}

const (
	noToken      = "is not a JSON Web Token"
	noAlgorithm  = "is not signed with an algorithm that is taken here"
	noSignature  = "has a signature that is not good"
	noKey        = "is not signed by a key that its issuer publishes"
	badClaims    = "its claims must be a JSON object"
	notForUs     = "is for another audience"
	noAudience   = "aud must be a string or a list of strings"
	notANumber   = "must be a number of seconds"
	notYet       = "is not valid yet"
	criticalName = "has a critical header"
)

func timesAndClaims() map[string]bad {
	at := func(d time.Duration) int64 { return newClock().now.Add(d).Unix() }
	return map[string]bad{
		"expired":                          claimed(map[string]any{"exp": at(-time.Minute)}, "has expired"),
		"expired just now":                 claimed(map[string]any{"exp": at(-leeway)}, "has expired"),
		"that never expires":               claimed(map[string]any{"exp": nil}, "exp is required"),
		"that expires after all time":      claimed(map[string]any{"exp": 1e300}, "exp "+notANumber),
		"whose end is a string":            claimed(map[string]any{"exp": "2030-01-01T00:00:00Z"}, "exp "+notANumber),
		"whose end is a string of digits":  claimed(map[string]any{"exp": fmt.Sprint(at(time.Hour))}, "exp "+notANumber),
		"whose end is negative":            claimed(map[string]any{"exp": -1}, "exp "+notANumber),
		"not yet valid":                    claimed(map[string]any{"nbf": at(leeway + jwtPause + time.Second)}, notYet+": nbf"),
		"whose beginning is a string":      claimed(map[string]any{"nbf": "now"}, "nbf "+notANumber),
		"issued in the future":             claimed(map[string]any{"iat": at(leeway + jwtPause + time.Second)}, notYet+": iat"),
		"whose issue is a truth":           claimed(map[string]any{"iat": true}, "iat "+notANumber),
		"for another audience":             claimed(map[string]any{"aud": "other"}, notForUs),
		"for other audiences":              claimed(map[string]any{"aud": []any{"other", "shop2", "SHOP"}}, notForUs),
		"for no audience":                  claimed(map[string]any{"aud": nil}, noAudience),
		"for an empty list of audiences":   claimed(map[string]any{"aud": []any{}}, notForUs),
		"for an audience that is a number": claimed(map[string]any{"aud": []any{audience, 7}}, noAudience),
		"for an audience in an object":     claimed(map[string]any{"aud": map[string]any{audience: audience}}, noAudience),
		"of another issuer":                claimed(map[string]any{"iss": "https://evil.example.com"}, "is from an issuer that is not trusted"),
		"of an issuer with a slash more":   {func(t *testing.T, r *rig) string { return r.token(t, map[string]any{"iss": r.issuer.Name + "/"}) }, "is from an issuer that is not trusted"},
		"of nobody":                        claimed(map[string]any{"iss": ""}, "does not say who issued it"),
		"of an issuer that is a list":      {func(t *testing.T, r *rig) string { return r.token(t, map[string]any{"iss": []any{r.issuer.Name}}) }, "does not say who issued it"},
		"with a claim twice":               written(`{"iss":"ISS","aud":"other","aud":"shop","exp":99999999999}`, badClaims),
		"with a claim twice, once escaped": written(`{"iss":"ISS","aud":"shop","exp":1,"\u0065xp":99999999999}`, badClaims),
		"with a claim twice, deep inside":  written(`{"iss":"ISS","aud":"shop","exp":99999999999,"x":[{"a":1,"a":2}]}`, badClaims),
		"with claims in another case":      written(`{"ISS":"ISS","iss":"ISS","Aud":"shop","exp":99999999999}`, "aud must be"),
		"with claims that are a list":      written(`["ISS"]`, badClaims),
		"with claims that are null":        written(`null`, badClaims),
		"with claims that are no JSON":     written(`iss=ISS`, badClaims),
		"with claims that are no UTF-8":    written("{\"iss\":\"ISS\",\"x\":\"\xff\"}", badClaims),
		"with two objects of claims":       written(`{"iss":"ISS"}{"iss":"ISS"}`, badClaims),
		"with claims that are too deep":    written(`{"iss":"ISS","x":`+strings.Repeat("[", 100)+strings.Repeat("]", 100)+`}`, badClaims),
		"without claims":                   written(``, badClaims),
	}
}

func headersAndKeys() map[string]bad {
	return map[string]bad{
		"unsigned":                       spelled(func(h, p, _ string) string { return h + "." + p + "." }, noSignature),
		"alg none":                       {unsigned("none"), noAlgorithm},
		"alg None":                       {unsigned("None"), noAlgorithm},
		"alg empty":                      {unsigned(""), noAlgorithm},
		"HS256 with the public key":      {withPublicKey, noAlgorithm},
		"an algorithm of another key":    headed(map[string]any{"alg": "RS256"}, noKey),
		"an algorithm of another curve":  headed(map[string]any{"alg": "ES384"}, noKey),
		"an algorithm that nobody knows": headed(map[string]any{"alg": "ES257"}, noAlgorithm),
		"no algorithm":                   headed(map[string]any{"alg": nil}, noAlgorithm),
		"an unknown kid":                 headed(map[string]any{"kid": "key-99"}, noKey),
		"a kid in another case":          headed(map[string]any{"kid": "KEY-1"}, noKey),
		"a kid that is a path":           headed(map[string]any{"kid": "../../dev/null"}, noKey),
		"a kid that is a number":         headed(map[string]any{"kid": 1}, noToken),
		"the kid of another key": {func(t *testing.T, r *rig) string {
			old := r.issuer.Key().ID
			r.issuer.Rotate(t, "ES256")
			return r.header(t, map[string]any{"kid": old})
		}, noSignature},
		"a key of another issuer":          {anothers, noSignature},
		"a key that it brings along":       {withOwnKey, noSignature},
		"a key that it says where to find": headed(map[string]any{"kid": "key-99", "jku": "https://evil.example.com/jwks"}, noKey),
		"crit":                             headed(map[string]any{"crit": []any{"exp"}, "exp": 1}, criticalName),
		"crit that go-jose knows":          headed(map[string]any{"crit": []any{"b64"}, "b64": true}, criticalName),
		"crit that is empty":               headed(map[string]any{"crit": []any{}}, criticalName),
		"b64 without crit":                 headed(map[string]any{"b64": false}, criticalName),
		"at+jwt":                           headed(map[string]any{"typ": "at+jwt"}, "is not of a type that counts here"),
		"a logout token":                   headed(map[string]any{"typ": "logout+jwt"}, "is not of a type that counts here"),
		"a typ that is a list":             headed(map[string]any{"typ": []any{"JWT"}}, "is not of a type that counts here"),
		"a header that is no JSON":         {func(t *testing.T, r *rig) string { return r.issuer.Key().SignText(t, `alg=ES256`, `{}`) }, noToken},
		"a header with a name twice": {func(t *testing.T, r *rig) string {
			return r.issuer.Key().SignText(t, `{"alg":"none","alg":"ES256","kid":"key-1"}`, `{}`)
		}, noToken},
	}
}

func spellings() map[string]bad {
	return map[string]bad{
		"empty":                        {func(*testing.T, *rig) string { return "" }, "is empty"},
		"a word":                       {func(*testing.T, *rig) string { return "token" }, noToken},
		"three dots":                   {func(*testing.T, *rig) string { return "..." }, noToken},
		"two dots":                     {func(*testing.T, *rig) string { return ".." }, noAlgorithm},
		"with Bearer before it":        spelled(func(h, p, s string) string { return "Bearer " + h + "." + p + "." + s }, "base64url"),
		"with a tampered payload":      spelled(func(h, p, s string) string { return h + "." + flip(p, len(p)/2) + "." + s }, ""),
		"with another's payload":       {swapped, noSignature},
		"with a tampered signature":    spelled(func(h, p, s string) string { return h + "." + p + "." + flip(s, len(s)/2) }, noSignature),
		"with a tampered last bit":     spelled(func(h, p, s string) string { return h + "." + p + "." + flip(s, len(s)-1) }, ""),
		"with a signature in JSON":     {inJSON, noToken},
		"truncated in the signature":   spelled(func(h, p, s string) string { return h + "." + p + "." + s[:len(s)-4] }, ""),
		"truncated in the payload":     spelled(func(h, p, _ string) string { return h + "." + p[:len(p)-4] }, noToken),
		"with a longer signature":      spelled(func(h, p, s string) string { return h + "." + p + "." + s + "AAAA" }, noSignature),
		"with a fourth part":           spelled(func(h, p, s string) string { return h + "." + p + "." + s + "." + s }, noToken),
		"with padding":                 spelled(func(h, p, s string) string { return h + "." + p + "." + s + "==" }, "base64url"),
		"with a line break":            spelled(func(h, p, s string) string { return h + "." + p + "\n." + s }, "base64url"),
		"with a line break at the end": spelled(func(h, p, s string) string { return h + "." + p + "." + s + "\n" }, "base64url"),
		"in base64 of files":           spelled(func(h, p, s string) string { return h + "." + p + "." + "+/" + s[2:] }, "base64url"),
		"encrypted":                    {encrypted, "is encrypted"},
		"huge": {func(t *testing.T, r *rig) string {
			return r.token(t, map[string]any{"x": strings.Repeat("x", jwt.MaxBytes)})
		}, "longer than 16 KiB"},
		"huge and nothing else": {func(*testing.T, *rig) string { return strings.Repeat(".", 10<<20) }, "longer than 16 KiB"},
	}
}

func TestBadTokens(t *testing.T) {
	for _, table := range []map[string]bad{timesAndClaims(), headersAndKeys(), spellings()} {
		for name, tt := range table {
			t.Run(name, func(t *testing.T) {
				r := newRig(t)
				r.good(t, r.token(t, nil))
				token := tt.token(t, r)
				r.advance(jwtPause) // so that nothing is refused for want of a fetch
				r.refused(t, token, http.StatusUnauthorized, tt.want)
				r.good(t, r.token(t, nil))
			})
		}
	}
}

// TestAlgorithmsOfAnIssuer may be fewer than those that are understood.
func TestAlgorithmsOfAnIssuer(t *testing.T) {
	r := newRig(t, func(c *configv1alpha1.Issuer) { c.Algorithms = []string{"RS256"} })
	r.refused(t, r.token(t, nil), http.StatusUnauthorized, "is not signed with an algorithm that its issuer may use")
	r.issuer.Rotate(t, "RS256")
	r.good(t, r.token(t, nil))
}

// flip changes a character of base64url by one bit of what it stands for.
func flip(text string, at int) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return text[:at] + string(alphabet[strings.IndexByte(alphabet, text[at])^1]) + text[at+1:]
}

func unsigned(algorithm string) func(*testing.T, *rig) string {
	return func(t *testing.T, r *rig) string {
		header := issuer.Base64([]byte(`{"alg":"` + algorithm + `","typ":"JWT"}`))
		return header + "." + strings.Split(r.token(t, nil), ".")[1] + "."
	}
}

// withPublicKey takes the public key for a shared secret.
func withPublicKey(t *testing.T, r *rig) string {
	t.Helper()
	point, err := r.issuer.Key().Private().Public().(*ecdsa.PublicKey).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	header := issuer.Base64([]byte(`{"alg":"HS256","kid":"key-1","typ":"JWT"}`))
	input := header + "." + strings.Split(r.token(t, nil), ".")[1]
	mac := hmac.New(sha256.New, point)
	mac.Write([]byte(input))
	return input + "." + issuer.Base64(mac.Sum(nil))
}

// anothers is a token of this issuer that another one has signed, with a key of
// the same name.
func anothers(t *testing.T, r *rig) string {
	t.Helper()
	return issuer.Start(t).Sign(t, r.claims(map[string]any{"iss": r.issuer.Name}))
}

// withOwnKey is a token whose header holds the key that has signed it.
func withOwnKey(t *testing.T, r *rig) string {
	t.Helper()
	key := issuer.NewKey(t, "ES256", r.issuer.Key().ID)
	header := map[string]any{"alg": "ES256", "kid": key.ID, "typ": "JWT", "jwk": key.Public()}
	return key.SignWith(t, header, r.claims(map[string]any{"iss": r.issuer.Name}))
}

// swapped is the header and the signature of one token with the claims of
// another.
func swapped(t *testing.T, r *rig) string {
	t.Helper()
	a, b := strings.Split(r.token(t, nil), "."), strings.Split(r.token(t, map[string]any{"sub": "admin"}), ".")
	return a[0] + "." + b[1] + "." + a[2]
}

// inJSON is a good token in the JSON serialization.
func inJSON(t *testing.T, r *rig) string {
	t.Helper()
	parts := strings.Split(r.token(t, nil), ".")
	text, err := json.Marshal(map[string]string{"protected": parts[0], "payload": parts[1], "signature": parts[2]})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// encrypted is a good token inside a JWE for the issuer's own public key.
func encrypted(t *testing.T, r *rig) string {
	t.Helper()
	e, err := jose.NewEncrypter(jose.A128GCM, jose.Recipient{Algorithm: jose.ECDH_ES, Key: r.issuer.Key().Private().Public()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	object, err := e.Encrypt([]byte(r.token(t, nil)))
	if err != nil {
		t.Fatal(err)
	}
	text, err := object.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// jwtPause is more than the least time between two fetches of keys.
const jwtPause = 11 * time.Second

// FuzzVerify: whatever is not what the issuer has signed is refused as invalid,
// and no two spellings of a token count.
func FuzzVerify(f *testing.F) {
	r := newRig(f)
	r.verifier = r.verify(f, r.issuer, func(c *configv1alpha1.Issuer) { c.JWKS = r.issuer.KeySet(f) })
	token := r.token(f, nil)
	parts := strings.Split(token, ".")
	f.Add(token)
	f.Add(parts[0] + "." + parts[1] + ".")
	f.Add(issuer.Base64([]byte(`{"alg":"none"}`)) + "." + parts[1] + ".")
	f.Add(issuer.Base64([]byte(`{"alg":"ES256","jwk":{"kty":"EC","crv":"P-256","x":"","y":""},"x5c":["AA"]}`)) + "." + parts[1] + "." + parts[2])
	f.Add("a.b.c.d.e")
	f.Fuzz(func(t *testing.T, text string) {
		if text == token {
			r.good(t, text)
			return
		}
		r.refused(t, text, http.StatusUnauthorized, "the token ")
	})
}

// FuzzClaims: the claims of a signed token are read as encoding/json reads them,
// or refused.
func FuzzClaims(f *testing.F) {
	r := newRig(f)
	r.verifier = r.verify(f, r.issuer, func(c *configv1alpha1.Issuer) { c.JWKS = r.issuer.KeySet(f) })
	for _, seed := range []string{`{}`, `{"aud":["shop"],"exp":99999999999}`, `{"aud":"shop","exp":4102444800.5,"nbf":1,"iat":null}`} {
		f.Add(seed)
	}
	header := `{"alg":"ES256","kid":"` + r.issuer.Key().ID + `"}`
	f.Fuzz(func(t *testing.T, members string) {
		payload := fmt.Sprintf(`{"iss":%q,"more":%s}`, r.issuer.Name, members)
		var whole map[string]any
		if json.Unmarshal([]byte(payload), &whole) == nil {
			if more, ok := whole["more"].(map[string]any); ok {
				maps.Copy(whole, more)
				if text, err := json.Marshal(whole); err == nil {
					payload = string(text)
				}
			}
		}
		got, err := r.verifier.Verify(t.Context(), r.issuer.Key().SignText(t, header, payload))
		if err != nil {
			return
		}
		var want map[string]any
		if err := json.Unmarshal([]byte(payload), &want); err != nil {
			t.Fatalf("encoding/json refuses what was taken: %v", err)
		}
		if fmt.Sprint(want) != fmt.Sprint(got.Claims) || (want["aud"] == nil) || got.ExpiresAt.IsZero() {
			t.Errorf("claims %v, want %v", got.Claims, want)
		}
	})
}
