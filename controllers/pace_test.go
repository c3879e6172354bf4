// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestPace: a backlog has as many writes as one writer without rests, whatever a
// write takes, and never more than a few at once.
func TestPace(t *testing.T) {
	for name, took := range map[string]time.Duration{"a fast server": 2 * time.Millisecond, "a slow server": 50 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const lasts = 10 * time.Second
				ctx, cancel := context.WithTimeout(t.Context(), lasts)
				defer cancel()
				writes, most := backlog(ctx, took)
				if want := int64(lasts / took); writes < want-turns || writes > want+turns {
					t.Errorf("%d writes of %s in %s, want %d", writes, took, lasts, want)
				}
				if most > turns {
					t.Errorf("%d writes were under way at once, want at most %d", most, turns)
				}
			})
		})
	}
}

// backlog writes with many workers until ctx ends, and returns how many writes
// there were, and how many at once.
func backlog(ctx context.Context, took time.Duration) (writes, most int64) {
	p := newPace(time.Now)
	var all sync.WaitGroup
	var done, under, peak atomic.Int64
	for range 20 {
		all.Go(func() {
			for ctx.Err() == nil {
				_ = p.write(ctx, func() error {
					n := under.Add(1)
					for old := peak.Load(); n > old && !peak.CompareAndSwap(old, n); old = peak.Load() {
					}
					<-time.After(took)
					under.Add(-1)
					done.Add(1)
					return nil
				})
			}
		})
	}
	all.Wait()
	return done.Load(), peak.Load()
}

// TestPaceRestsShortly: after a write that hung for minutes the next one need
// not wait for minutes.
func TestPaceRestsShortly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPace(time.Now)
		var all sync.WaitGroup
		for range turns {
			all.Go(func() {
				if err := p.write(t.Context(), func() error { <-time.After(time.Minute); return nil }); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		begin := time.Now()
		if err := p.write(t.Context(), func() error { return nil }); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(begin); waited > longestRest {
			t.Errorf("the next write waited for %s", waited)
		}
	})
}

// TestPaceErrors: the error of a write is its own, and who is asked to stop does
// not write.
func TestPaceErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, refused := newPace(time.Now), errors.New("refused")
		var both sync.WaitGroup
		for range turns {
			both.Go(func() {
				err := p.write(t.Context(), func() error { <-time.After(time.Second); return refused })
				if !errors.Is(err, refused) {
					t.Errorf("error %v, want %v", err, refused)
				}
			})
		}
		both.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		// Every turn rests, so there is no choice between a turn and the end.
		err := p.write(ctx, func() error { t.Error("a write after the end"); return nil })
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want that of the context", err)
		}
	})
}
