// SPDX-License-Identifier: Apache-2.0

package authzen

import (
	"strconv"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/wire/ijson"
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
	b = ijson.AppendText(b, d.Reason.String())
	b = append(b, `,"roles":`...)
	b = appendTexts(b, d.Roles)
	b = append(b, `,"revision":`...)
	b = ijson.AppendText(b, revision)
	if len(d.Warnings) > 0 {
		b = append(b, `,"warnings":`...)
		b = appendTexts(b, d.Warnings)
	}
	return append(b, '}')
}

func appendTexts(b []byte, texts []string) []byte {
	b = append(b, '[')
	for i, text := range texts {
		if i > 0 {
			b = append(b, ',')
		}
		b = ijson.AppendText(b, text)
	}
	return append(b, ']')
}

// AppendItemError appends the answer to an item of a batch that could not be
// decided: a deny that says why.
func AppendItemError(b []byte, status int, message string) []byte {
	b = append(b, `{"decision":false,"context":{"error":{"status":`...)
	b = strconv.AppendInt(b, int64(status), 10)
	b = append(b, `,"message":`...)
	b = ijson.AppendText(b, message)
	return append(b, `}}}`...)
}
