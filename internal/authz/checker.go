// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"errors"
	"fmt"
)

// Provider hands out the policy in force.
type Provider interface {
	// Checker returns the policy in force at this moment, or an error that wraps
	// ErrNotReady if there is none to decide by. What one request asks, also a
	// batch, is asked of one Checker, so that it sees one policy.
	Checker() (Checker, error)
}

// Checker decides requests by one immutable policy. It is safe for concurrent
// use, takes no lock, and gives the same answer to the same request for ever.
type Checker interface {
	// Check decides r and writes the decision to d, reusing the memory of
	// d.Roles; an unconditional decision allocates nothing beyond that. If it
	// returns an error there is no decision and d is a deny: a *RequestError for
	// a request that cannot be decided, or an error that wraps
	// ErrUnknownNamespace.
	Check(r *Request, d *Decision) error

	// Revision names the policy: it changes whenever the policy does.
	Revision() string
}

// ErrNotReady says that there is no policy to decide by yet, or that it is too
// old. It is never a deny.
var ErrNotReady = errors.New("not ready")

// ErrUnknownNamespace says that the namespace of a request is not one whose
// objects are watched.
var ErrUnknownNamespace = errors.New("namespace is not served")

// RequestError says that a request cannot be decided as it stands.
type RequestError struct {
	// Field is the path of the field, such as subject.id.
	Field string
	// Value is what the field holds, if that helps.
	Value string
	// Problem says what is wrong and what to do.
	Problem string
}

// Error returns the field, the value and the problem in one line.
func (e *RequestError) Error() string {
	if e.Value == "" {
		return e.Field + " " + e.Problem
	}
	return fmt.Sprintf("%s %q %s", e.Field, e.Value, e.Problem)
}
