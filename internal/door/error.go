// SPDX-License-Identifier: Apache-2.0

package door

import (
	"errors"
	"net/http"

	"github.com/rolecall/rolecall/internal/authz"
)

// Error is an answer that is not a decision.
type Error struct {
	// Status is the HTTP status.
	Status int
	// Message tells the client what is wrong and what to do.
	Message string
	// Challenge is the value of the WWW-Authenticate header that goes with a 401
	// (RFC 9110, section 11.6.1), and may go with a 403; empty if there is none.
	Challenge string
	// Err is the cause, for the log; the client does not see it.
	Err error
}

// Error returns the message, and the cause if there is one.
func (e *Error) Error() string {
	if e.Err == nil {
		return e.Message
	}
	return e.Message + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error {
	return e.Err
}

// BadRequest is the error for a request that cannot be understood.
func BadRequest(message string) *Error {
	return &Error{Status: http.StatusBadRequest, Message: message}
}

// GivenUp is the error for a request whose time is up, or for whose answer nobody
// waits any more; err is that of its context.
func GivenUp(err error) *Error {
	return &Error{
		Status: http.StatusServiceUnavailable, Err: err,
		Message: "the request has taken too long and was given up; ask for less at once, or later",
	}
}

// Answer says how a client is told of an error: the HTTP status, and a message
// that holds nothing of what went on inside the server.
func Answer(err error) (status int, message string) {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Status, e.Message
	}
	if e, ok := errors.AsType[*authz.RequestError](err); ok {
		return http.StatusBadRequest, e.Error()
	}
	switch {
	case errors.Is(err, authz.ErrUnknownNamespace):
		return http.StatusNotFound, err.Error()
	case errors.Is(err, authz.ErrNotReady):
		return http.StatusServiceUnavailable, err.Error() + "; there is no decision yet, try again"
	default:
		return http.StatusInternalServerError, "internal error; there is no decision"
	}
}
