// SPDX-License-Identifier: Apache-2.0

package measure

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/rolecall/rolecall/hack/bench/engine"
	"github.com/rolecall/rolecall/hack/bench/workload"
)

// noise times the same small loop in every process: it says how much the machine
// differs from one to the next.
func (r *run) noise() {
	keys := workload.Table(1024, workload.UserName)
	small := map[string]int{}
	for i, k := range keys {
		small[k] = i
	}
	r.put("noise", "time", PerOp(Loop(func(i int) bool { return small[keys[i]] == i }, len(keys), r.Slice/3)), "ns")
}

func (r *run) build() error {
	before := Heap()
	if p, ok := r.engine.(engine.Preparer); ok {
		p.Prepare(r.set)
		runtime.GC() // what making the input left behind is not the engine's to collect
	}
	start := time.Now()
	if err := r.engine.Build(r.set); err != nil {
		return err
	}
	took := time.Since(start)
	heap := Heap() - before
	r.put("build", "time", float64(took.Microseconds())/1e3, "ms")
	r.put("build", "heap", heap/float64(len(r.set.Assignments)), "B")
	return nil
}

// check times decisions, and counts what they allocate.
func (r *run) check(read engine.Reader) error {
	runtime.GC()
	Loop(read, len(r.requests), r.Slice/6)
	n, size := Mallocs()
	ops, took := Loop(read, len(r.requests), r.Slice)
	n2, size2 := Mallocs()
	allocs := float64(n2-n) / float64(ops)
	r.put("check", "time", PerOp(ops, took), "ns")
	r.put("check", "allocs", allocs, "")
	r.put("check", "bytes", float64(size2-size)/float64(ops), "B")
	if r.NoAllocs && allocs > 0.01 { // the runtime's own are some in a million
		return fmt.Errorf("%.2f allocations a check, want none", allocs)
	}
	return nil
}

// parallel times decisions on all cores at once.
func (r *run) parallel() {
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		total float64 // decisions a nanosecond
	)
	for range runtime.GOMAXPROCS(0) {
		read := r.engine.Reader(r.requests)
		wg.Go(func() {
			ops, took := Loop(read, len(r.requests), r.Slice)
			mu.Lock()
			defer mu.Unlock()
			total += 1 / PerOp(ops, took)
		})
	}
	wg.Wait()
	r.put("check-parallel", "time", 1/total, "ns")
}

// changes times single changes, each seen by the next check.
func (r *run) changes() error {
	lone, others := r.users()
	if err := errors.Join(r.verifyChanges(lone), r.verifyChanges(others)); err != nil {
		return err
	}
	r.change("change", lone)
	if r.Key.Shape == workload.Grouped {
		r.change("change-member", others)
	}
	if v, ok := r.engine.(engine.Vocabulary); ok {
		r.latencies("change-role", Each(r.Slice, alternate(v.ChangeRole)))
		r.latencies("change-resource", Each(r.Slice, alternate(v.ChangeResource)))
	}
	if _, ok := r.engine.(engine.Shared); ok {
		r.besideWriter(lone)
	}
	return nil
}

// users returns up to 1,000 users of either kind, spread over all.
func (r *run) users() (lone, others []int) {
	for u := 0; u < r.set.Users && len(lone) < 1000; u += step(r.set.Users) {
		lone, others = append(lone, u), append(others, u+1)
	}
	return lone, others
}

// step leads from one lone user to another.
func step(users int) int {
	n := 1
	for !workload.Lone(n) || n < users/1000 {
		n++
	}
	return n
}

func (r *run) latencies(bench string, l Latencies) {
	if len(l) > 0 {
		r.put(bench, "p50", l.Quantile(0.50)/1e3, "us")
		r.put(bench, "p99", l.Quantile(0.99)/1e3, "us")
	}
}

func (r *run) change(bench string, users []int) {
	next, restore := r.changer(users)
	r.latencies(bench, Each(r.Slice, next))
	restore()
}

// changer returns what prepares one change after the other, each user's there and
// then back, and what brings the policy back to what it was.
func (r *run) changer(users []int) (next func() func(), restore func()) {
	i := 0
	next = func() func() {
		user := users[i/2%len(users)]
		from := r.set.Of(user)[0]
		to := workload.Assignment{Role: r.set.Spare(user), Scope: from.Scope}
		if i%2 == 1 {
			from, to = to, from
		}
		i++
		return r.engine.Change(user, from, to)
	}
	return next, func() {
		if i%2 == 1 {
			next()()
		}
	}
}

// alternate prepares the changes there and back of one after the other of 200.
func alternate(change func(int) func()) func() func() {
	i := 0
	return func() func() {
		i++
		return change((i - 1) / 2 % workload.Types)
	}
}
