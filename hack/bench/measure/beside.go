// SPDX-License-Identifier: Apache-2.0

package measure

import (
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/rolecall/rolecall/hack/bench/engine"
)

// besideWriter measures the latency of single checks alone and while a writer
// changes assignments as fast as it can, in turns.
func (r *run) besideWriter(users []int) {
	read := r.engine.Reader(r.requests)
	next, restore := r.changer(users)
	defer restore()
	var alone, beside Latencies
	for range 4 {
		alone = append(alone, r.single(read)...)
		stop := write(next)
		beside = append(beside, r.single(read)...)
		stop()
	}
	slices.Sort(alone)
	slices.Sort(beside)
	for _, part := range []struct {
		bench string
		Latencies
	}{{"check-alone", alone}, {"check-beside-writer", beside}} {
		r.put(part.bench, "p50", part.Quantile(0.50), "ns")
		r.put(part.bench, "p99", part.Quantile(0.99), "ns")
	}
}

// write changes without a pause until it is told to stop.
func write(next func() func()) (stop func()) {
	var wg sync.WaitGroup
	done := make(chan struct{})
	wg.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				next()()
			}
		}
	})
	return func() {
		close(done)
		wg.Wait()
	}
}

// single times checks one by one. The clock costs each some 50 ns.
func (r *run) single(read engine.Reader) Latencies {
	l := make(Latencies, 0, 1<<18)
	i, yes := 0, 0
	for end := time.Now().Add(r.Slice / 2); len(l) < cap(l); i++ {
		start := time.Now()
		if start.After(end) {
			break
		}
		if read(i % len(r.requests)) {
			yes++
		}
		l = append(l, float64(time.Since(start).Nanoseconds()))
	}
	runtime.KeepAlive(yes)
	return l
}
