// SPDX-License-Identifier: Apache-2.0

package authzen

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/rolecall/rolecall/internal/authz"
)

// AppendDecision appends a decision as JSON to b: bare, or with the context that
// says why and by which revision of the policy.
func AppendDecision(b []byte, d *authz.Decision, revision string, withContext bool) []byte {
	b = append(b, `{"decision":`...)
	b = strconv.AppendBool(b, d.Allowed)
	if withContext {
		b = append(b, `,"context":`...)
		b = appendContext(b, d, revision)
	}
	return append(b, '}')
}

func appendContext(b []byte, d *authz.Decision, revision string) []byte {
	b = append(b, `{"reason":`...)
	b = appendString(b, d.Reason.String())
	b = append(b, `,"roles":[`...)
	for i, role := range d.Roles {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, role)
	}
	b = append(b, `],"revision":`...)
	b = appendString(b, revision)
	return append(b, '}')
}

// AppendItemError appends the answer to an item of a batch that could not be
// decided: a deny that says why.
func AppendItemError(b []byte, status int, message string) []byte {
	b = append(b, `{"decision":false,"context":{"error":{"status":`...)
	b = strconv.AppendInt(b, int64(status), 10)
	b = append(b, `,"message":`...)
	b = appendString(b, message)
	return append(b, `}}}`...)
}

// appendString appends s as a JSON string. Bytes that are no UTF-8 become the
// replacement character, which is all that AppendQuote's error would say.
func appendString(b []byte, s string) []byte {
	b, _ = jsontext.AppendQuote(b, s)
	return b
}
