// SPDX-License-Identifier: Apache-2.0

package authzen

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/door"
)

// The token of a page is where the next one begins and a digest of that and of the
// search, so that it is good for this search only, at whatever replica. It needs no
// secret: it says nothing that its bearer could not ask for.

// digestSize is how many bytes of a digest a token has.
const digestSize = 16

// newToken returns the token for the results of a search behind an id; empty if
// there are none.
func newToken(after string, q *authz.Search) (string, error) {
	if after == "" {
		return "", nil
	}
	digest, err := digestOf(after, q)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(append(digest, after...)), nil
}

// readToken returns the id in a token, if it is one for this search.
func readToken(token string, q *authz.Search) (after string, err error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(raw) <= digestSize {
		return "", errToken
	}
	after = string(raw[digestSize:])
	digest, err := digestOf(after, q)
	if err != nil {
		return "", err
	}
	if string(raw[:digestSize]) != string(digest) {
		return "", errToken
	}
	return after, nil
}

var errToken = door.BadRequest("page.token: is not one that was given for this search; " +
	"send the same request with the token as it was given, or start again without one")

// digestOf returns what sets an id in the results of a search apart from all others.
// How many results are asked for does not matter, and no more does the time.
func digestOf(after string, q *authz.Search) ([]byte, error) {
	r := q.Request
	r.Time = time.Time{}
	text, err := json.Marshal(struct {
		Sought  authz.Sought
		Request authz.Request
		After   []byte
	}{q.Sought, r, []byte(after)})
	if err != nil {
		return nil, fmt.Errorf("digest of a search: %w", err)
	}
	sum := sha256.Sum256(text)
	return sum[:digestSize], nil
}
