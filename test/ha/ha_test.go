// SPDX-License-Identifier: Apache-2.0

//go:build kube

package ha

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/testkit/faultproxy"
	"github.com/rolecall/rolecall/internal/testkit/live"
)

// TestHighAvailability goes through what can fail, under load, and holds every
// answer against what was written. Times are printed, never judged.
func TestHighAvailability(t *testing.T) {
	h := openHouse(t)
	h.during(t, "nothing fails", everyone(), func(*testing.T) {})
	h.during(t, "a rolling upgrade", everyone(), h.upgrade)
	h.during(t, "every replica is killed in turn", beside(), h.kill)
	h.during(t, "the leader is killed", beside(), h.killLeader)
	h.during(t, "the API server is stopped", everyone(), func(t *testing.T) { h.outage(t, syscall.SIGTERM) })
	h.during(t, "the API server is killed", everyone(), func(t *testing.T) { h.outage(t, syscall.SIGKILL) })
	h.during(t, "a replica is parted from the API server", everyone(), h.partition)
	h.during(t, "the connection to the API server dies without a word", everyone(), h.halfOpen)
	h.during(t, "the API server is slow", everyone(), h.slow)
	h.during(t, "the API server lists what is old", everyone(), h.stale)
	h.during(t, "the API server forgets the history", everyone(), h.compacted)
	for _, f := range faults() {
		h.during(t, f.name, everyone(), func(t *testing.T) { h.spoilt(t, f) })
	}
	h.during(t, "a hundred connections break", everyone(), h.reconnects)
	h.during(t, "bindings are revoked", everyone(), h.revocations)

	h.writer.mu.Lock() // nothing is written any more
	defer h.writer.mu.Unlock()
	h.load.mu.Lock()
	defer h.load.mu.Unlock()
	for _, wrong := range h.load.wrong {
		t.Error(wrong)
	}
	distinct := h.history.verify(t, h.load.answers, h.sights)
	now := h.history.now()
	t.Logf("%d different answers to %d states of the bindings and %d of the roles were as the oracle says", distinct, now.bindings+1, now.roles+1)
	if distinct < 1000 {
		t.Errorf("only %d different answers were seen", distinct)
	}
}

// upgrade replaces every replica by another process, as a Deployment does.
func (h *house) upgrade(t *testing.T) {
	for _, old := range slices.Clone(h.live) {
		h.join(t)
		h.retire(t, old)
	}
	for name, n := range h.load.peek() {
		if n.retried > 0 && (name == behindHTTP || name == behindGRPC) {
			t.Errorf("%s: %d of %d requests were broken off by an orderly end", name, n.retried, n.asked)
		}
	}
}

// retire ends a replica in order.
func (h *house) retire(t *testing.T, r *replica) {
	t.Helper()
	r.End(t, syscall.SIGTERM)
	if !strings.Contains(r.Log.String(), "msg=stopped") {
		t.Errorf("%s did not end in order: %s", r.Name, r.Log.Tail(500))
	}
	h.leave(r)
}

// peek returns the present tallies.
func (l *load) peek() map[string]tally {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := map[string]tally{}
	for name, t := range l.tallies {
		all[name] = *t
	}
	return all
}

// kill kills every replica, one after the other, and starts another for it.
func (h *house) kill(t *testing.T) {
	for _, r := range slices.Clone(h.live) {
		r.End(t, syscall.SIGKILL)
		h.traffic(t, 20)
		h.leave(r)
		h.join(t)
	}
}

var statusWrites = faultproxy.Request{Verb: faultproxy.VerbStatus}

// leader waits until a replica has written status a number of times, and returns
// it. No other one may have done so meanwhile.
func (h *house) leader(t *testing.T, times int) *replica {
	t.Helper()
	before := map[*replica]int{}
	for _, r := range h.live {
		before[r] = r.proxy.Count(statusWrites)
	}
	var leader *replica
	live.Eventually(t, "a replica writes status", func(context.Context) error {
		for _, r := range h.live {
			if r.proxy.Count(statusWrites) >= before[r]+times {
				leader = r
				return nil
			}
		}
		return errors.New("none does")
	})
	for _, r := range h.live {
		if n := r.proxy.Count(statusWrites) - before[r]; r != leader && n > 0 {
			t.Errorf("%s leads, and %s has written status %d times too", leader.Name, r.Name, n)
		}
	}
	return leader
}

