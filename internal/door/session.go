// SPDX-License-Identifier: Apache-2.0

package door

import (
	"context"
	"encoding/json"
	"time"

	"github.com/rolecall/rolecall/internal/authz"
)

// Session is what a session token proves. It is not changed by who reads it.
type Session struct {
	// Subject is whose session it is, with all that gives authority, as the
	// issuer's claim mappings read it. Its SessionScope is the organisation that the
	// session belongs to.
	Subject authz.Subject
	// Issuer is who issued the token.
	Issuer string
	// IssuedAt and ExpiresAt bound its validity; zero if the token does not say.
	IssuedAt, ExpiresAt time.Time
	// Claims are all claims, or all members of the introspection's answer, with
	// values as of encoding/json.
	Claims map[string]any
}

// Sessions verifies the session tokens of a namespace's subjects. It is safe for
// concurrent use. A token that proves nothing (malformed, unsigned, expired, not yet
// valid, of an issuer or for an audience that the namespace does not trust) is
// an *Error with the status 401, whose message says which and never holds the
// token. One that could not be verified, because keys or the introspection's
// endpoint are out of reach, is an *Error with the status 503.
type Sessions interface {
	// JWT verifies a signed token with the keys at hand. It calls out only for
	// keys, never for a token.
	JWT(ctx context.Context, namespace, token string) (*Session, error)
	// Opaque asks the endpoint of the namespace about a token (RFC 7662), every
	// time.
	Opaque(ctx context.Context, namespace, token string) (*Session, error)
	// Keys returns the public keys of the namespace's issuers, each a JSON Web Key
	// (RFC 7517), for clients that verify by themselves.
	Keys(ctx context.Context, namespace string) ([]json.RawMessage, error)
}
