// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"
)

// LoadPlan says what to ask while something else goes on. Two questions take
// turns, one that is allowed and one that is denied, so that a replica without a
// policy cannot look well.
type LoadPlan struct {
	Allowed Question `json:"allowed"`
	Denied  Question `json:"denied"`
	// Clients is how many ask at a time. Of four, one keeps its connection, one asks
	// over gRPC, and two make a connection for each request, as short-lived programs do.
	Clients int `json:"clients"`
	// Rate is how many requests a second they make together.
	Rate int `json:"rate"`
	// Pause is the time between a broken request and its only retry.
	Pause time.Duration `json:"pause"`
	// Hold has the retries wait until the load is told to release them.
	Hold bool `json:"hold"`
}

// LoadReport says how it went.
type LoadReport struct {
	Requests int `json:"requests"`
	// Broken is how many found the connection refused, or lost it, and were retried.
	Broken int `json:"broken"`
	// Lost is how many of these failed again.
	Lost int `json:"lost"`
	// Wrong is how many were answered otherwise than expected.
	Wrong int `json:"wrong"`
	// Revisions, Certificates and Authorities are those of the answers, in the order in
	// which they were first seen.
	Revisions    []string `json:"revisions"`
	Certificates []string `json:"certificates"`
	Authorities  []string `json:"authorities"`
	// Faults are the first few of what went wrong.
	Faults []string      `json:"faults"`
	Median time.Duration `json:"median"`
	P99    time.Duration `json:"p99"`
	Max    time.Duration `json:"max"`
}

// maxFaults is how many are told; the first say what happened.
const maxFaults = 20

// load is one that runs.
type load struct {
	plan   LoadPlan
	cancel context.CancelFunc
	done   sync.WaitGroup
	// released ends with the time in which retries are held.
	released context.Context
	release  context.CancelFunc

	mu        sync.Mutex
	report    LoadReport
	latencies []time.Duration
}

func (a *Agent) startLoad(r *http.Request, plan LoadPlan) (any, error) {
	if plan.Clients < 1 || plan.Rate < 1 {
		return nil, errors.New("clients and rate must be at least 1")
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.load != nil {
		return nil, errors.New("a load is running already")
	}
	// It outlives the request that starts it.
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	l := &load{plan: plan, cancel: cancel}
	if l.released, l.release = context.WithCancel(ctx); !plan.Hold {
		l.release()
	}
	for i := range plan.Clients {
		begin := a.overHTTP
		if i%4 == 2 {
			begin = a.overGRPC
		}
		c, err := begin(way{reuse: i%4 == 0, roots: a.authorities.newest})
		if err != nil {
			cancel()
			return nil, err
		}
		l.done.Go(func() { l.run(ctx, c) })
	}
	a.load = l
	return struct{}{}, nil
}

func (a *Agent) releaseLoad(*http.Request, struct{}) (any, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.load == nil {
		return nil, errNoLoad
	}
	a.load.release()
	return struct{}{}, nil
}

func (a *Agent) loadSoFar(*http.Request, struct{}) (any, error) {
	a.mu.Lock()
	l := a.load
	a.mu.Unlock()
	if l == nil {
		return nil, errNoLoad
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	report := l.report
	for _, list := range []*[]string{&report.Revisions, &report.Certificates, &report.Authorities, &report.Faults} {
		*list = slices.Clone(*list)
	}
	return report, nil
}

var errNoLoad = errors.New("no load is running")

func (a *Agent) stopLoad(*http.Request, struct{}) (any, error) {
	a.mu.Lock()
	l := a.load
	a.load = nil
	a.mu.Unlock()
	if l == nil {
		return nil, errNoLoad
	}
	l.cancel()
	l.done.Wait()
	slices.Sort(l.latencies)
	l.report.Median, l.report.P99, l.report.Max = quantiles(l.latencies)
	return l.report, nil
}

// run asks in turns at this client's share of the rate, until the context ends.
func (l *load) run(ctx context.Context, c caller) {
	defer c.end()
	ticker := time.NewTicker(time.Second * time.Duration(l.plan.Clients) / time.Duration(l.plan.Rate))
	defer ticker.Stop()
	for allow := true; ; allow = !allow {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if allow {
			l.request(c, &l.plan.Allowed, true)
		} else {
			l.request(c, &l.plan.Denied, false)
		}
	}
}

// request asks, and once more if there is no answer. The end of the load does not
// cut it off.
func (l *load) request(c caller, q *Question, want bool) {
	start := time.Now()
	answer, err := c.ask(context.Background(), q, false)
	first := err
	if err != nil {
		<-l.released.Done()
		time.Sleep(l.plan.Pause)
		answer, err = c.ask(context.Background(), q, true)
	}
	took := time.Since(start)

	l.mu.Lock()
	defer l.mu.Unlock()
	l.report.Requests++
	l.latencies = append(l.latencies, took)
	if first != nil {
		l.report.Broken++
		l.fault("broken: %v", first)
	}
	switch {
	case err != nil:
		l.report.Lost++
		l.fault("lost: %v", err)
	case answer.Status != http.StatusOK || answer.Allowed != want:
		l.report.Wrong++
		l.fault("wrong: %d %s, want %t", answer.Status, answer.Body, want)
	default:
		l.report.Revisions = withValue(l.report.Revisions, answer.Revision)
		l.report.Certificates = withValue(l.report.Certificates, answer.Certificate)
		l.report.Authorities = withValue(l.report.Authorities, answer.Authority)
	}
}

func withValue(seen []string, value string) []string {
	if slices.Contains(seen, value) {
		return seen
	}
	return append(seen, value)
}

func (l *load) fault(format string, args ...any) {
	if len(l.report.Faults) < maxFaults {
		l.report.Faults = append(l.report.Faults, time.Now().UTC().Format("15:04:05.000 ")+fmt.Sprintf(format, args...))
	}
}

// quantiles returns the median, the 99th percentile and the greatest of what is
// sorted, or zeros.
func quantiles(sorted []time.Duration) (median, p99, greatest time.Duration) {
	n := len(sorted)
	if n == 0 {
		return 0, 0, 0
	}
	return sorted[n/2], sorted[n*99/100], sorted[n-1]
}
