// SPDX-License-Identifier: Apache-2.0

package door

import (
	"net/http"
	"time"

	"github.com/rolecall/rolecall/internal/authz"
)

// Origin is where a check comes from.
type Origin struct {
	// Namespace is the one whose policy is asked.
	Namespace string
	// RequestID is the id that the request's answer bears; see RequestID.
	RequestID string
	// Caller is who asks, as far as it is known.
	Caller Caller

	// answer bears the revision of the policy; nil bears nothing.
	answer bearer
}

// Recorder writes down who asked what for whom, and the answer. Its methods are
// called on the path of every check: they never wait, and keep nothing of what
// they are given.
type Recorder interface {
	// Decided records a decision.
	Decided(r Record)
	// Refused records a check that ended without a decision, by the HTTP status
	// that the client is told. It holds nothing of what was asked, which may be
	// anything.
	Refused(o Origin, at time.Time, status int)
}

// Record is a decision and what it answers.
type Record struct {
	Origin   Origin
	Request  *authz.Request
	Decision *authz.Decision
	// Revision names the policy that decided.
	Revision string
	// Took is how long deciding took, without decoding and encoding.
	Took time.Duration
}

// RequestIDHeader is the header by which a client knows an answer again, in the
// form in which net/http keeps it.
const RequestIDHeader = "X-Request-Id"

// RequestID returns the id of the request that w answers, which the server has
// given to it.
func RequestID(w http.ResponseWriter) string {
	if id := w.Header()[RequestIDHeader]; len(id) > 0 {
		return id[0]
	}
	return ""
}
