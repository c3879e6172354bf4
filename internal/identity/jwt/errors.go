// SPDX-License-Identifier: Apache-2.0

package jwt

import (
	"net/http"

	"github.com/rolecall/rolecall/internal/door"
)

// Challenge goes with every refusal of a token (RFC 6750, section 3.1).
const Challenge = `Bearer error="invalid_token"`

// Invalid is the error for a token that proves nothing. The problem says why,
// after "the token ", and holds no part of the token.
func Invalid(problem string) *door.Error {
	return &door.Error{Status: http.StatusUnauthorized, Message: "the token " + problem, Challenge: Challenge}
}

// Unverifiable is the error for a token of which it could not be found out whether
// it is valid. The cause is for the log.
func Unverifiable(problem string, cause error) *door.Error {
	return &door.Error{
		Status:  http.StatusServiceUnavailable,
		Message: "the token could not be verified: " + problem + "; there is no decision, try again",
		Err:     cause,
	}
}
