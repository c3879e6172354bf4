// SPDX-License-Identifier: Apache-2.0

package decisionlog

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr/funcr"
	"github.com/google/go-cmp/cmp"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/testkit/logs"
)

// long is how long these tests wait for what happens at once.
const long = time.Minute

func all() *configv1alpha1.DecisionLog {
	return &configv1alpha1.DecisionLog{AllowSampleRate: new(1.0), QueueLength: 100}
}

// written returns what a log of this configuration writes of what do records.
func written(t *testing.T, c *configv1alpha1.DecisionLog, do func(*Log)) string {
	t.Helper()
	var out bytes.Buffer
	l := New(Options{Config: c, Output: &out, Logger: logs.New(t)})
	do(l)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Run(ctx, long); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// at is the moment of every decision here, in a zone of its own.
func at() time.Time {
	return time.Date(2026, 1, 31, 13, 0, 0, 1200, time.FixedZone("", 3600))
}

// granted is a decision with everything that a line can show.
func granted() door.Record {
	return door.Record{
		Origin: door.Origin{
			Namespace: "shop", RequestID: "r-1",
			Caller: door.Caller{Name: "system:serviceaccount:shop:checkout", Method: "serviceaccount"},
		},
		Request: &authz.Request{
			Namespace: "shop", Time: at(), Scope: "org:acme",
			Subject: authz.Subject{
				Type: "user", ID: "alice", Roles: []string{"secret-role"}, Groups: []string{"secret-group", "b"},
				Email: "secret@example.com", SSOConnections: []string{"secret-connection"},
				Properties: map[string]any{"department": "it", "password": "secret"},
			},
			Action:   authz.Action{Name: "read", Properties: map[string]any{"why": "secret"}},
			Resource: authz.Resource{Type: "document", ID: "d1", Properties: map[string]any{"owner": "secret"}},
			Context:  map[string]any{"ip": "secret"},
		},
		Decision: &authz.Decision{Allowed: true, Reason: authz.ReasonGranted, Roles: []string{"editor", "viewer"}},
		Revision: "00ff", Took: 1234 * time.Nanosecond,
	}
}

func denied() door.Record {
	return door.Record{
		Origin: door.Origin{Namespace: "shop", RequestID: "r-2"},
		Request: &authz.Request{
			Time: at(), Subject: authz.Subject{Type: "user", ID: "bob"},
			Action: authz.Action{Name: "read"}, Resource: authz.Resource{Type: "document"},
		},
		Decision: &authz.Decision{Reason: authz.ReasonNoRole},
		Revision: "00ff", Took: 2 * time.Millisecond,
	}
}

// TestLines: this is what a line looks like, to the byte; docs/decision-log.md
// describes it.
func TestLines(t *testing.T) {
	got := written(t, all(), func(l *Log) {
		d := l.Door("authzen")
		d.Decided(granted())
		d.Decided(denied())
		d.Refused(door.Origin{Namespace: "shop", RequestID: "r-3"}, at(), http.StatusBadRequest)
	})
	want := `{"time":"2026-01-31T12:00:00.000001200Z","door":"authzen","requestID":"r-1",` +
		`"caller":{"name":"system:serviceaccount:shop:checkout","method":"serviceaccount"},"namespace":"shop",` +
		`"subject":{"type":"user","id":"alice","roles":1,"groups":2},"action":"read","resource":{"type":"document","id":"d1"},` +
		`"scope":"org:acme","decision":"allow","reason":"Granted","roles":["editor","viewer"],"revision":"00ff","latencyMicroseconds":1.234}
{"time":"2026-01-31T12:00:00.000001200Z","door":"authzen","requestID":"r-2","namespace":"shop",` +
		`"subject":{"type":"user","id":"bob"},"action":"read","resource":{"type":"document","id":""},` +
		`"decision":"deny","reason":"NoRole","roles":[],"revision":"00ff","latencyMicroseconds":2000}
{"time":"2026-01-31T12:00:00.000001200Z","door":"authzen","requestID":"r-3","namespace":"shop","decision":"error","status":400}
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

// TestLongTexts: a line is bounded, valid and says where something was left out.
func TestLongTexts(t *testing.T) {
	d := denied()
	d.Request.Subject.ID = strings.Repeat("ä", 10_000)
	d.Request.Resource.ID = strings.Repeat("x", maxText)
	d.Request.Action.Name = "a\n\xff\"b"
	for i := range maxRoles + 7 {
		d.Decision.Roles = append(d.Decision.Roles, fmt.Sprint("role-", i))
	}
	line := written(t, all(), func(l *Log) { l.Door("x").Decided(d) })
	var got struct {
		Subject, Resource struct{ ID string }
		Action            string
		Roles             []string
		MoreRoles         int
	}
	if err := json.Unmarshal([]byte(line), &got); err != nil {
		t.Fatalf("%v in %s", err, line)
	}
	if want := strings.Repeat("ä", (maxText-len(ellipsis))/2) + ellipsis; got.Subject.ID != want {
		t.Errorf("the subject is %d bytes long, ending with %q; want %d", len(got.Subject.ID), got.Subject.ID[len(got.Subject.ID)-5:], len(want))
	}
	if got.Resource.ID != d.Request.Resource.ID {
		t.Error("an id of the most bytes is not whole")
	}
	if got.Action != "a\n\uFFFD\"b" {
		t.Errorf("the action is %q", got.Action)
	}
	if len(got.Roles) != maxRoles || got.MoreRoles != 7 {
		t.Errorf("%d roles and %d more, want %d and 7", len(got.Roles), got.MoreRoles, maxRoles)
	}
}

// TestSample: each allow is drawn by itself, every other decision is written.
func TestSample(t *testing.T) {
	c := all()
	for _, tt := range []struct {
		rate float64
		want string
	}{
		{0, "bob bob bob bob"},
		{0.5, "bob alice bob bob bob"},
		{1, "alice bob alice bob alice bob alice bob"},
	} {
		c.AllowSampleRate = &tt.rate
		text := written(t, c, func(l *Log) {
			numbers := []float64{0.5, 0.499, 0.999999, 0.75}
			l.random = func() float64 {
				n := numbers[0]
				numbers = numbers[1:]
				return n
			}
			for range 4 {
				l.Door("authzen").Decided(granted())
				l.Door("authzen").Decided(denied())
			}
		})
		var ids []string
		for line := range strings.Lines(text) {
			var got struct{ Subject struct{ ID string } }
			if err := json.Unmarshal([]byte(line), &got); err != nil {
				t.Fatal(err)
			}
			ids = append(ids, got.Subject.ID)
		}
		if got := strings.Join(ids, " "); got != tt.want {
			t.Errorf("at the rate %v: %s, want %s", tt.rate, got, tt.want)
		}
	}
}

// TestItKeepsNothing: whoever asked may use everything again at once.
func TestItKeepsNothing(t *testing.T) {
	c := all()
	c.Properties.Include = []string{"context"}
	inOrder := written(t, c, func(l *Log) {
		l.Door("x").Decided(granted())
	})
	later := written(t, c, func(l *Log) {
		d := granted()
		l.Door("x").Decided(d)
		d.Request.Subject.ID = "somebody else"
		d.Request.Context["ip"] = "elsewhere"
		d.Decision.Roles[0] = "nobody"
		d.Decision.Reset()
	})
	if diff := cmp.Diff(inOrder, later); diff != "" {
		t.Errorf("a line has changed after the decision:\n%s", diff)
	}
}

// TestAFullQueueDrops: a check does not wait, and what is lost is counted.
func TestAFullQueueDrops(t *testing.T) {
	c := all()
	c.QueueLength = 3
	var counters *Counters
	text := written(t, c, func(l *Log) {
		counters = l.Counters()
		for range 5 {
			l.Door("x").Decided(granted())
		}
	})
	if n := strings.Count(text, "\n"); n != 3 || counters.Written.Load() != 3 || counters.Dropped.Load() != 2 {
		t.Errorf("%d lines, %d counted, %d dropped; want 3, 3 and 2", n, counters.Written.Load(), counters.Dropped.Load())
	}
}

// TestManyAtOnce: every line is whole, and every decision is accounted for.
func TestManyAtOnce(t *testing.T) {
	var out bytes.Buffer
	l := New(Options{Config: all(), Output: &out, Logger: logs.New(t)})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx, long) }()
	var asking sync.WaitGroup
	const askers, each = 8, 500
	for range askers {
		asking.Go(func() {
			for range each {
				l.Door("x").Decided(denied())
				l.Door("y").Refused(door.Origin{}, at(), http.StatusNotFound)
			}
		})
	}
	asking.Wait()
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	lines := 0
	for line := range strings.Lines(out.String()) {
		lines++
		if !json.Valid([]byte(line)) {
			t.Errorf("not JSON: %s", line)
		}
	}
	c := l.Counters()
	if c.Written.Load() != uint64(lines) || c.Written.Load()+c.Dropped.Load() != 2*askers*each {
		t.Errorf("%d lines, %d written and %d dropped of %d", lines, c.Written.Load(), c.Dropped.Load(), 2*askers*each)
	}
}

// moody is an output that refuses the writes of these numbers, after some bytes.
type moody struct {
	bytes.Buffer
	refuse []int
	writes int
}

func (m *moody) Write(b []byte) (int, error) {
	m.writes++
	if slices.Contains(m.refuse, m.writes) {
		n, _ := m.Buffer.Write(b[:10])
		return n, errors.New("disk full")
	}
	return m.Buffer.Write(b)
}

// TestAnOutputThatRefuses: the fault is told once, the lines are counted, and the
// next line is one by itself again.
func TestAnOutputThatRefuses(t *testing.T) {
	var told []string
	out := &moody{refuse: []int{2, 3}}
	l := New(Options{
		Config: all(), Output: out,
		Logger: funcr.New(func(_, args string) { told = append(told, args) }, funcr.Options{}),
	})
	w := writer{Log: l}
	for range 4 {
		l.Door("x").Decided(denied())
		w.rest()
	}
	c := l.Counters()
	if c.Written.Load() != 2 || c.Failed.Load() != 2 {
		t.Errorf("%d written, %d failed; want 2 and 2", c.Written.Load(), c.Failed.Load())
	}
	if len(told) != 2 || !strings.Contains(told[0], "disk full") || !strings.Contains(told[1], "again") {
		t.Errorf("the log says %q, want that it fails and that it goes on", told)
	}
	valid := 0
	for line := range strings.Lines(out.String()) {
		if json.Valid([]byte(line)) {
			valid++
		}
	}
	if valid != 2 {
		t.Errorf("%d lines are good, want 2:\n%s", valid, out)
	}
}

// stuck is an output that never returns from a write, until the test ends.
type stuck struct{ writing, release chan struct{} }

func (s *stuck) Write(b []byte) (int, error) {
	close(s.writing)
	<-s.release
	return len(b), nil
}

// TestAStuckOutputDoesNotStopTheEnd: what cannot be written in time is lost, and
// that is said.
func TestAStuckOutputDoesNotStopTheEnd(t *testing.T) {
	out := &stuck{make(chan struct{}), make(chan struct{})}
	defer close(out.release)
	l := New(Options{Config: all(), Output: out, Logger: logs.New(t)})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx, time.Millisecond) }()
	l.Door("x").Decided(denied())
	<-out.writing
	cancel()
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "lines are lost") {
		t.Errorf("error %v, want one that says so", err)
	}
}
