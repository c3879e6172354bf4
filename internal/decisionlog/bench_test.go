// SPDX-License-Identifier: Apache-2.0

package decisionlog

import (
	"io"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/go-logr/logr"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/compile"
	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/metrics"
	"github.com/rolecall/rolecall/internal/testkit"
	"github.com/rolecall/rolecall/internal/testkit/decide"
)

const readers = `
kind: Resource
metadata: {name: document}
spec: {actions: [{name: read}]}
---
kind: Role
metadata: {name: reader}
spec: {permissions: [{resource: document, actions: [read]}]}
---
kind: RoleBinding
metadata: {name: readers}
spec: {roles: [reader], subjects: [{type: user, id: alice}], scope: "*"}
`

type provider struct{ policy authz.Checker }

func (p provider) Checker() (authz.Checker, error) { return p.policy, nil }

// BenchmarkCheck is what the log adds to a check in process, by the CPU time of
// the thread that asks: the same check without a log and with it in turn, for an
// allow at the default rate and for a deny. What the writer spends on a line, which
// nobody waits for, is beside it.
func BenchmarkCheck(b *testing.B) {
	objects, err := testkit.Objects([]byte(readers))
	if err != nil {
		b.Fatal(err)
	}
	snapshot := provider{decide.Snapshot(compile.New(decide.Env(b)), objects)}
	counters, err := metrics.New("bench")
	if err != nil {
		b.Fatal(err)
	}
	const each = 1000
	c := all()
	c.AllowSampleRate, c.QueueLength = new(0.01), each
	log := New(Options{Config: c, Output: io.Discard, Logger: logr.Discard()})
	asker := door.Asker{Provider: snapshot, Now: time.Now, Meter: counters.Door("bench")}
	recording := asker
	recording.Recorder = log.Door("bench")
	for name, user := range map[string]string{"allow": "alice", "deny": "bob"} {
		b.Run(name, func(b *testing.B) {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			w := writer{Log: log}
			var off, on, write time.Duration
			for b.Loop() {
				off += cpu(b, func() { ask(b, &asker, user, each) })
				on += cpu(b, func() { ask(b, &recording, user, each) })
				write += cpu(b, w.rest)
			}
			b.ReportMetric(float64(off)/float64(b.N*each), "off-ns/check")
			b.ReportMetric(float64(on)/float64(off), "on/off-ratio")
			b.ReportMetric(float64(write)/float64(b.N*each), "writer-ns/check")
		})
	}
	if n := log.Counters().Dropped.Load(); n > 0 {
		b.Errorf("%d lines were dropped", n)
	}
}

func ask(b *testing.B, a *door.Asker, user string, times int) {
	b.Helper()
	p, err := a.Policy(door.Origin{Namespace: testkit.Namespace, RequestID: "6bf62fee9b1ccbd2eb7cb5dce4ba8ea1"})
	if err != nil {
		b.Fatal(err)
	}
	r := authz.Request{
		Subject: authz.Subject{Type: "user", ID: user},
		Action:  authz.Action{Name: "read"}, Resource: authz.Resource{Type: "document", ID: "handbook"},
	}
	var d authz.Decision
	for range times {
		if err := p.Check(&r, &d); err != nil || d.Allowed != (user == "alice") {
			b.Fatalf("decision %+v, error %v", d, err)
		}
	}
}

// cpu returns the CPU time that the thread spends on something.
func cpu(b *testing.B, do func()) time.Duration {
	b.Helper()
	before := threadTime(b)
	do()
	return threadTime(b) - before
}

func threadTime(b *testing.B) time.Duration {
	b.Helper()
	const thread = 1 // RUSAGE_THREAD
	var used syscall.Rusage
	if err := syscall.Getrusage(thread, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
