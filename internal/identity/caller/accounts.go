// SPDX-License-Identifier: Apache-2.0

package caller

import (
	"context"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/sync/singleflight"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/door"
)

// accounts admits service accounts; without an audience, everyone who has a token
// for the API server itself.
//
// The API server's own library keeps such reviews too (k8s.io/apiserver, token
// cache and delegating authorizer). It is not used here: it does not tell a token
// that is refused from a review that failed, its cache of tokens that strangers
// send has no bound, and it encodes what is asked as JSON for every look-up.
type accounts struct {
	audience                       string
	reviewTTL, refusalTTL, outages time.Duration

	reviewer reviewer
	now      func() time.Time
	log      logr.Logger

	hasher *hasher
	// admissions are by token, namespace and permission: the one look of nearly
	// every request. tokens are by token.
	admissions, tokens *table

	flights singleflight.Group
	// slots bound the reviews that are under way, pending those that wait for one.
	slots   chan struct{}
	pending atomic.Int64
	// outage says that the last review failed; told is when the log heard of it,
	// in nanoseconds.
	outage atomic.Bool
	told   atomic.Int64
}

const (
	// reviewTimeout bounds a review, the wait for its turn included.
	reviewTimeout = 5 * time.Second
	// reviewsAtOnce is how many are under way.
	reviewsAtOnce = 16
	// reviewsPending is how many there may be that are under way or wait.
	reviewsPending = 1024
	// retryReview is how long a caller is let in again after a review that failed
	// before the next one.
	retryReview = time.Second
	// remindAfter is how long a person has before being told again.
	remindAfter = 30 * time.Second
)

func newAccounts(c *configv1alpha1.ServiceAccountCallers, o Options) (*accounts, error) {
	r, err := newReviewer(c.Audience, o)
	if err != nil {
		return nil, err
	}
	return &accounts{
		audience:  c.Audience,
		reviewTTL: c.ReviewTTL.Duration, refusalTTL: c.RefusalTTL.Duration, outages: c.OutageTTL.Duration,
		reviewer: r, now: o.Now, log: o.Logger,
		hasher: newHasher(), admissions: new(table), tokens: new(table),
		slots: make(chan struct{}, reviewsAtOnce),
	}, nil
}

// question is what a review finds out.
type question struct {
	token      string
	namespace  string
	permission door.Permission
	// path is that of a nonResourceURL, in place of namespace and permission.
	path string
	key  digest // of all
}

func (a *accounts) question(token, namespace string, p door.Permission) question {
	return question{token: token, namespace: namespace, permission: p, key: a.hasher.sum(token, namespace, string(p))}
}

// recall returns the answer that is remembered, or nil.
func (a *accounts) recall(q question) *entry {
	if known := a.admissions.get(q.key); known != nil && a.now().Before(known.until) {
		return known
	}
	return nil
}

// admit lets the owner of a token in about whom nothing is remembered.
func (a *accounts) admit(ctx context.Context, q question) (door.Caller, error) {
	now := a.now()
	expires, refusal := a.peek(q.token, now)
	if refusal != nil {
		return door.Caller{}, refusal
	}
	// Others may wait for the review too: it goes on if this caller gives up.
	flight := a.flights.DoChan(string(q.key[:]), func() (any, error) { return a.review(context.WithoutCancel(ctx), q, expires), nil })
	if known := a.admissions.get(q.key); known != nil && a.outage.Load() && now.Before(known.lapses) {
		return known.caller, nil // the flight finds out whether that still holds
	}
	select {
	case result := <-flight:
		e, _ := result.Val.(*entry)
		return answer(e.caller, e.refusal)
	case <-ctx.Done():
		return door.Caller{}, unavailable("the request was given up", ctx.Err())
	}
}

// review asks the API server, remembers what it says, and returns it. A failure
// is remembered of nobody: who was let in before stays so for a while.
func (a *accounts) review(ctx context.Context, q question, expires time.Time) *entry {
	if known := a.recall(q); known != nil {
		return known // of a flight that has just ended
	}
	ctx, cancel := context.WithTimeout(ctx, reviewTimeout)
	defer cancel()
	e, err := a.ask(ctx, q, expires)
	a.heard(err, q.token)
	if err == nil {
		a.admissions.put(e, a.now())
		return e
	}
	now := a.now()
	if known := a.admissions.get(q.key); known != nil && now.Before(known.lapses) {
		again := *known
		again.until = earlier(now.Add(retryReview), known.lapses)
		a.admissions.put(&again, now)
		return &again
	}
	return &entry{refusal: unavailable("who asks could not be reviewed; try again", err)}
}

