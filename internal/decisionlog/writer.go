// SPDX-License-Identifier: Apache-2.0

package decisionlog

import (
	"context"
	"time"
)

// maxBatch is the length of the lines in bytes from which on they are written
// even if more are waiting.
const maxBatch = 32 << 10

// maxGather is how long a decision waits for others, to be written with them: to
// wake for each costs more than the line. A queue of so many is not filled in a
// microsecond for each.
const maxGather = 5 * time.Millisecond

// writer makes lines of records and writes them. It belongs to one goroutine.
type writer struct {
	*Log
	lines []byte
	count int
	// failing says that the last write failed.
	failing bool
}

// run writes until ctx ends, and then what is queued.
func (w *writer) run(ctx context.Context) {
	for {
		select {
		case r := <-w.queue:
			w.add(r)
			gather(ctx, min(maxGather, time.Duration(cap(w.queue))*time.Microsecond))
			w.rest()
		case <-ctx.Done():
			w.rest()
			return
		}
	}
}

// gather waits for a while, or until ctx ends.
func gather(ctx context.Context, d time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	<-ctx.Done()
}

// rest writes what waits, as many lines at once as there are.
func (w *writer) rest() {
	for {
		select {
		case r := <-w.queue:
			w.add(r)
		default:
			w.write()
			return
		}
	}
}

func (w *writer) add(r *record) {
	w.lines = r.appendLine(w.lines)
	w.count++
	w.release(r)
	if len(w.lines) >= maxBatch {
		w.write()
	}
}

// write writes the lines so far. Lines that the output refuses are lost: if they
// waited for better times, those after them would be lost instead.
func (w *writer) write() {
	if w.count == 0 {
		return
	}
	text := w.lines
	n, err := w.options.Output.Write(text)
	switch {
	case err != nil && !w.failing:
		w.options.Logger.Error(err, "the decision log cannot be written; lines are lost until it can")
	case err == nil && w.failing:
		w.options.Logger.Info("the decision log can be written again")
	}
	w.failing = err != nil
	if err == nil {
		w.counters.Written.Add(uint64(w.count))
	} else {
		w.counters.Failed.Add(uint64(w.count))
	}
	w.lines, w.count = w.lines[:0], 0
	if err != nil && n > 0 && text[n-1] != '\n' {
		w.lines = append(w.lines, '\n') // what has been begun is a line of its own
	}
}
