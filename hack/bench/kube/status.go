// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/hack/bench/record"
)

// calm is how long no status may be written before the leader's work counts as
// done: longer than it waits with any count.
const calm = 10 * time.Second

// counts are the status writes that the server has counted.
type counts struct{ bindings, roles, resources, refused int }

// counts reads them. That costs the server some ten milliseconds.
func (c *cluster) counts(ctx context.Context) (counts, error) {
	taken, refused, err := c.statusWrites(ctx)
	return counts{taken["rolebindings"], taken["roles"], taken["resources"], refused}, err
}

func (n counts) minus(m counts) counts {
	return counts{n.bindings - m.bindings, n.roles - m.roles, n.resources - m.resources, n.refused - m.refused}
}

// settle waits until no status has been written for a while. It returns the
// counts, and when the last of them came.
func (c *cluster) settle(ctx context.Context) (counts, time.Time, error) {
	last, err := c.counts(ctx)
	changed := time.Now()
	for err == nil && time.Since(changed) < calm {
		if err := pause(ctx, time.Second/2); err != nil {
			return last, changed, err
		}
		var now counts
		if now, err = c.counts(ctx); now != last {
			last, changed = now, time.Now()
		}
	}
	return last, changed, err
}

// untilWritten waits until so many statuses of RoleBindings have been written in
// all. It gives up when there are no more for a long time.
func (c *cluster) untilWritten(ctx context.Context, n int) error {
	last, changed := 0, time.Now()
	for last < n {
		now, err := c.counts(ctx)
		if err != nil {
			return err
		}
		if now.bindings > last {
			last, changed = now.bindings, time.Now()
		}
		if time.Since(changed) > standstill {
			return fmt.Errorf("%d statuses were written, want %d, and for %s no more have come", last, n, standstill)
		}
		if err := pause(ctx, time.Second); err != nil {
			return err
		}
	}
	return nil
}

// standstill is how long a leader may need before it begins to write.
const standstill = 3 * time.Minute

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// judgeAll lets a new leader write the status of all, and measures the latency
// at its own door meanwhile.
func (p *plan) judgeAll(ctx context.Context, s *process) error {
	before, err := p.cluster.counts(ctx)
	if err != nil {
		return err
	}
	begin := time.Now()
	if err := p.latency(ctx, s, p.key("latency", engineLeader, whileWriting, 1)); err != nil {
		return err
	}
	if now, err := p.cluster.counts(ctx); err != nil || now.minus(before).bindings >= p.unjudged() {
		return errors.Join(err, errors.New("the status was written before the latency was measured: nothing was learned"))
	}
	if err := p.cluster.untilWritten(ctx, before.bindings+p.unjudged()); err != nil {
		return err
	}
	after, last, err := p.cluster.settle(ctx)
	if err != nil {
		return err
	}
	took, n := last.Sub(begin).Seconds(), after.minus(before)
	if missing, err := p.cluster.unready(ctx); err != nil || missing != "" {
		return errors.Join(err, fmt.Errorf("%q has no status", missing))
	}
	about := p.key("status", engineLeader, fmt.Sprintf("%d new objects and %d changes", p.unjudged(), p.writes), 1)
	n.put(p.records, about)
	p.records.Put(about, "time", took, "s")
	p.records.Put(about, "rate", float64(n.bindings+n.roles+n.resources)/took, "1/s")
	return nil
}

func (n counts) put(to *record.Writer, about record.Key) {
	to.Put(about, "RoleBindings", float64(n.bindings), "writes")
	to.Put(about, "Roles", float64(n.roles), "writes")
	to.Put(about, "Resources", float64(n.resources), "writes")
	to.Put(about, "refused", float64(n.refused), "writes")
}

// writesOf counts the writes that follow from something.
func (p *plan) writesOf(ctx context.Context, about record.Key, do func() error) error {
	before, err := p.cluster.counts(ctx)
	if err != nil {
		return err
	}
	begin := time.Now()
	if err := do(); err != nil {
		return err
	}
	after, last, err := p.cluster.settle(ctx)
	if err != nil {
		return err
	}
	after.minus(before).put(p.records, about)
	p.records.Put(about, "time", max(0, last.Sub(begin).Seconds()), "s")
	return nil
}

// restarted counts the writes of a leader that finds everything judged.
func (p *plan) restarted(ctx context.Context, round int) error {
	return p.writesOf(ctx, p.key("status", engineLeader, "restart", round), func() error { return nil })
}

// edits counts the writes that edits of one object cause.
func (p *plan) edits(ctx context.Context, round int) error {
	if _, _, err := p.cluster.settle(ctx); err != nil {
		return err
	}
	typ := &v1alpha1.Resource{ObjectMeta: named(typeName(0))}
	edits := []struct {
		what string
		do   func() error
	}{
		{"a Resource gains an action", func() error {
			return p.cluster.editActions(ctx, typ, func(a []v1alpha1.ResourceAction) []v1alpha1.ResourceAction {
				return append(a, v1alpha1.ResourceAction{Name: "another"})
			})
		}},
		{"a Resource loses an action", func() error {
			return p.cluster.editActions(ctx, typ, func(a []v1alpha1.ResourceAction) []v1alpha1.ResourceAction { return a[1:] })
		}},
		{"a Resource goes", func() error { return p.cluster.client.Delete(ctx, typ) }},
		{"a Resource comes", func() error { return p.cluster.client.Create(ctx, resource(0)) }},
	}
	for _, e := range edits {
		p.say("status, " + e.what)
		if err := p.writesOf(ctx, p.key("status", engineLeader, e.what, round), e.do); err != nil {
			return err
		}
	}
	return nil
}

func (c *cluster) editActions(
	ctx context.Context, r *v1alpha1.Resource, edit func([]v1alpha1.ResourceAction) []v1alpha1.ResourceAction,
) error {
	if err := c.client.Get(ctx, client.ObjectKeyFromObject(r), r); err != nil {
		return err
	}
	r.Spec.Actions = edit(r.Spec.Actions)
	return c.client.Update(ctx, r)
}
