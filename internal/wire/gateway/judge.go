// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"

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

// Address returns the address of a client from a text, in the one way to spell it;
// empty if the text is none.
func Address(text string) string {
	ip, err := netip.ParseAddr(text)
	if err != nil {
		return ""
	}
	if ip.Is4() {
		return text // nearly all: it is spelled in one way only
	}
	return ip.Unmap().WithZone("").String()
}

// Answer is what becomes of a request. Its memory is used again: who asked for it
// reads it until Release.
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

	source   source
	policy   door.Policy
	match    authz.RouteMatch
	request  authz.Request
	decision authz.Decision
	// context and headers are what conditions see.
	context, headers map[string]any
}

// answers wait for the next request.
var answers = sync.Pool{New: func() any {
	return &Answer{context: make(map[string]any), headers: make(map[string]any)}
}}

// Release gives the memory of an answer back, with nothing of the request in it.
func (a *Answer) Release() {
	clear(a.context)
	clear(a.headers)
	clear(a.match.Captures)
	clear(a.decision.Roles)
	a.decision.Reset()
	*a = Answer{
		match: authz.RouteMatch{Captures: a.match.Captures[:0]}, decision: a.decision,
		context: a.context, headers: a.headers,
	}
	answers.Put(a)
}

// Judge decides about a request. Whatever the client can bring about is an answer;
// an error is one only because there can be no decision now, and means that it is
// not known whether the client may.
func (g *Gateways) Judge(ctx context.Context, o door.Origin, s *Settings, r *Request) (*Answer, error) {
	a, _ := answers.Get().(*Answer)
	if err := a.judge(ctx, g, o, s, r); err != nil {
		a.Release()
		return nil, err
	}
	return a, nil
}

func (a *Answer) judge(ctx context.Context, g *Gateways, o door.Origin, s *Settings, r *Request) (err error) {
	if a.policy, err = g.Asker.Policy(o); err != nil {
		return err
	}
	if err := a.policy.Route(&r.HTTPRequest, &a.match); err != nil {
		return err
	}
	if a.match.Outcome != authz.RouteFound {
		a.policy.Refused(errNoMeaning)
		a.deny(s, a.match.Outcome.String())
		return nil
	}
	q := &a.request
	q.Action.Name, q.Context = a.match.Action, a.see(s, r)
	if a.source, err = g.who(ctx, o.Namespace, s, r, q); err != nil {
		a.policy.Refused(err)
		return a.refuse(ctx, err)
	}
	q.Resource = resource(&a.match)
	if err := a.policy.Check(q, &a.decision); err != nil {
		return a.undecided(s, err)
	}
	a.decided(s, o.Namespace)
	return nil
}

// decided says what the decision means for the client.
func (a *Answer) decided(s *Settings, namespace string) {
	if a.decision.Allowed {
		a.Allowed, a.Status = true, http.StatusOK
	} else {
		a.deny(s, "")
		if a.source == byNobody && s.Token != nil {
			a.Status, a.Body, a.Challenge = http.StatusUnauthorized, "authentication is required", `Bearer realm="`+namespace+`"`
		}
	}
	a.Reason, a.Subject, a.Decision, a.Revision = a.decision.Reason.String(), &a.request.Subject, &a.decision, a.policy.Revision()
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

// see returns what conditions see of a request.
func (a *Answer) see(s *Settings, r *Request) map[string]any {
	for _, name := range s.ContextHeaders {
		if values := r.Header(name); len(values) > 0 {
			a.headers[strings.ToLower(name)] = strings.Join(values, ",")
		}
	}
	c := a.context
	c["method"], c["path"], c["headers"] = r.Method, r.Path, a.headers
	if r.Host != "" {
		c["host"] = r.Host
	}
	if r.Source != "" {
		c["source_address"] = r.Source
	}
	return c
}

func (a *Answer) deny(s *Settings, reason string) {
	a.Status, a.Body, a.Reason = s.DeniedStatus, s.DeniedBody, reason
}

// refuse answers a client whose proof does not count. That it could not be looked at,
// because something did not answer or the time was up, says nothing about the client.
func (a *Answer) refuse(ctx context.Context, err error) error {
	status, message := door.Answer(err)
	if status != http.StatusUnauthorized || ctx.Err() != nil {
		return err
	}
	a.Status, a.Body, a.Reason = status, message, "Unauthenticated"
	if e, ok := errors.AsType[*door.Error](err); ok {
		a.Challenge = e.Challenge
	}
	return nil
}

// undecided answers a request that cannot be decided as it stands. Where it is the
// client's doing it is a deny.
func (a *Answer) undecided(s *Settings, err error) error {
	if _, ok := errors.AsType[*authz.RequestError](err); ok {
		a.deny(s, "InvalidRequest")
		return nil
	}
	return err
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
