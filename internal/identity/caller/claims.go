// SPDX-License-Identifier: Apache-2.0

package caller

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/rolecall/rolecall/internal/door"
)

// claims are what a JWT (RFC 7519) says of itself, before anybody has verified
// it: they are believed only to its disadvantage.
type claims struct {
	Issuer   string   `json:"iss"`
	Audience audience `json:"aud"`
	// Expires is in seconds since 1970.
	Expires float64 `json:"exp"`
}

// audience is a string or a list of strings.
type audience []string

// UnmarshalJSON implements json.Unmarshaler.
func (a *audience) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '"' {
		*a = make(audience, 1)
		return json.Unmarshal(text, &(*a)[0])
	}
	return json.Unmarshal(text, (*[]string)(a))
}

// peek returns the end of a token's own validity, zero if it has none, or refuses
// it if it says itself that it is worth nothing here. So the commonest mistakes
// get a message that helps and cost the API server nothing.
func (a *accounts) peek(token string, now time.Time) (expires time.Time, refusal *door.Error) {
	if !isToken(token) {
		return time.Time{}, errMalformed
	}
	c, ok := decodeClaims(token)
	switch {
	case !ok && a.audience == "":
		return time.Time{}, nil // the API server may know others than its own
	case !ok:
		return time.Time{}, errNotJWT
	case a.audience != "" && !slices.Contains(c.Audience, a.audience):
		return time.Time{}, invalid("the token is not for the audience " + a.audience +
			"; make one with `kubectl create token NAME --audience " + a.audience + "`, or project one into the pod")
	}
	if c.Expires == 0 {
		return time.Time{}, nil
	}
	expires = time.Unix(int64(min(c.Expires, maxSeconds)), 0)
	if !now.Before(expires) {
		return time.Time{}, invalid("the token has expired; send a new one")
	}
	return expires, nil
}

// maxSeconds keeps an absurd claim within what time.Time takes: the year 9999.
const maxSeconds = 253402300799

var errNotJWT = invalid("the token is not a service account's: it is no JWT")

// decodeClaims reads the claims of a JWT in compact form (RFC 7515, section 7.1).
func decodeClaims(token string) (claims, bool) {
	var c claims
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return c, false
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return c, false
	}
	return c, json.Unmarshal(text, &c) == nil
}
