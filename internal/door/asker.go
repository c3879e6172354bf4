// SPDX-License-Identifier: Apache-2.0

package door

import (
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
	// Provider hands out the policy.
	Provider authz.Provider
	// Now is the clock by which decisions are made.
	Now func() time.Time
	// Meter counts for this door.
	Meter Meter
}

// Policy is the policy in force when a request came, and the moment of its first
// check. Whatever one request asks, it asks of one Policy.
type Policy struct {
	asker   *Asker
	caller  Caller
	checker authz.Checker
	time    time.Time // zero before the first check
}

// Policy returns the policy in force now, for a caller that was let in. Its error
// wraps authz.ErrNotReady if there is none to decide by.
func (a *Asker) Policy(caller Caller) (Policy, error) {
	checker, err := a.Provider.Checker()
	if err != nil {
		a.Meter.Refused(statusOf(err))
		return Policy{}, err
	}
	return Policy{asker: a, caller: caller, checker: checker}, nil
}

// Check decides r at the moment of the Policy's first check, and counts the
// decision. If it returns an error there is none, and d is a deny.
func (p *Policy) Check(r *authz.Request, d *authz.Decision) error {
	start := p.asker.Now()
	if p.time.IsZero() {
		p.time = start
	}
	r.Time = p.time
	if err := p.checker.Check(r, d); err != nil {
		d.Reset()
		p.asker.Meter.Refused(statusOf(err))
		return err
	}
	p.asker.Meter.Decided(d, p.asker.Now().Sub(start))
	return nil
}

// Caller is who asks.
func (p *Policy) Caller() Caller {
	return p.caller
}

// Revision names the policy.
func (p *Policy) Revision() string {
	return p.checker.Revision()
}

func statusOf(err error) int {
	status, _ := Answer(err)
	return status
}
