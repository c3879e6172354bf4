// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/door"
)

// Request is an HTTP request that a gateway asks about.
type Request struct {
	authz.HTTPRequest
	// Source is the client's address; empty if it is not known.
	Source string
	// Principal is what the client's certificate proves; empty if it proves nothing.
	Principal string
	// Header returns the values of a header of the request.
	Header func(name string) []string
}

// Answer is what becomes of a request.
type Answer struct {
	Allowed bool
	// Status, Body and Challenge answer a client that may not: the HTTP status, text
	// for the client, and the value of WWW-Authenticate, empty if there is none.
	Status    int
	Body      string
	Challenge string
	// Reason says why, for the gateway and not for the client.
	Reason string
	// Subject is whose request it is, Decision what was decided and Revision by which
	// policy; nil and empty if nothing was.
	Subject  *authz.Subject
	Decision *authz.Decision
	Revision string

	source source
}

// Judge decides about a request. Whatever the client can bring about is an answer;
// an error is one only because there can be no decision now, and means that it is
// not known whether the client may.
func (g *Gateways) Judge(ctx context.Context, o door.Origin, s *Settings, r *Request) (Answer, error) {
	policy, err := g.Asker.Policy(o)
	if err != nil {
		return Answer{}, err
	}
	var match authz.RouteMatch
	if err := policy.Route(&r.HTTPRequest, &match); err != nil {
		return Answer{}, err
	}
	if match.Outcome != authz.RouteFound {
		policy.Refused(errNoMeaning)
		return s.denied(match.Outcome.String()), nil
	}
	q := authz.Request{Action: authz.Action{Name: match.Action}, Context: s.context(r)}
	source, err := g.who(ctx, o.Namespace, s, r, &q)
	if err != nil {
		policy.Refused(err)
		return refused(ctx, err)
	}
	q.Resource = resource(&match)
	var d authz.Decision
	if err := policy.Check(&q, &d); err != nil {
		return s.undecided(err)
	}
	answer := Answer{Allowed: true, Status: http.StatusOK}
	if !d.Allowed {
		answer = s.denied("")
		if source == byNobody && s.Token != nil {
			answer.Status, answer.Body, answer.Challenge = http.StatusUnauthorized, "authentication is required", `Bearer realm="`+o.Namespace+`"`
		}
	}
	answer.Reason, answer.Subject, answer.Decision, answer.Revision = d.Reason.String(), &q.Subject, &d, policy.Revision()
	answer.source = source
	return answer, nil
}

// errNoMeaning counts and records a request that no route gives a meaning.
var errNoMeaning = &door.Error{Status: http.StatusForbidden, Message: "no route gives the request a meaning"}

// resource is what a request is about. What a path says is the client's to choose.
func resource(m *authz.RouteMatch) authz.Resource {
	r := authz.Resource{Type: m.Type}
	for _, c := range m.Captures {
		if c.Name == "id" {
			r.ID = c.Value
			continue
		}
		if r.Captured == nil {
			r.Captured = make(map[string]any, len(m.Captures))
		}
		r.Captured[c.Name] = c.Value
	}
	return r
}

// noHeaders is what conditions see of headers that they are not to see.
var noHeaders = map[string]any{}

// context is what conditions see of a request.
func (s *Settings) context(r *Request) map[string]any {
	headers := noHeaders
	if len(s.ContextHeaders) > 0 {
		headers = make(map[string]any, len(s.ContextHeaders))
	}
	for _, name := range s.ContextHeaders {
		if values := r.Header(name); len(values) > 0 {
			headers[strings.ToLower(name)] = strings.Join(values, ",")
		}
	}
	c := map[string]any{"method": r.Method, "path": r.Path, "headers": headers}
	if r.Host != "" {
		c["host"] = r.Host
	}
	if r.Source != "" {
		c["source_address"] = r.Source
	}
	return c
}

func (s *Settings) denied(reason string) Answer {
	return Answer{Status: s.DeniedStatus, Body: s.DeniedBody, Reason: reason}
}

// refused is the answer to a client whose proof does not count. That it could not be
// looked at, because something did not answer or the time was up, says nothing about
// the client.
func refused(ctx context.Context, err error) (Answer, error) {
	status, message := door.Answer(err)
	if status != http.StatusUnauthorized || ctx.Err() != nil {
		return Answer{}, err
	}
	a := Answer{Status: status, Body: message, Reason: "Unauthenticated"}
	if e, ok := errors.AsType[*door.Error](err); ok {
		a.Challenge = e.Challenge
	}
	return a, nil
}

// undecided is the answer to a request that cannot be decided as it stands. Where it
// is the client's doing it is a deny.
func (s *Settings) undecided(err error) (Answer, error) {
	if _, ok := errors.AsType[*authz.RequestError](err); ok {
		return s.denied("InvalidRequest"), nil
	}
	return Answer{}, err
}

// Header is a header of an allowed request.
type Header struct{ Name, Value string }

// Headers returns the headers of an allowed request. None of them is ever missing or
// empty, because a gateway might then pass on the client's own.
func (s *Settings) Headers(a *Answer) [3]Header {
	return [3]Header{
		{s.Subject, escape(a.Subject.ID)}, {s.SubjectType, escape(a.Subject.Type)}, {s.Roles, escape(strings.Join(a.Decision.Roles, ","))},
	}
}

// Unproven returns the headers of a request that say who asks and were not believed,
// because the subject comes from elsewhere: the application must not believe them
// either.
func (s *Settings) Unproven(r *Request, a *Answer) []string {
	if s.Identity == nil || a.source == byHeaders {
		return nil
	}
	return slices.DeleteFunc(s.Identity.names(), func(name string) bool { return len(r.Header(name)) == 0 })
}

// escape percent-encodes what is not visible ASCII, and the percent sign.
func escape(s string) string {
	const digits = "0123456789ABCDEF"
	plain := func(c byte) bool { return c > ' ' && c < 0x7f && c != '%' }
	for i := range len(s) {
		if plain(s[i]) {
			continue
		}
		b := append(make([]byte, 0, len(s)+8), s[:i]...)
		for _, c := range []byte(s[i:]) {
			if plain(c) {
				b = append(b, c)
			} else {
				b = append(b, '%', digits[c>>4], digits[c&15])
			}
		}
		return string(b)
	}
	return s
}
