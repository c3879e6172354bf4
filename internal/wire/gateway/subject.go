// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"net/http"
	"strings"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/door"
)

// anonymous is the type, and the id, of who proves nothing.
const anonymous = "anonymous"

// source is what says whose request it is.
type source uint8

const (
	byNobody source = iota
	byToken
	byHeaders
	byCertificate
)

// who finds whose request it is, and writes the subject and the scope to q.
func (g *Gateways) who(ctx context.Context, namespace string, s *Settings, r *Request, q *authz.Request) (source, error) {
	if s.Token != nil {
		token, err := s.Token.find(r)
		if err != nil {
			return byNobody, err
		}
		if token != "" {
			return byToken, g.prove(ctx, namespace, s.Token, token, q)
		}
	}
	if s.Identity != nil {
		if known, err := s.Identity.read(r, q); known || err != nil {
			return byHeaders, err
		}
	}
	if s.CertificateType != "" && r.Principal != "" {
		q.Subject = authz.Subject{Type: s.CertificateType, ID: r.Principal}
		return byCertificate, nil
	}
	q.Subject = authz.Subject{Type: anonymous, ID: anonymous}
	return byNobody, nil
}

// prove makes the subject of a token that of q. What the token's organisation is,
// is where it counts.
func (g *Gateways) prove(ctx context.Context, namespace string, t *Token, token string, q *authz.Request) error {
	verify := g.Sessions.JWT
	if t.Opaque {
		verify = g.Sessions.Opaque
	}
	session, err := verify(ctx, namespace, token)
	if err != nil {
		return err
	}
	q.Subject, q.Scope = session.Subject, session.Subject.SessionScope
	return nil
}

// find returns the token of a request; empty if there is none.
func (t *Token) find(r *Request) (string, error) {
	values := r.Header("Authorization")
	if len(values) > 1 {
		return "", unclear("Authorization")
	}
	for _, v := range values {
		scheme, token, _ := strings.Cut(v, " ")
		if strings.EqualFold(scheme, "Bearer") {
			if token = strings.TrimSpace(token); token == "" {
				return "", unclear("Authorization")
			}
			return token, nil
		}
	}
	if t.Cookie == "" {
		return "", nil
	}
	return t.cookie(r.Header("Cookie"))
}

// cookie returns the value of the cookie; empty if it is not there. Servers differ
// in which one of two they take, so there must not be two.
func (t *Token) cookie(headers []string) (string, error) {
	found := ""
	for _, header := range headers {
		for pair := range strings.SplitSeq(header, ";") {
			name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
			if name != t.Cookie {
				continue
			}
			value = strings.Trim(value, `"`)
			if value == "" || found != "" {
				return "", unclear("Cookie")
			}
			found = value
		}
	}
	return found, nil
}

// read reads who a gateway says the client is.
func (i *Identity) read(r *Request, q *authz.Request) (known bool, err error) {
	var found [5]string // as below
	for n, name := range [5]string{i.ID, i.Roles, i.Groups, i.Email, i.Scope} {
		if name == "" {
			continue
		}
		values := r.Header(name)
		if len(values) > 1 {
			return false, unclear(name)
		}
		for _, v := range values {
			found[n] = strings.TrimSpace(v)
			if n > 0 && found[n] != "" && found[0] == "" {
				return false, &door.Error{
					Status:  http.StatusUnauthorized,
					Message: "the header " + name + " is there without " + i.ID + "; the gateway must set or remove both",
				}
			}
		}
	}
	if found[0] == "" {
		return false, nil
	}
	q.Subject = authz.Subject{
		Type: i.Type, ID: found[0], Roles: list(found[1]), Groups: list(found[2]), Email: found[3], EmailVerified: found[3] != "",
	}
	q.Scope = found[4]
	return true, nil
}

// list reads a list whose items are separated by commas.
func list(text string) []string {
	var items []string
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}

// unclear is the error for a header of which it is not clear what it says.
func unclear(header string) error {
	return &door.Error{
		Status:  http.StatusUnauthorized,
		Message: "the header " + header + " says nothing, or more than one thing, about who asks",
	}
}
