// SPDX-License-Identifier: Apache-2.0

package sar

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/wire/ijson"
)

// AppendReview appends a review with a decision as its status to b. Only a Deny is
// a denial: of everything else that is not allowed this door has no opinion, so that
// the API server asks its next authorizer.
//
// The spec is empty: clients have it, and some of them refuse a review without one.
func AppendReview(b []byte, version string, d *authz.Decision) []byte {
	b = append(b, `{"kind":"`+kind+`","apiVersion":`...)
	b = ijson.AppendText(b, version)
	b = append(b, `,"spec":{},"status":{"allowed":`...)
	b = strconv.AppendBool(b, d.Allowed)
	if denies(d) {
		b = append(b, `,"denied":true`...)
	}
	b = append(b, `,"reason":`...)
	b = appendReason(b, d)
	if problem := evaluationError(d.Reason); problem != "" {
		b = append(b, `,"evaluationError":`...)
		b = ijson.AppendText(b, problem)
	}
	return append(b, '}', '}')
}

// denies reports whether somebody has forbidden it, rather than nobody allowed it.
func denies(d *authz.Decision) bool {
	return d.Reason == authz.ReasonExplicitDeny || d.Reason == authz.ReasonDenyError
}

// maxRoles is how many roles a reason names: it ends up in messages to users.
const maxRoles = 8

// appendReason appends what users and the audit log are told: whose answer it is,
// the reason, and the roles that decided.
func appendReason(b []byte, d *authz.Decision) []byte {
	text, named := "Rolecall: "+d.Reason.String(), d.Roles[:min(len(d.Roles), maxRoles)]
	if len(named) > 0 {
		text += ": " + strings.Join(named, ", ")
	}
	if more := len(d.Roles) - len(named); more > 0 {
		text += " and " + strconv.Itoa(more) + " more"
	}
	return ijson.AppendText(b, text)
}

// evaluationError says what stood between the request and a better answer.
func evaluationError(r authz.Reason) string {
	switch r {
	case authz.ReasonDenyError:
		return "the condition of a Deny failed, so that it denies"
	case authz.ReasonConditionError:
		return "a condition failed, so that an Allow does not count"
	default:
		return ""
	}
}

// AppendStatus appends an error to b as the object by which Kubernetes' API tells
// of one.
func AppendStatus(b []byte, code int, message string) []byte {
	b = append(b, `{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":`...)
	b = ijson.AppendText(b, message)
	b = append(b, `,"reason":"`+statusReason(code)+`","code":`...)
	b = strconv.AppendInt(b, int64(code), 10)
	return append(b, '}')
}

// statusReason names an HTTP status as Kubernetes does (metav1.StatusReason).
func statusReason(code int) string {
	switch code {
	case http.StatusBadRequest:
		return "BadRequest"
	case http.StatusUnauthorized:
		return "Unauthorized"
	case http.StatusForbidden:
		return "Forbidden"
	case http.StatusNotFound:
		return "NotFound"
	case http.StatusMethodNotAllowed:
		return "MethodNotAllowed"
	case http.StatusRequestEntityTooLarge:
		return "RequestEntityTooLarge"
	case http.StatusServiceUnavailable:
		return "ServiceUnavailable"
	default:
		return "InternalError"
	}
}
