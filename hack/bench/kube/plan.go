// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/rolecall/rolecall/hack/bench/record"
)

// The engines: the floor, and the operator's two parts.
const (
	engineCache    = "cache"
	engineStreamed = "cache, streamed" // listed as the library would have it by default
	engineFollower = "rolecall"
	engineLeader   = "rolecall leader"
)

// The states of the objects: without a status, and with one.
const (
	stateNew    = "new"
	stateJudged = "judged"
)

// plan is what is measured at one size.
type plan struct {
	options
	n       int
	dir     string
	program string
	records *record.Writer
	cluster *cluster
	probes  int // writes of latency measurements so far
	changes int // rounds of changes of many objects so far
}

func (p *plan) key(bench, engine, variant string, round int) record.Key {
	return record.Key{Bench: bench, Engine: engine, Variant: variant, Objects: p.n, Round: round}
}

func (p *plan) say(what string) { log.Printf("%d objects: %s", p.n, what) }

// measure starts an API server, measures, and stops it.
func measure(ctx context.Context, p plan) error {
	var err error
	if p.cluster, err = startCluster(ctx, p.dir); err != nil {
		return err
	}
	defer p.cluster.stop()
	p.say("creating them")
	if err := p.cluster.fill(ctx, p.n); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{p.follow, p.judge, p.lead} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// follow measures the objects as they are created, without a leader.
func (p *plan) follow(ctx context.Context) error {
	if err := p.cluster.forbidLead(ctx); err != nil {
		return err
	}
	for round := 1; round <= p.rounds; round++ {
		if err := p.limit(ctx, round); err != nil {
			return err
		}
		for _, engine := range []string{engineCache, engineStreamed} {
			if err := p.floor(ctx, engine, stateNew, round); err != nil {
				return err
			}
		}
		if err := p.operator(ctx, stateNew, round, engineFollower, func(s *process) error {
			return p.latencies(ctx, s, engineFollower, round)
		}); err != nil {
			return err
		}
	}
	return nil
}

// judge measures the leader that finds all of them without a status.
func (p *plan) judge(ctx context.Context) error {
	p.say("writing their status")
	if left := p.unjudged(); left < p.n {
		if err := p.cluster.judge(ctx, left); err != nil {
			return err
		}
	}
	if err := p.cluster.allowLead(ctx); err != nil {
		return err
	}
	return p.with(ctx, p.startOperator, func(s *process) error {
		if _, err := s.ready(ctx); err != nil {
			return err
		}
		if err := p.judgeAll(ctx, s); err != nil {
			return err
		}
		return p.memory(ctx, s, p.key("memory", engineLeader, fmt.Sprintf("after %d writes", p.unjudged()), 1))
	})
}

// unjudged is how many objects a new leader finds without a status.
func (p *plan) unjudged() int {
	if p.statuses == 0 {
		return p.n
	}
	return min(p.n, p.statuses)
}

// lead measures replicas that find everything judged.
func (p *plan) lead(ctx context.Context) error {
	for round := 1; round <= p.rounds; round++ {
		if err := p.floor(ctx, engineCache, stateJudged, round); err != nil {
			return err
		}
		if err := p.operator(ctx, stateJudged, round, engineLeader, func(s *process) error {
			if err := p.latencies(ctx, s, engineLeader, round); err != nil {
				return err
			}
			return p.edits(ctx, round)
		}); err != nil {
			return err
		}
		if err := p.cluster.forbidLead(ctx); err != nil {
			return err
		}
		nothing := func(*process) error { return nil }
		if err := p.operator(ctx, stateJudged, round, engineFollower, nothing); err != nil {
			return err
		}
		if err := p.cluster.allowLead(ctx); err != nil {
			return err
		}
	}
	return nil
}

// floor measures the bare cache.
func (p *plan) floor(ctx context.Context, engine, state string, round int) error {
	p.say(engine + ", objects " + state)
	start := func(ctx context.Context) (*process, error) { return p.startCache(ctx, engine == engineStreamed) }
	return p.with(ctx, start, func(s *process) error {
		if err := p.start(ctx, s, p.key("start", engine, state, round)); err != nil {
			return err
		}
		return p.memory(ctx, s, p.key("memory", engine, state, round))
	})
}

// operator measures a replica of the operator, and then what else there is to
// measure of it. The leader is measured when its work is done.
func (p *plan) operator(
	ctx context.Context, state string, round int, engine string, then func(*process) error,
) error {
	p.say(engine + ", objects " + state)
	return p.with(ctx, p.startOperator, func(s *process) error {
		if err := p.start(ctx, s, p.key("start", engine, state, round)); err != nil {
			return err
		}
		if engine == engineLeader {
			if err := p.restarted(ctx, round); err != nil {
				return err
			}
		}
		if err := p.memory(ctx, s, p.key("memory", engine, state, round)); err != nil {
			return err
		}
		return then(s)
	})
}

// with starts a process, uses it, and stops it.
func (p *plan) with(ctx context.Context, start func(context.Context) (*process, error), use func(*process) error) error {
	s, err := start(ctx)
	if err != nil {
		return err
	}
	return errors.Join(use(s), s.stop())
}

func (p *plan) start(ctx context.Context, s *process, about record.Key) error {
	took, err := s.ready(ctx)
	if err != nil {
		return err
	}
	cpu, err := s.cpu()
	if err != nil {
		return err
	}
	p.records.Put(about, "time", took.Seconds(), "s")
	p.records.Put(about, "cpu", cpu, "s")
	return nil
}

func (p *plan) memory(ctx context.Context, s *process, about record.Key) error {
	peak, err := s.resident("VmHWM")
	if err != nil {
		return err
	}
	heap, err := s.liveHeap(ctx)
	if err != nil {
		return fmt.Errorf("read the live heap: %w", err)
	}
	now, err := s.resident("VmRSS")
	if err != nil {
		return err
	}
	p.records.Put(about, "heap", heap/float64(p.n), "B")
	p.records.Put(about, "rss", now, "MB")
	p.records.Put(about, "rss peak", peak, "MB")
	return nil
}