// killLeader kills the one that writes status; another takes over, and writes what
// was not written.
func (h *house) killLeader(t *testing.T) {
	leader := h.leader(t, 20)
	leader.End(t, syscall.SIGKILL)
	h.leave(leader)
	killed := time.Now()
	next := h.leader(t, 1)
	t.Logf("%s writes status %s after the leader was killed", next.Name, time.Since(killed).Round(10*time.Millisecond))
	h.join(t)
	h.leader(t, 20)
	h.writer.mu.Lock()
	defer h.writer.mu.Unlock()
	live.Eventually(t, "the status of every object is written", func(ctx context.Context) error {
		var list v1alpha1.RoleBindingList
		if err := h.cluster.admin.List(ctx, &list); err != nil {
			return err
		}
		for i := range list.Items {
			if b := &list.Items[i]; b.Status.ObservedGeneration != b.Generation || len(b.Status.Conditions) == 0 {
				return fmt.Errorf("that of %s is not", b.Name)
			}
		}
		return nil
	})
	t.Logf("every status is written %s after", time.Since(killed).Round(10*time.Millisecond))
}

// outage ends the API server and starts it again. Meanwhile checks go on, and
// replicas are alive and ready.
func (h *house) outage(t *testing.T, signal syscall.Signal) {
	begin := map[*replica]int{}
	for _, r := range h.live {
		begin[r] = len(r.Log.String())
	}
	h.cluster.apiServer.End(t, signal)
	for _, r := range h.live {
		live.Eventually(t, r.Name+" says that the API server is away", func(context.Context) error { return says(r, "lost contact", begin[r]) })
	}
	h.traffic(t, 200)
	for _, r := range h.live {
		for _, probe := range []string{"/healthz", "/readyz"} {
			if status, body, err := get(t.Context(), "http://"+r.health+probe); err != nil || status != http.StatusOK {
				t.Errorf("%s: %s answers %d %s, %v", r.Name, probe, status, body, err)
			}
		}
	}
	h.cluster.startAPIServer(t)
	back := time.Now()
	h.converge(t)
	t.Logf("all replicas decide by the newest objects %s after the API server is ready", time.Since(back).Round(time.Millisecond))
	for _, r := range h.live {
		live.Eventually(t, r.Name+" says that the API server is back", func(context.Context) error { return says(r, "in contact", begin[r]) })
		if n := r.lines("lost contact", begin[r]); n != 1 {
			t.Errorf("%s says %d times that the API server is away", r.Name, n)
		}
		if n := r.lines("\n", begin[r]); n > 20 {
			t.Errorf("%s has written %d lines in one outage:\n%s", r.Name, n, r.Log.String()[begin[r]:])
		}
	}
}

func says(r *replica, text string, after int) error {
	if r.lines(text, after) == 0 {
		return fmt.Errorf("%s does not", r.Name)
	}
	return nil
}

// partition cuts one replica off. It goes on by what it has, the others by what is
// written.
func (h *house) partition(t *testing.T) {
	r, begin := h.live[0], 0
	begin = len(r.Log.String())
	r.proxy.Cut()
	live.Eventually(t, "it says so", func(context.Context) error { return says(r, "lost contact", begin) })
	old, err := newHTTPFor(r).ask(t.Context(), 0, false)
	if err != nil {
		t.Fatal(err)
	}
	h.traffic(t, 200)
	h.edits(t, 5)
	if now, err := newHTTPFor(r).ask(t.Context(), 0, false); err != nil || now.revision != old.revision {
		t.Errorf("cut off, it went from the revision %s to %s, %v", old.revision, now.revision, err)
	}
	if err := r.ready(t.Context()); err != nil {
		t.Error(err)
	}
	age, err := r.gauge(t.Context(), "rolecall_snapshot_age_seconds")
	if err != nil || age == 0 {
		t.Errorf("the age of its snapshot is %v, %v", age, err)
	}
	r.proxy.Restore()
	back := time.Now()
	h.converge(t)
	t.Logf("it decides by the newest objects %s after it can reach the API server", time.Since(back).Round(time.Millisecond))
}

// halfOpen has the connections of a replica die so that it does not hear of it.
func (h *house) halfOpen(t *testing.T) {
	h.live[1].proxy.Freeze()
	frozen := time.Now()
	h.edits(t, 5)
	h.converge(t)
	t.Logf("it decides by the newest objects %s after its connection died", time.Since(frozen).Round(time.Millisecond))
}

