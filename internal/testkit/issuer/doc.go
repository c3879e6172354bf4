// SPDX-License-Identifier: Apache-2.0

// Package issuer is an issuer of tokens for tests: a real server over TLS with
// OpenID Connect Discovery, a key set that rotates, and an introspection endpoint
// (RFC 7662). It can be cut off. Tokens are signed with the standard library
// alone, so that what verifies them is not what made them; whatever a token
// should not be, it can make.
package issuer
