// SPDX-License-Identifier: Apache-2.0

package stytch

import (
	"errors"
	"net/http"

	"github.com/rolecall/rolecall/internal/door"
)

// The vendor's types of errors. Those that it has no name for have ours.
const (
	typeBadRequest   = "bad_request"
	typeUnsupported  = "unsupported_parameter"
	typeCredentials  = "unauthorized_credentials"
	typeForbidden    = "forbidden"
	typeSession      = "session_not_found"
	typeDenied       = "session_authorization_error"
	typeTenancy      = "session_authorization_tenancy_error"
	typeNotFound     = "route_not_found"
	typeMethod       = "method_not_allowed"
	typeTooLong      = "request_too_large"
	typeUnavailable  = "service_unavailable"
	typeInternal     = "internal_server_error"
	documentationURL = "https://github.com/rolecall/rolecall/blob/main/docs/stytch.md#errors"
)

// What the vendor says, word for word: SDKs' users match on it.
const (
	saysSession = "Session could not be found."
	saysDenied  = "The Member is not authorized to perform the requested action on that resource."
	saysTenancy = "OrganizationID in AuthorizationCheck request does not match session's Organization ID"
)

// refused is an error of a type of its own.
type refused struct {
	typ   string
	cause *door.Error
	// details says more, in our words.
	details map[string]any
}

// Error implements error.
func (e *refused) Error() string { return e.cause.Error() }

// Unwrap returns what the client is told beside the type.
func (e *refused) Unwrap() error { return e.cause }

func refuse(status int, typ, message string, details map[string]any) *refused {
	return &refused{typ, &door.Error{Status: status, Message: message}, details}
}

// failure is the body of an error.
type failure struct {
	Status    int            `json:"status_code"`
	RequestID string         `json:"request_id"`
	Type      string         `json:"error_type"`
	Message   string         `json:"error_message"`
	URL       string         `json:"error_url"`
	Details   map[string]any `json:"error_details,omitempty"`
}

// Refuse writes an error as the vendor does.
func Refuse(w http.ResponseWriter, status int, message string) {
	respond(w, status, failure{
		Status: status, RequestID: door.RequestID(w), Type: typeOf(status), Message: message, URL: documentationURL,
	})
}

// refuseOwn writes an error that has a type of its own, and reports whether it has.
func refuseOwn(w http.ResponseWriter, err error) bool {
	e, ok := errors.AsType[*refused](err)
	if ok {
		respond(w, e.cause.Status, failure{
			Status: e.cause.Status, RequestID: door.RequestID(w), Type: e.typ, Message: e.cause.Message,
			URL: documentationURL, Details: e.details,
		})
	}
	return ok
}

func typeOf(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return typeCredentials
	case http.StatusForbidden:
		return typeForbidden
	case http.StatusNotFound:
		return typeNotFound
	case http.StatusMethodNotAllowed:
		return typeMethod
	case http.StatusRequestEntityTooLarge:
		return typeTooLong
	case http.StatusServiceUnavailable:
		return typeUnavailable
	case http.StatusInternalServerError:
		return typeInternal
	}
	return typeBadRequest
}
