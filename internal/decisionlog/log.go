// SPDX-License-Identifier: Apache-2.0

package decisionlog

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/door"
)

// Options are what a log needs. All fields are required.
type Options struct {
	// Config is valid, with its defaults filled in.
	Config *configv1alpha1.DecisionLog
	// Output is where the lines go; see Open.
	Output io.Writer
	// Logger is for the log's own faults.
	Logger logr.Logger
}

// Log writes decisions down. It is safe for concurrent use.
type Log struct {
	options Options
	// rate is the share of the allows that are recorded, by what random returns:
	// numbers in [0, 1).
	rate     float64
	random   func() float64
	include  []property
	queue    chan *record
	records  sync.Pool
	counters Counters
}

// Counters count lines by what became of them.
type Counters struct {
	// Written are in the output.
	Written atomic.Uint64
	// Dropped found no room in the queue.
	Dropped atomic.Uint64
	// Failed could not be written, because the output refused them.
	Failed atomic.Uint64
}

// New returns a log that takes decisions, and writes them once it runs.
func New(o Options) *Log {
	return &Log{
		options: o,
		rate:    *o.Config.AllowSampleRate,
		random:  rand.Float64,
		include: properties(&o.Config.Properties),
		queue:   make(chan *record, o.Config.QueueLength),
		records: sync.Pool{New: func() any { return new(record) }},
	}
}

// Counters counts the lines of the log.
func (l *Log) Counters() *Counters { return &l.counters }

// Door returns the recorder of a door.
func (l *Log) Door(name string) door.Recorder {
	return &recorder{log: l, door: name}
}

// recorder records what one door decides.
type recorder struct {
	log  *Log
	door string
}

// Decided implements door.Recorder. Of the allows it records a sample.
func (r *recorder) Decided(d door.Record) {
	l := r.log
	if d.Decision.Allowed && l.random() >= l.rate {
		return
	}
	to := l.take()
	to.decided(r.door, &d, l.include)
	l.put(to)
}

// Refused implements door.Recorder.
func (r *recorder) Refused(o door.Origin, at time.Time, status int) {
	to := r.log.take()
	to.refused(r.door, &o, at, status)
	r.log.put(to)
}

func (l *Log) take() *record {
	r, _ := l.records.Get().(*record)
	return r
}

// put queues a record, or drops it: a check does not wait.
func (l *Log) put(r *record) {
	select {
	case l.queue <- r:
	default:
		l.counters.Dropped.Add(1)
		l.release(r)
	}
}

// release gives the memory of a record back.
func (l *Log) release(r *record) {
	if r.reset() {
		l.records.Put(r)
	}
}

// Run writes until ctx ends, and then what is still queued, for at most the time
// that flush grants. End ctx when nothing is decided any more. The output is not
// closed.
func (l *Log) Run(ctx context.Context, flush time.Duration) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		w := writer{Log: l}
		w.run(ctx)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), flush)
	defer cancel()
	select {
	case <-done:
		return nil
	case <-late.Done():
		return fmt.Errorf("the decision log could not be written to its end within %s; some lines are lost", flush)
	}
}
