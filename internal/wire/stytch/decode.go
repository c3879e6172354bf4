// SPDX-License-Identifier: Apache-2.0

package stytch

import (
	"net/http"

	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/wire/ijson"
)

// Authenticate is the body of sessions/authenticate.
type Authenticate struct {
	// Token and JWT are the session, exactly one of them.
	Token, JWT string
	// Check is nil if none is asked for.
	Check *Check
}

// Check is an authorization_check.
type Check struct {
	Organization, Resource, Action string
}

// DecodeAuthenticate reads a body of sessions/authenticate. Members that it does
// not know have no meaning. The error has the status 400.
//
// Source: the vendor's SDKs, b2b/sessions.
func DecodeAuthenticate(body []byte) (*Authenticate, error) {
	var a Authenticate
	var s ijson.Scanner
	var extends bool
	s.Reset(string(body))
	if s.Object() {
		for s.Member() {
			switch s.Name() {
			case "session_token":
				a.Token, _ = s.Text()
			case "session_jwt":
				a.JWT, _ = s.Text()
			case "authorization_check":
				a.Check = decodeCheck(&s)
			case "session_duration_minutes", "session_custom_claims":
				extends = s.Value() != nil || extends
			default:
				s.Skip()
			}
		}
	}
	if err := s.End(); err != nil {
		return nil, door.BadRequest(err.Error())
	}
	if extends {
		return nil, refuse(http.StatusBadRequest, typeUnsupported,
			"session_duration_minutes and session_custom_claims are not supported: this server verifies sessions and issues none; leave them out", nil)
	}
	return &a, a.validate()
}

func decodeCheck(s *ijson.Scanner) *Check {
	if !s.Object() {
		return nil
	}
	c := &Check{}
	for s.Member() {
		switch s.Name() {
		case "organization_id":
			c.Organization, _ = s.Text()
		case "resource_id":
			c.Resource, _ = s.Text()
		case "action":
			c.Action, _ = s.Text()
		default:
			s.Skip()
		}
	}
	return c
}

func (a *Authenticate) validate() error {
	if (a.Token == "") == (a.JWT == "") {
		return door.BadRequest("exactly one of session_token and session_jwt is required")
	}
	if a.Check == nil {
		return nil
	}
	for name, value := range map[string]string{
		"organization_id": a.Check.Organization, "resource_id": a.Check.Resource, "action": a.Check.Action,
	} {
		if value == "" {
			return door.BadRequest("authorization_check." + name + ": is required and must not be empty")
		}
	}
	return nil
}
