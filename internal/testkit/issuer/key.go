// SPDX-License-Identifier: Apache-2.0

package issuer

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"strings"
	"testing"
)

// Key is a key pair that signs tokens.
type Key struct {
	// ID is its kid.
	ID string
	// Algorithm is what it signs with: ES256, RS256 or EdDSA.
	Algorithm string

	private crypto.Signer
}

// NewKey makes a key.
func NewKey(tb testing.TB, algorithm, id string) *Key {
	tb.Helper()
	var private crypto.Signer
	var err error
	switch algorithm {
	case "ES256":
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "RS256":
		private, err = rsa.GenerateKey(rand.Reader, 2048)
	case "EdDSA":
		_, private, err = ed25519.GenerateKey(rand.Reader)
	default:
		tb.Fatalf("no key for the algorithm %q", algorithm)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return &Key{ID: id, Algorithm: algorithm, private: private}
}

// Private returns the private key, to sign by other means.
func (k *Key) Private() crypto.Signer { return k.private }

// Public returns the public key as a JSON Web Key.
func (k *Key) Public() map[string]any {
	jwk := map[string]any{"kid": k.ID, "alg": k.Algorithm, "use": "sig"}
	switch public := k.private.Public().(type) {
	case *ecdsa.PublicKey:
		point, err := public.Bytes()
		if err != nil {
			panic(err) // it was made a moment ago
		}
		jwk["kty"], jwk["crv"] = "EC", "P-256"
		jwk["x"], jwk["y"] = Base64(point[1:33]), Base64(point[33:])
	case *rsa.PublicKey:
		jwk["kty"], jwk["n"], jwk["e"] = "RSA", Base64(public.N.Bytes()), "AQAB"
	case ed25519.PublicKey:
		jwk["kty"], jwk["crv"], jwk["x"] = "OKP", "Ed25519", Base64(public)
	}
	return jwk
}

// Sign returns a token with these claims and the usual header.
func (k *Key) Sign(tb testing.TB, claims map[string]any) string {
	tb.Helper()
	return k.SignWith(tb, map[string]any{"alg": k.Algorithm, "kid": k.ID, "typ": "JWT"}, claims)
}

// SignWith returns a token with any header.
func (k *Key) SignWith(tb testing.TB, header, claims map[string]any) string {
	tb.Helper()
	return k.SignText(tb, encode(tb, header), encode(tb, claims))
}

// SignText returns a token with any text for a header and for a payload.
func (k *Key) SignText(tb testing.TB, header, payload string) string {
	tb.Helper()
	input := Base64([]byte(header)) + "." + Base64([]byte(payload))
	return input + "." + Base64(k.signature(tb, input))
}

func (k *Key) signature(tb testing.TB, input string) []byte {
	tb.Helper()
	digest := sha256.Sum256([]byte(input))
	var signature []byte
	var err error
	switch private := k.private.(type) {
	case *ecdsa.PrivateKey:
		r, s, failure := ecdsa.Sign(rand.Reader, private, digest[:])
		if err = failure; err == nil {
			signature = append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
		}
	case ed25519.PrivateKey:
		signature = ed25519.Sign(private, []byte(input))
	default:
		signature, err = k.private.Sign(rand.Reader, digest[:], crypto.SHA256)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return signature
}

// Signed reports whether the key has signed a token, by the standard library and
// with no more work than that takes.
func (k *Key) Signed(token string) bool {
	end := strings.LastIndexByte(token, '.')
	text := []byte(token[:end])
	signature, err := base64.RawURLEncoding.DecodeString(token[end+1:])
	if err != nil {
		return false
	}
	digest := sha256.Sum256(text)
	switch public := k.private.Public().(type) {
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], signature) == nil
	case *ecdsa.PublicKey:
		return len(signature) == 64 &&
			ecdsa.Verify(public, digest[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:]))
	case ed25519.PublicKey:
		return ed25519.Verify(public, text, signature)
	}
	return false
}

// Base64 returns base64url without padding, as tokens have it.
func Base64(b []byte) string {
	return base64.RawURLEncoding.EncodeToString(b)
}

func encode(tb testing.TB, value map[string]any) string {
	tb.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}
