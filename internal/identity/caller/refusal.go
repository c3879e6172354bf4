// SPDX-License-Identifier: Apache-2.0

package caller

import (
	"fmt"
	"net/http"

	"github.com/rolecall/rolecall/internal/door"
)

// The challenges of a 401 (RFC 6750, section 3): of a request without
// credentials, and of one whose credentials are worth nothing.
const (
	challenge        = `Bearer realm="rolecall"`
	challengeInvalid = challenge + `, error="invalid_token"`
)

func unauthenticated(challenge, message string) *door.Error {
	return &door.Error{Status: http.StatusUnauthorized, Message: message, Challenge: challenge}
}

func invalid(message string) *door.Error {
	return unauthenticated(challengeInvalid, message)
}

// forbidden says the same whether or not the namespace exists.
func forbidden(name, namespace string, p door.Permission, remedy string) *door.Error {
	return &door.Error{
		Status:  http.StatusForbidden,
		Message: fmt.Sprintf("the caller %q may not create %s.rolecall.dev in the namespace %q; %s", name, p, namespace, remedy),
	}
}

func unavailable(message string, cause error) *door.Error {
	return &door.Error{Status: http.StatusServiceUnavailable, Message: message, Err: cause}
}
