// SPDX-License-Identifier: Apache-2.0

package authzen

import (
	"context"
	"maps"
	"net/http"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/door"
)

// The members of a subject's properties that carry a session token. They are
// taken out, so that no condition, log or answer ever sees them.
const (
	memberJWT    = "session_jwt"
	memberOpaque = "session_token"
)

// Proof is the session token that a subject carries. It has at most one of JWT and
// Opaque. The zero Proof is none: the caller says itself who the subject is.
type Proof struct {
	// JWT is a signed token.
	JWT string
	// Opaque is a token that says nothing by itself.
	Opaque string
	// Shared says that the token is that of a batch's defaults.
	Shared bool
}

// Given reports whether there is a token.
func (p Proof) Given() bool {
	return p.JWT != "" || p.Opaque != ""
}

// takeProof takes the token out of a subject's properties.
func takeProof(properties map[string]any) (Proof, error) {
	if len(properties) == 0 {
		return Proof{}, nil
	}
	m := members{path: "subject.properties.", object: properties}
	p := Proof{JWT: m.token(memberJWT), Opaque: m.token(memberOpaque)}
	if p.JWT != "" && p.Opaque != "" {
		m.fault(memberOpaque, "is there beside "+memberJWT+"; send one of them")
	}
	return p, m.err
}

func (m *members) token(name string) string {
	v, ok := m.object[name]
	if !ok {
		return ""
	}
	token := m.text(name)
	if token == "" && v != nil {
		m.fault(name, "must not be empty; leave it out to name the subject without a token")
	}
	delete(m.object, name)
	return token
}

// alone makes sure that beside a token nothing is stated that gives authority:
// that comes from the token.
func (has *said) alone(s *authz.Subject) error {
	for _, name := range authority() {
		if s.Properties[name] != nil {
			return door.BadRequest("subject.properties." + name + ": must not be stated beside a session token, which says it itself")
		}
	}
	if (has.typed && s.Type == "") || (has.identified && s.ID == "") {
		return door.BadRequest("subject.type and subject.id must not be empty; beside a session token leave them out")
	}
	return nil
}

// prove verifies the token of c.request, and puts its subject in the place of the
// one that is named.
func (c *call) prove(ctx context.Context, p Proof) error {
	session := c.shared
	if !p.Shared || session == nil {
		var err error
		if session, err = p.verify(ctx, c.handler.Sessions, c.policy.Namespace()); err != nil {
			return err
		}
	}
	if p.Shared {
		c.shared = session
	}
	return adopt(session, &c.request)
}

func (p Proof) verify(ctx context.Context, sessions door.Sessions, namespace string) (*door.Session, error) {
	if p.JWT != "" {
		return sessions.JWT(ctx, namespace, p.JWT)
	}
	return sessions.Opaque(ctx, namespace, p.Opaque)
}

// adopt makes the subject of a session that of a request, and the session's scope
// that of a request without one. Free properties that the request states stay
// unless the session has them too.
func adopt(session *door.Session, r *authz.Request) error {
	stated, proven := &r.Subject, &session.Subject
	if (stated.Type != "" && stated.Type != proven.Type) || (stated.ID != "" && stated.ID != proven.ID) {
		return &door.Error{
			Status:    http.StatusUnauthorized,
			Message:   "subject.type and subject.id are not those of the session token; leave them out, or send the token of the subject that is meant",
			Challenge: `Bearer error="invalid_token"`,
		}
	}
	properties := stated.Properties
	switch {
	case len(properties) == 0:
		properties = proven.Properties
	default:
		maps.Copy(properties, proven.Properties)
	}
	r.Subject = *proven
	r.Subject.Properties = properties
	if r.Scope == "" {
		r.Scope = proven.SessionScope
	}
	return nil
}
