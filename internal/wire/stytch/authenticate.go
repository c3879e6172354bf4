// SPDX-License-Identifier: Apache-2.0

package stytch

import (
	"context"
	"errors"
	"net/http"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/door"
)

// self is the vendor's resource that stands for the member's own data.
const self = "stytch.self"

// authenticate verifies a session and, if a check is asked for, decides it: the
// session first, then whose tenant it is, then the permission.
func (c *call) authenticate(r *http.Request) (any, error) {
	body, err := door.ReadBody(r, nil)
	if err != nil {
		return nil, err
	}
	ask, err := DecodeAuthenticate(body)
	if err != nil {
		c.policy.Refused(err)
		return nil, err
	}
	session, err := c.session(r.Context(), ask)
	if err != nil {
		c.policy.Refused(err)
		return nil, err
	}
	a := authenticated{
		reply: c.reply(), Token: ask.Token, JWT: ask.JWT,
		Session: newSession(session, c.project), Member: newMember(session, c.project), Organization: newOrganization(session, c.project),
	}
	if ask.Check != nil {
		if a.Verdict, err = c.decide(session, ask.Check); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// session verifies the token that was sent. The vendor knows one way to say that it
// proves nothing.
func (c *call) session(ctx context.Context, a *Authenticate) (*door.Session, error) {
	verify, token := c.Sessions.JWT, a.JWT
	if a.Token != "" {
		verify, token = c.Sessions.Opaque, a.Token
	}
	s, err := verify(ctx, c.project.Namespace, token)
	if e, ok := errors.AsType[*door.Error](err); ok && e.Status == http.StatusUnauthorized {
		return nil, refuse(http.StatusNotFound, typeSession, saysSession, map[string]any{"reason": e.Message})
	}
	return s, err
}

// decide decides a check. A deny is an error, as the vendor says it.
func (c *call) decide(s *door.Session, check *Check) (*verdict, error) {
	scope := c.project.scope(check.Organization)
	if s.Subject.SessionScope == "" {
		// A session of no organization is a member of none.
		return nil, tenancy()
	}
	request := authz.Request{
		Subject: s.Subject, Scope: scope,
		Action:   authz.Action{Name: check.Action},
		Resource: authz.Resource{Type: check.Resource},
	}
	if check.Resource == self {
		request.Resource.ID = s.Subject.ID
	}
	var d authz.Decision
	if err := c.policy.Check(&request, &d); err != nil {
		return nil, err
	}
	switch {
	case d.Allowed:
		return &verdict{Authorized: true, GrantingRoles: d.Roles}, nil
	case d.Reason == authz.ReasonScopeMismatch:
		return nil, tenancy()
	}
	return nil, refuse(http.StatusForbidden, typeDenied, saysDenied, map[string]any{"reason": d.Reason.String()})
}

func tenancy() error {
	return refuse(http.StatusForbidden, typeTenancy, saysTenancy, nil)
}

// authenticated is the answer to sessions/authenticate.
type authenticated struct {
	reply
	Session      memberSession `json:"member_session"`
	Token        string        `json:"session_token"`
	JWT          string        `json:"session_jwt"`
	Member       member        `json:"member"`
	Organization organization  `json:"organization"`
	Verdict      *verdict      `json:"verdict,omitempty"`
}

type verdict struct {
	Authorized    bool     `json:"authorized"`
	GrantingRoles []string `json:"granting_roles"`
}
