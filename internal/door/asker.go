// SPDX-License-Identifier: Apache-2.0

package door

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/rolecall/rolecall/internal/authz"
)

// Meter counts what a door decides. Its methods are called on the path of every
// check: they take no lock and allocate nothing.
type Meter interface {
	// Decided counts a decision and the time that it took.
	Decided(d *authz.Decision, took time.Duration)
	// Refused counts a check that ended without a decision, by the HTTP status
	// that the client is told.
	Refused(status int)
}

// Asker is a door's way to the policy. It is safe for concurrent use.
type Asker struct {
	// Gate lets callers in. There is always one: Anyone is for those who ask for
	// no proof.
	Gate Gate
	// Provider hands out the policy.
	Provider authz.Provider
	// Now is the clock by which decisions are made.
	Now func() time.Time
	// Meter counts for this door.
	Meter Meter
	// Recorder writes this door's decisions down; nil if nobody does.
	Recorder Recorder
}

// Policy is the policy in force when a request came, and the moment of its first
// check. Whatever one request asks, it asks of one Policy.
type Policy struct {
	asker   *Asker
	origin  Origin
	checker authz.Checker
	time    time.Time // zero before the first check
}

// Admit lets the caller of a request in, before anything else of the request is
// read: it returns the origin with the caller in it. A door names what its
// endpoint asks for here, and nowhere else. A refusal is counted and recorded.
func (a *Asker) Admit(ctx context.Context, c Credentials, o Origin, p Permission) (Origin, error) {
	caller, err := a.Gate.Admit(ctx, c, o.Namespace, p)
	if err != nil {
		a.Refused(o, err)
		return o, err
	}
	o.Caller = caller
	return o, nil
}

// Policy returns the policy in force now, for a request whose caller was let in,
// and has the request's answer bear its revision.
// Its error wraps authz.ErrNotReady if there is none to decide by.
func (a *Asker) Policy(o Origin) (Policy, error) {
	checker, err := a.Provider.Checker()
	if err != nil {
		a.Refused(o, err)
		return Policy{}, err
	}
	if o.answer != nil {
		o.answer.bear(headerOf(checker.Revision()))
	}
	return Policy{asker: a, origin: o, checker: checker}, nil
}

// Refused counts and records a check that ends with an error before there is a
// Policy to ask: a caller that is not let in, a token that proves nothing.
func (a *Asker) Refused(o Origin, err error) {
	status, _ := Answer(err)
	a.Meter.Refused(status)
	if a.Recorder != nil {
		a.Recorder.Refused(o, a.Now(), status)
	}
}

// Check decides r, in the namespace of the request's origin and at the moment of
// the Policy's first check, and counts and records the decision. If it returns
// an error there is none, and d is a deny.
func (p *Policy) Check(r *authz.Request, d *authz.Decision) error {
	start := p.asker.Now()
	p.settle(r, start)
	if err := p.checker.Check(r, d); err != nil {
		d.Reset()
		p.Refused(err)
		return err
	}
	took := p.asker.Now().Sub(start)
	p.asker.Meter.Decided(d, took)
	if recorder := p.asker.Recorder; recorder != nil {
		recorder.Decided(Record{Origin: p.origin, Request: r, Decision: d, Revision: p.checker.Revision(), Took: took})
	}
	return nil
}

// settle gives a request the namespace and the moment that it is asked about.
func (p *Policy) settle(r *authz.Request, now time.Time) {
	if p.time.IsZero() {
		p.time = now
	}
	r.Namespace, r.Time = p.origin.Namespace, p.time
}

// Permissions returns what the subject of r may do, as authz.Enumerator does, in
// the namespace of the request's origin and at the moment of the Policy's first
// question. It decides nothing, so only an error is counted and recorded.
func (p *Policy) Permissions(r *authz.Request) ([]authz.Permission, error) {
	return enumerate(p, r, authz.Enumerator.Permissions)
}

// Held returns the roles that the subject of r holds, likewise.
func (p *Policy) Held(r *authz.Request) ([]authz.HeldRole, error) {
	return enumerate(p, r, authz.Enumerator.Held)
}

// Export returns what the roles of the origin's namespace allow for certain,
// likewise.
func (p *Policy) Export() (*authz.Policy, error) {
	return enumerate(p, &authz.Request{}, func(e authz.Enumerator, r *authz.Request) (*authz.Policy, error) { return e.Policy(r.Namespace) })
}

// Explain tells why a request is decided as it is, at a moment; a zero one is now.
// It decides nothing, so only an error is counted and recorded.
func (p *Policy) Explain(r *authz.Request, at time.Time) (*authz.Explanation, error) {
	x, ok := p.checker.(authz.Explainer)
	if !ok {
		err := &Error{Status: http.StatusNotImplemented, Message: "this server explains no decisions"}
		p.Refused(err)
		return nil, err
	}
	p.settle(r, p.asker.Now())
	if !at.IsZero() {
		r.Time = at
	}
	e, err := x.Explain(r)
	if err != nil {
		p.Refused(err)
	}
	return e, err
}

func enumerate[T any](p *Policy, r *authz.Request, what func(authz.Enumerator, *authz.Request) (T, error)) (T, error) {
	e, ok := p.checker.(authz.Enumerator)
	if !ok {
		err := &Error{Status: http.StatusNotImplemented, Message: "this server lists no permissions"}
		p.Refused(err)
		var none T
		return none, err
	}
	p.settle(r, p.asker.Now())
	all, err := what(e, r)
	if err != nil {
		p.Refused(err)
	}
	return all, err
}

// Search finds who may, to what, or what may be done, as authz.Searcher does,
// likewise. It settles the namespace and the time of the request.
func (p *Policy) Search(ctx context.Context, q *authz.Search) (authz.Found, error) {
	s, ok := p.checker.(authz.Searcher)
	if !ok {
		err := &Error{Status: http.StatusNotImplemented, Message: "this server does not search"}
		p.Refused(err)
		return authz.Found{}, err
	}
	p.settle(&q.Request, p.asker.Now())
	found, err := s.Search(ctx, q)
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		err = GivenUp(err)
	}
	if err != nil {
		p.Refused(err)
	}
	return found, err
}

// Route finds what an HTTP request means by the routes of the namespace, as
// authz.Router does. It decides nothing, so only an error is counted and recorded.
func (p *Policy) Route(r *authz.HTTPRequest, m *authz.RouteMatch) error {
	router, ok := p.checker.(authz.Router)
	if !ok {
		err := &Error{Status: http.StatusNotImplemented, Message: "this server knows no routes"}
		p.Refused(err)
		return err
	}
	err := router.Route(p.origin.Namespace, r, m)
	if err != nil {
		p.Refused(err)
	}
	return err
}

// Refused counts and records a check that ends with an error before it is asked:
// one that cannot be decoded.
func (p *Policy) Refused(err error) {
	p.asker.Refused(p.origin, err)
}

// Namespace is the one whose policy is asked.
func (p *Policy) Namespace() string {
	return p.origin.Namespace
}

// Caller is who asks.
func (p *Policy) Caller() Caller {
	return p.origin.Caller
}

// Revision names the policy.
func (p *Policy) Revision() string {
	return p.checker.Revision()
}
