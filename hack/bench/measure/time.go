// SPDX-License-Identifier: Apache-2.0

package measure

import (
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"github.com/rolecall/rolecall/hack/bench/engine"
)

// chunk is how many operations there are at most between two looks at the clock.
const chunk = 1024

// Loop lets a reader answer n requests in turn for some time, and returns how
// many it answered and how long that took.
func Loop(read engine.Reader, n int, slice time.Duration) (ops int, took time.Duration) {
	i, yes, step := 0, 0, 1
	start := time.Now()
	for took < slice {
		for range step {
			if read(i) {
				yes++
			}
			if i++; i == n {
				i = 0
			}
		}
		ops += step
		step = min(2*step, chunk)
		took = time.Since(start)
	}
	runtime.KeepAlive(yes) // so that the compiler leaves nothing out
	return ops, took
}

// PerOp returns nanoseconds for each operation.
func PerOp(ops int, took time.Duration) float64 { return float64(took.Nanoseconds()) / float64(ops) }

// Mallocs returns how many allocations, and of how many bytes, there have been.
func Mallocs() (n, size uint64) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Mallocs, m.TotalAlloc
}

// Heap returns the live heap, in bytes.
func Heap() float64 {
	for range 3 { // finalizers and pools need more than one
		runtime.GC()
	}
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// Latencies are durations of single operations, in nanoseconds.
type Latencies []float64

// Each calls next until the time is over, or it has returned nil, and times what
// it returns.
func Each(slice time.Duration, next func() func()) Latencies {
	var l Latencies
	for end := time.Now().Add(slice); time.Now().Before(end); {
		do := next()
		if do == nil {
			break
		}
		start := time.Now()
		do()
		l = append(l, float64(time.Since(start).Nanoseconds()))
	}
	slices.Sort(l)
	return l
}

// Quantile returns the value below which a part of sorted latencies lies; 0 of
// none.
func (l Latencies) Quantile(part float64) float64 {
	if len(l) == 0 {
		return 0
	}
	return l[int(part*float64(len(l)-1))]
}
