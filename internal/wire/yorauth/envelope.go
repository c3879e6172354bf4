// SPDX-License-Identifier: Apache-2.0

package yorauth

import (
	"net/http"
	"time"

	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/wire/ijson"
)

const mediaType = "application/json"

// The vendor's codes of errors. Those that it has no name for have ours.
const (
	codeInvalid     = "VALIDATION_INVALID_FORMAT"
	codeTooMany     = "BULK_CHECK_LIMIT_EXCEEDED"
	codeCredentials = "AUTH_INVALID_CREDENTIALS" //nolint:gosec // the name of an error
	codeForbidden   = "AUTH_INSUFFICIENT_SCOPE"
	codeNotFound    = "NOT_FOUND"
	codeMethod      = "METHOD_NOT_ALLOWED"
	codeTooLong     = "PAYLOAD_TOO_LARGE"
	codeUnavailable = "SERVICE_UNAVAILABLE"
	codeInternal    = "INTERNAL_ERROR"
)

// refused is an error that has a code of its own.
type refused struct {
	code  string
	cause *door.Error
}

// Error implements error.
func (e *refused) Error() string { return e.cause.Error() }

// Unwrap returns what the client is told beside the code.
func (e *refused) Unwrap() error { return e.cause }

func (h *handler) refuse(w http.ResponseWriter, status int, message string) {
	h.envelope(w, status, codeOf(status), message)
}

func codeOf(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return codeCredentials
	case http.StatusForbidden:
		return codeForbidden
	case http.StatusNotFound:
		return codeNotFound
	case http.StatusMethodNotAllowed:
		return codeMethod
	case http.StatusRequestEntityTooLarge:
		return codeTooLong
	case http.StatusServiceUnavailable:
		return codeUnavailable
	case http.StatusInternalServerError:
		return codeInternal
	}
	return codeInvalid
}

// envelope writes an error as the vendor does.
func (h *handler) envelope(w http.ResponseWriter, status int, code, message string) {
	b := append([]byte(nil), `{"error":{"code":`...)
	b = ijson.AppendText(b, code)
	b = append(b, `,"message":`...)
	b = ijson.AppendText(b, message)
	b = append(b, `,"details":{},"request_id":`...)
	b = ijson.AppendText(b, door.RequestID(w))
	b = append(b, `,"timestamp":`...)
	b = ijson.AppendText(b, h.Asker.Now().UTC().Format(time.RFC3339))
	b = append(b, `,"documentation_url":"https://github.com/rolecall/rolecall/blob/main/docs/yorauth.md"}}`...)
	w.Header().Set("Content-Type", mediaType)
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n'))
}
