// SPDX-License-Identifier: Apache-2.0

package authzen

import (
	"context"
	"errors"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/door"
)

// Subjects reads whom a question is about, for the endpoints of Rolecall's own that
// ask it as this door does: a `subject`, which may carry a token, and a `context`.
// It is safe for concurrent use.
type Subjects struct {
	// Sessions verifies the tokens that subjects carry.
	Sessions door.Sessions
}

// Read reads the body of a question about a namespace into r. Its errors are those
// of an evaluation's body and of its token.
func (s Subjects) Read(ctx context.Context, namespace string, body []byte, r *authz.Request) error {
	var d Decoder
	proof, err := d.Evaluation(body, r)
	if err != nil || !proof.Given() {
		return err
	}
	session, err := proof.verify(ctx, s.Sessions, namespace)
	if err != nil {
		return err
	}
	return adopt(session, r)
}

// Fault names the fields in an error about a request as they stand in a body.
func (Subjects) Fault(err error) error {
	fault, ok := errors.AsType[*authz.RequestError](err)
	if !ok {
		return err
	}
	named := *fault
	named.Field = fieldName(fault.Field)
	return door.BadRequest(named.Error())
}
