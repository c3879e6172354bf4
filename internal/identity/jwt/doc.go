// SPDX-License-Identifier: Apache-2.0

// Package jwt verifies signed tokens (JSON Web Tokens, RFC 7519, in the compact
// serialization of RFC 7515) of configured issuers: bytes in, proven claims out,
// or an error that says why not and never holds a part of the token.
//
// A token counts if it is signed by a key that its issuer publishes now, with an
// asymmetric algorithm that is allowed for the issuer; if it is for one of the
// issuer's audiences; and if it is valid by the clock. What a header says of keys
// (jwk, jku, x5c, x5u) is never listened to. Nothing is remembered of a token,
// whether good or bad.
//
// Keys are fetched beforehand and refreshed in the background (Run). A check calls
// out for keys at most, when a token names a key that is not known, and then
// together with all others that wait, and rarely.
//
// It does not know what claims mean. The JOSE library is go-jose; no other
// package knows it.
package jwt
