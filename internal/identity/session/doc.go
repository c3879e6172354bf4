// SPDX-License-Identifier: Apache-2.0

// Package session verifies the session tokens that checks carry, and makes
// subjects of them: a namespace and a token in, a door.Session out. Whom a
// namespace trusts, and what the claims mean, is in the configuration; nothing is
// known of any issuer here.
//
// Signed tokens are verified with the issuer's keys, without a call. Opaque ones
// are asked about every time (RFC 7662). Nothing is remembered of either.
//
// What gives authority comes from named mappings alone. SSO groups of a connection
// that the session has not logged in with are left out.
package session
