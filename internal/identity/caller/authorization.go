// SPDX-License-Identifier: Apache-2.0

package caller

import (
	"encoding/base64"
	"strings"
)

// parseAuthorization reads the value of an Authorization header: a token of the
// Bearer scheme (RFC 6750, section 2.1), or, of the Basic scheme (RFC 7617), the
// password as the token, and the user as an id that is never empty. Its error is a
// refusal.
//
// A token is any text here: to look at each of its bytes costs more than to find
// out that it is known, and only one that is not needs to be looked at (isToken).
func parseAuthorization(value string) (token, id string, err error) {
	scheme, rest, _ := strings.Cut(value, " ")
	rest = strings.Trim(rest, " ")
	switch {
	case strings.EqualFold(scheme, "Bearer"):
		if rest == "" || len(rest) > maxToken {
			return "", "", errMalformed
		}
		return rest, "", nil
	case strings.EqualFold(scheme, "Basic"):
		text, err := base64.StdEncoding.DecodeString(rest)
		if err != nil {
			return "", "", errMalformed
		}
		id, password, ok := strings.Cut(string(text), ":")
		if !ok || id == "" || password == "" {
			return "", "", errMalformed
		}
		return password, id, nil
	}
	return "", "", errMalformed
}

var errMalformed = invalid("the Authorization header is malformed; send one, as Bearer TOKEN")

// maxToken is how long a token or key may be in bytes.
const maxToken = 16 << 10

// isToken reports whether a text is a b64token of RFC 6750: letters, digits and
// `-._~+/`, then perhaps `=`.
func isToken(s string) bool {
	body := strings.TrimRight(s, "=")
	if body == "" {
		return false
	}
	for i := range len(body) {
		if !tokenBytes[body[i]] {
			return false
		}
	}
	return true
}

var tokenBytes = func() (set [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/") {
		set[c] = true
	}
	return set
}()
