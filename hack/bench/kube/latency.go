// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/hack/bench/record"
)

const (
	// changeRate is how many objects a second change in the busy measurement.
	changeRate = 500
	// askEvery is the pause between questions to the door: how exact its times are.
	// Without one the questions would take the CPU from what they ask about.
	askEvery = 200 * time.Microsecond
)

// The states of the cluster in which latency is measured.
const (
	whileIdle    = "idle"
	whileBusy    = "busy"
	whileWriting = "status is written"

	// besideLeader sets what is measured beside a leader apart: each is compared with
	// the watch event of its own run.
	besideLeader = ", with a leader"
)

// latencies measures with nothing else going on, and while many objects change.
func (p *plan) latencies(ctx context.Context, s *process, engine string, round int) error {
	of := func(state string) record.Key {
		if engine == engineLeader {
			state += besideLeader
		}
		return p.key("latency", engine, state, round)
	}
	if err := p.latency(ctx, s, of(whileIdle)); err != nil {
		return err
	}
	return p.busy(ctx, of(whileBusy), func(about record.Key) error { return p.latency(ctx, s, about) })
}

// limit measures how many changes a second the server takes when nobody but the
// floor looks on.
func (p *plan) limit(ctx context.Context, round int) error {
	p.say("changes without Rolecall")
	seen, err := p.cluster.watch(ctx)
	if err != nil {
		return err
	}
	defer seen.stop()
	return p.busy(ctx, p.key("changes", engineCache, "without Rolecall", round), func(record.Key) error {
		return pause(ctx, limitTime)
	})
}

// limitTime is how long the server is watched for its limit.
const limitTime = 10 * time.Second

// busy does something while many objects change, and tells how many did and what
// that took.
func (p *plan) busy(ctx context.Context, about record.Key, do func(record.Key) error) error {
	var changes errgroup.Group
	var changed atomic.Int64
	enough := make(chan struct{})
	before, err := p.cluster.usage(ctx)
	if err != nil {
		return err
	}
	changes.Go(func() error { return p.change(ctx, enough, &changed) })
	done := do(about)
	n := float64(changed.Load())
	close(enough)
	if err := errors.Join(done, changes.Wait()); err != nil {
		return err
	}
	after, err := p.cluster.usage(ctx)
	if err != nil {
		return err
	}
	about.Bench = "changes"
	p.records.Put(about, "rate", n/after.at.Sub(before.at).Seconds(), "1/s")
	after.since(before).put(p.records, about)
	return nil
}

// change changes objects at the rate, or as fast as the server takes it, until
// it is enough.
func (p *plan) change(ctx context.Context, enough <-chan struct{}, changed *atomic.Int64) error {
	due := time.NewTicker(time.Second / changeRate)
	defer due.Stop()
	var all errgroup.Group
	for range writers {
		all.Go(func() error {
			for {
				select {
				case <-enough:
					return nil
				case <-due.C:
				}
				i := int(changed.Add(1))
				b := &v1alpha1.RoleBinding{ObjectMeta: named(binding(i % p.n).Name)}
				// Managed fields are most of the server's work, and of the text.
				patch := fmt.Sprintf(`{"metadata":{"managedFields":[{}]},"spec":{"roles":[%q]}}`, roleName(i+i/p.n+p.changes))
				if err := p.cluster.merge(ctx, b, patch); err != nil {
					return fmt.Errorf("change %s: %w", b.Name, err)
				}
			}
		})
	}
	err := all.Wait()
	p.changes++ // the next time each object gets another role again
	return err
}

// latency writes one object after the other, and measures from the return of
// each write to the changed answer at the door, and to the watch event.
func (p *plan) latency(ctx context.Context, s *process, about record.Key) error {
	p.say("latency, " + about.Engine + ", " + about.Variant)
	seen, err := p.cluster.watch(ctx)
	if err != nil {
		return err
	}
	defer seen.stop()
	var door, event lags
	for len(door) < p.writes {
		d, e, err := p.probe(ctx, s, seen, p.probes)
		p.probes++
		switch {
		case errors.Is(err, errMissed): // there is nothing to compare with
			p.say(err.Error())
			continue
		case err != nil:
			return err
		}
		door, event = append(door, d), append(event, e)
	}
	floor := about
	floor.Engine = engineCache
	event.put(p.records, floor)
	door.put(p.records, about)
	return nil
}

// lags are times from the return of a write; what came before it is not above
// zero.
type lags []time.Duration

func (l lags) put(to *record.Writer, about record.Key) {
	to.Put(about, "p50", l.quantile(0.5), "ms")
	to.Put(about, "p99", l.quantile(0.99), "ms")
	to.Put(about, "max", l.quantile(1), "ms")
	to.Put(about, "already", l.early(), "%")
}

// quantile returns the lag that the part p of all does not exceed, in
// milliseconds.
func (l lags) quantile(p float64) float64 {
	sorted := slices.Sorted(slices.Values(l))
	return float64(max(0, sorted[int(p*float64(len(sorted)-1)+0.5)]).Microseconds()) / 1000
}

// early returns the percentage that came before the return.
func (l lags) early() float64 {
	n := 0
	for _, lag := range l {
		if lag <= 0 {
			n++
		}
	}
	return 100 * float64(n) / float64(len(l))
}

// probe grants something to somebody new, by an object that is created or by
// one that is changed, and waits until the door says so and the event of the
// write has come. The door is asked at the write's return for the first time.
func (p *plan) probe(ctx context.Context, s *process, seen *sightings, i int) (door, event time.Duration, err error) {
	watches := seen.watches()
	b := binding(0)
	b.Name, b.Spec.Scope, b.Spec.Resources = fmt.Sprintf("probe-%06d", i/2), "*", nil
	b.Spec.Subjects = b.Spec.Subjects[:1]
	b.Spec.Subjects[0].ID = fmt.Sprintf("probe-%d", i)
	if i%2 == 0 {
		err = p.cluster.client.Create(ctx, b)
	} else {
		err = p.cluster.merge(ctx, b, fmt.Sprintf(`{"spec":{"subjects":[{"type":"user","id":%q}]}}`, b.Spec.Subjects[0].ID))
	}
	returned := time.Now()
	if err != nil {
		return 0, 0, fmt.Errorf("write a probe: %w", err)
	}
	for first := true; ; first = false {
		granted, err := s.ask(ctx, b.Spec.Subjects[0].ID)
		if err != nil {
			return 0, 0, err
		}
		if door = time.Since(returned); granted {
			if first {
				door = 0
			}
			break
		}
		if door > time.Minute {
			return 0, 0, errors.New("the door does not learn of a write")
		}
		if err := pause(ctx, askEvery); err != nil {
			return 0, 0, err
		}
	}
	at, err := seen.await(ctx, b.ResourceVersion, watches)
	return door, at.Sub(returned), err
}
