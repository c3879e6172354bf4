// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"sync"
	"time"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/store"
)

// remindAfter is how long a person has before being told again what to do.
const remindAfter = 30 * time.Second

// settling is how long after it was away a server may say that it does not know a
// kind or that we lack a right: it has to read both itself when it starts.
const settling = 10 * time.Second

// trouble is why a watch does not go on.
type trouble uint8

const (
	none trouble = iota
	// away: the server cannot be reached or cannot answer.
	away
	// missing: the server does not know the kind.
	missing
	// refused: the server knows the kind and does not show it to us.
	refused
)

// classify returns what an error of a request means. One is part of the normal
// course: a version that the server has forgotten leads to a new list.
func classify(err error) trouble {
	switch {
	case err == nil, apierrors.IsResourceExpired(err), apierrors.IsGone(err):
		return none
	case apierrors.IsNotFound(err):
		return missing
	case apierrors.IsForbidden(err), apierrors.IsUnauthorized(err):
		return refused
	}
	return away
}

// contact knows how each watch fares, tells people what they need to know of it,
// and tells the sink when all watches have been heard of.
type contact struct {
	sink Sink
	log  logr.Logger
	now  func() time.Time

	mu      sync.Mutex
	watches []watchState
	lost    time.Time // when the server went away
	back    time.Time // when it was there again
}

type watchState struct {
	trouble trouble
	told    time.Time // when people were told of the trouble
	heard   bool      // since the last touch
	behind  bool      // the server has said what is older than what it said before
	// answered is since when the server, which was away, answers and does not serve
	// the watch; zero if that is not so.
	answered time.Time
}

func newContact(sink Sink, opts Options, watches int) *contact {
	return &contact{sink: sink, log: opts.Logger, now: opts.Now, watches: make([]watchState, watches)}
}

// line is one watch's way to the contact.
type line struct {
	contact *contact
	watch   int
	kind    store.Kind
}

// report says how a request went.
func (l line) report(ctx context.Context, err error) {
	switch {
	case err == nil:
		l.heard()
	case ctx.Err() != nil: // our own end is no trouble
	default:
		l.failed(err)
	}
}

// heard says that the server has said something on the watch.
func (l line) heard() {
	c := l.contact
	c.mu.Lock()
	defer c.mu.Unlock()
	w := &c.watches[l.watch]
	was := w.trouble
	w.trouble, w.heard, w.behind, w.answered = none, true, false, time.Time{}
	c.over(was, l.kind)
	for i := range c.watches {
		if !c.watches[i].heard {
			return
		}
	}
	for i := range c.watches {
		c.watches[i].heard = false
	}
	c.sink.Touch()
}

// failed tells people of new trouble, and again after a while if they can do
// something about it.
func (l line) failed(err error) {
	t := classify(err)
	if t == none {
		return
	}
	c := l.contact
	c.mu.Lock()
	defer c.mu.Unlock()
	w, now, known := &c.watches[l.watch], c.now(), c.anyAway()
	if t != away && c.comingUp(w, now) {
		return
	}
	was := w.trouble
	w.trouble = t
	if t == away {
		w.answered = time.Time{}
		if !known {
			c.lost = now
			c.log.Info("lost contact with the API server, trying again; checks go on from the last snapshot", "error", err.Error())
		}
		return
	}
	if was == away {
		c.over(was, l.kind)
	}
	if was != t || now.Sub(w.told) >= remindAfter {
		w.told = now
		c.tell(t, l.kind, err)
	}
}

// comingUp reports whether a server that was away may not be quite there yet.
func (c *contact) comingUp(w *watchState, now time.Time) bool {
	if !c.anyAway() && now.Sub(c.back) >= settling {
		return false
	}
	if w.answered.IsZero() {
		w.answered = now
	}
	return now.Sub(w.answered) < settling
}

// behind tells people, once until the watch goes on, that the server says what is
// older than what it said before.
func (l line) behind(newest, version string) {
	c := l.contact
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.watches[l.watch].behind {
		return
	}
	c.watches[l.watch].behind = true
	c.log.Info("the API server says what is older than what it said before, and is not believed for now; checks go on from the last snapshot",
		"resource", plural(l.kind)+"."+v1alpha1.GroupName, "version", version, "seen", newest, "believedAfter", credibleAfter.String())
}

func (c *contact) tell(t trouble, kind store.Kind, err error) {
	name := plural(kind) + "." + v1alpha1.GroupName
	if t == missing {
		c.log.Info("waiting for a CustomResourceDefinition that is not installed: "+
			"`kubectl apply -f config/crd/bases` installs it", "customResourceDefinition", name)
		return
	}
	c.log.Info("waiting for permission to list and watch: the role in config/rbac gives it", "resource", name, "error", err.Error())
}

// over tells people that the trouble that a watch had is gone.
func (c *contact) over(was trouble, kind store.Kind) {
	switch was {
	case none:
	case away:
		if !c.anyAway() {
			c.back = c.now()
			c.log.Info("in contact with the API server again", "after", c.back.Sub(c.lost).String())
		}
	case missing, refused:
		c.log.Info("the objects can be read now", "resource", plural(kind)+"."+v1alpha1.GroupName)
	}
}

func (c *contact) anyAway() bool {
	for i := range c.watches {
		if c.watches[i].trouble == away {
			return true
		}
	}
	return false
}