// ask makes the reviews that are needed of a token that ends at a time, zero if it
// does not say when.
func (a *accounts) ask(ctx context.Context, q question, expires time.Time) (*entry, error) {
	done, err := a.slot(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	owner, err := a.owner(ctx, q.token, expires)
	if err != nil {
		return nil, err
	}
	e := &entry{key: q.key, caller: owner.caller, refusal: owner.refusal, until: owner.until}
	if e.refusal != nil {
		return e, nil
	}
	now := a.now()
	allowed, err := a.reviewer.access(ctx, owner.user, q)
	if err != nil {
		return nil, err
	}
	if !allowed {
		e.until = now.Add(a.refusalTTL)
		e.refusal = q.forbid(e.caller.Name)
		return e, nil
	}
	e.lapses = earlier(now.Add(a.outages), owner.lapses)
	return e, nil
}

// forbid refuses who is known and lacks the right.
func (q *question) forbid(name string) *door.Error {
	if q.path != "" {
		return mayNotRead(name, q.path)
	}
	return forbidden(name, q.namespace, q.permission,
		"bind it a role with `create` on this virtual resource there, such as the ClusterRole rolecall-"+roleOf(q.permission))
}

// roleOf is the last part of the name of the shipped ClusterRole that gives a
// permission.
func roleOf(p door.Permission) string {
	switch p {
	case door.PermissionSearch:
		return "searcher"
	case door.PermissionExplain:
		return "explainer"
	case door.PermissionPolicy:
		return "policy-reader"
	case door.PermissionCheck:
	}
	return "checker"
}

// owner returns the entry of whoever a token belongs to, or of its refusal.
func (a *accounts) owner(ctx context.Context, token string, expires time.Time) (*entry, error) {
	key := a.hasher.sum(token)
	now := a.now()
	if known := a.tokens.get(key); known != nil && now.Before(known.until) {
		return known, nil
	}
	user, err := a.reviewer.token(ctx, token)
	if err != nil {
		return nil, err
	}
	e := &entry{key: key, until: now.Add(a.refusalTTL), refusal: errRefused}
	if user != nil {
		e = &entry{
			key: key, user: user, caller: door.Caller{Name: user.Username, Method: MethodServiceAccount},
			until: earlier(now.Add(a.reviewTTL), expires), lapses: earlier(now.Add(a.outages), expires),
		}
	}
	a.tokens.put(e, now)
	return e, nil
}

var errRefused = invalid("the API server does not accept the token; send one that it issued to a service account, and that is not revoked")

// slot waits for a turn, and returns what ends it.
func (a *accounts) slot(ctx context.Context) (done func(), err error) {
	defer a.pending.Add(-1)
	if a.pending.Add(1) > reviewsPending {
		return nil, errBusy
	}
	select {
	case a.slots <- struct{}{}:
		return func() { <-a.slots }, nil
	case <-ctx.Done():
		return nil, errBusy
	}
}

// earlier returns the earlier one; the zero time is none.
func earlier(one, other time.Time) time.Time {
	if other.IsZero() || one.Before(other) {
		return one
	}
	return other
}

// heard tells people that reviews fail, again after a while, and that they do not
// any more.
func (a *accounts) heard(err error, token string) {
	if err == nil {
		if a.outage.Swap(false) {
			a.log.Info("callers can be reviewed again")
		}
		return
	}
	now := a.now().UnixNano()
	told := a.told.Load()
	if fresh := !a.outage.Swap(true); (!fresh && now-told < int64(remindAfter)) || !a.told.CompareAndSwap(told, now) {
		return
	}
	// A server that repeats what it was sent must not bring a token into the log.
	a.log.Info("callers cannot be reviewed: those that were let in stay so for a while, others are told to try again",
		"cause", strings.ReplaceAll(err.Error(), token, "[token]"))
}