// slow has every request of a replica wait, those that list and watch too.
func (h *house) slow(t *testing.T) {
	r := h.live[2]
	fault := r.proxy.Inject(faultproxy.Fault{Do: faultproxy.Slow(300 * time.Millisecond)})
	defer fault.End()
	r.proxy.Drop()
	live.Eventually(t, "it lists or watches slowly", func(context.Context) error {
		if fault.Spoilt() < 4 {
			return errors.New("not yet")
		}
		return nil
	})
	h.converge(t)
}

// stale has a replica list from a server that is behind: it must not go back.
func (h *house) stale(t *testing.T) {
	r := h.live[0]
	begin := len(r.Log.String())
	behind := r.proxy.Inject(faultproxy.Fault{On: faultproxy.Request{Verb: faultproxy.VerbList}, Do: faultproxy.Stale})
	forgotten := r.proxy.Inject(faultproxy.Fault{
		On: faultproxy.Request{Verb: faultproxy.VerbWatch}, Times: 8, Do: faultproxy.Status(http.StatusGone, "Expired"),
	})
	h.edits(t, 5)
	r.proxy.Drop()
	live.Eventually(t, "it says that the API server is behind", func(context.Context) error { return says(r, "is not believed for now", begin) })
	h.traffic(t, 50)
	behind.End()
	forgotten.End()
	h.converge(t)
}

// compacted has the storage forget all but the present, while a replica is cut
// off, and the API server forget what it remembers.
func (h *house) compacted(t *testing.T) {
	r := h.live[1]
	r.proxy.Cut()
	h.edits(t, 20)
	h.cluster.compact(t)
	h.cluster.apiServer.End(t, syscall.SIGTERM)
	h.cluster.startAPIServer(t)
	lists := r.proxy.Count(faultproxy.Request{Verb: faultproxy.VerbList, Resource: "rolebindings"})
	r.proxy.Restore()
	h.converge(t)
	if n := r.proxy.Count(faultproxy.Request{Verb: faultproxy.VerbList, Resource: "rolebindings"}); n == lists {
		t.Error("it has not listed again, so that the history cannot have been forgotten")
	}
}

// fault is something that goes wrong with requests.
type fault struct {
	name  string
	fault faultproxy.Fault
}

func faults() []fault {
	list, watch := faultproxy.Request{Verb: faultproxy.VerbList, Resource: "rolebindings"}, faultproxy.Request{Verb: faultproxy.VerbWatch, Resource: "rolebindings"}
	return []fault{
		{"watches break in the middle of an event", faultproxy.Fault{On: watch, Times: 3, Do: faultproxy.Half(300)}},
		{"watches say nonsense", faultproxy.Fault{On: watch, Times: 3, Do: faultproxy.Nonsense}},
		{"lists break in the middle", faultproxy.Fault{On: list, Times: 2, Do: faultproxy.Half(300)}},
		{"lists are nonsense", faultproxy.Fault{On: list, Times: 2, Do: faultproxy.Garbage}},
		{"watches are refused with 410", faultproxy.Fault{On: watch, Times: 3, Do: faultproxy.Status(http.StatusGone, "Expired")}},
		{"requests are refused with 429", faultproxy.Fault{Times: 8, Do: faultproxy.Status(http.StatusTooManyRequests, "TooManyRequests")}},
		{"requests are refused with 500", faultproxy.Fault{Times: 8, Do: faultproxy.Status(http.StatusInternalServerError, "InternalError")}},
		{"requests are refused with 401", faultproxy.Fault{Times: 8, Do: faultproxy.Status(http.StatusUnauthorized, "Unauthorized")}},
		{"requests are broken off", faultproxy.Fault{Times: 8, Do: faultproxy.Refuse}},
	}
}

// spoilt has a fault befall a replica as often as it says. What is about lists
// comes with watches that are refused, because only then does it list.
func (h *house) spoilt(t *testing.T, f fault) {
	r := h.live[2]
	if f.fault.On.Verb == faultproxy.VerbList {
		forgotten := r.proxy.Inject(faultproxy.Fault{
			On: faultproxy.Request{Verb: faultproxy.VerbWatch, Resource: f.fault.On.Resource}, Times: 1,
			Do: faultproxy.Status(http.StatusGone, "Expired"),
		})
		defer forgotten.End()
	}
	injected := r.proxy.Inject(f.fault)
	defer injected.End()
	r.proxy.Drop()
	live.Eventually(t, "all faults have come", func(context.Context) error {
		if n := injected.Spoilt(); n < f.fault.Times {
			return fmt.Errorf("%d of %d have", n, f.fault.Times)
		}
		return nil
	})
}
