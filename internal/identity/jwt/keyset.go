// SPDX-License-Identifier: Apache-2.0

package jwt

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	jose "github.com/go-jose/go-jose/v4"
)

// The bounds of a key set.
const (
	// maxKeys is how many keys are looked at: a token without a kid is tried with
	// each that fits.
	maxKeys = 100
	// minRSABits is the shortest modulus (RFC 7518, section 3.3).
	minRSABits = 2048
	// maxRSABits is the longest: what it takes to verify grows with its square.
	maxRSABits = 8192
)

// decodeKeys reads a JSON Web Key Set (RFC 7517). Keys that are not understood,
// or are not public keys for signatures, are left out, as its section 5 asks.
func decodeKeys(text []byte) ([]jose.JSONWebKey, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, errors.New("it is not a JSON Web Key Set")
	}
	if len(set.Keys) > maxKeys {
		return nil, fmt.Errorf("it holds %d keys, more than %d", len(set.Keys), maxKeys)
	}
	var keys []jose.JSONWebKey
	for _, raw := range set.Keys {
		var key jose.JSONWebKey
		if err := key.UnmarshalJSON(raw); err == nil && usable(&key, raw) {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return nil, errNoKeys
	}
	return keys, nil
}

// usable reports whether a key may verify signatures.
func usable(key *jose.JSONWebKey, raw []byte) bool {
	if !key.IsPublic() || !key.Valid() || (key.Use != "" && key.Use != "sig") || !mayVerify(raw) {
		return false
	}
	if k, ok := key.Key.(*rsa.PublicKey); ok {
		return minRSABits <= k.N.BitLen() && k.N.BitLen() <= maxRSABits
	}
	return true
}

// mayVerify looks at key_ops (RFC 7517, section 4.3), which go-jose does not read.
func mayVerify(raw []byte) bool {
	var key struct {
		Operations []string `json:"key_ops"`
	}
	if err := json.Unmarshal(raw, &key); err != nil {
		return false
	}
	return len(key.Operations) == 0 || slices.Contains(key.Operations, "verify")
}

// fits reports whether a token can be signed by one of the keys.
func fits(keys []jose.JSONWebKey, p *parsed) bool {
	for i := range keys {
		if fit(&keys[i], p) {
			return true
		}
	}
	return false
}

// signedBy reports whether a token is signed by one of the keys.
func signedBy(keys []jose.JSONWebKey, p *parsed) bool {
	for i := range keys {
		if !fit(&keys[i], p) {
			continue
		}
		if _, err := p.signed.Verify(keys[i].Key); err == nil {
			return true
		}
	}
	return false
}

// fit reports whether a key is the one that the header of a token names, if it
// does, and is of the algorithm's kind: a key is used for nothing but what it is
// for.
func fit(key *jose.JSONWebKey, p *parsed) bool {
	if p.header.KeyID != "" && p.header.KeyID != key.KeyID {
		return false
	}
	if key.Algorithm != "" && key.Algorithm != p.header.Algorithm {
		return false
	}
	switch k := key.Key.(type) {
	case *rsa.PublicKey:
		return strings.HasPrefix(p.header.Algorithm, "RS") || strings.HasPrefix(p.header.Algorithm, "PS")
	case *ecdsa.PublicKey:
		return p.header.Algorithm == algorithmOf(k)
	case ed25519.PublicKey:
		return p.header.Algorithm == string(jose.EdDSA)
	}
	return false
}

// algorithmOf returns the only algorithm of a key's curve (RFC 7518, section 3.4).
func algorithmOf(key *ecdsa.PublicKey) string {
	switch key.Curve {
	case elliptic.P256():
		return string(jose.ES256)
	case elliptic.P384():
		return string(jose.ES384)
	case elliptic.P521():
		return string(jose.ES512)
	}
	return ""
}
