// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// TestPulse: a watch lives as long as it is heard of often enough, and the next
// one has its whole time again. The clock is the bubble's.
func TestPulse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pass := func(d time.Duration) {
			ctx, cancel := context.WithTimeout(t.Context(), d)
			defer cancel()
			<-ctx.Done()
			synctest.Wait()
		}
		p := &pulse{silence: time.Minute}
		p.beat() // before any watch
		first := p.begin(t.Context())
		for range 5 {
			pass(40 * time.Second)
			p.beat()
		}
		if first.Err() != nil {
			t.Error("a watch that is heard of was ended")
		}
		pass(time.Minute)
		if first.Err() == nil {
			t.Error("a silent watch goes on")
		}
		second := p.begin(t.Context())
		pass(40 * time.Second)
		if second.Err() != nil {
			t.Error("the second watch has not had its time")
		}
		third := p.begin(t.Context())
		if second.Err() == nil || third.Err() != nil {
			t.Error("the third watch did not end the second, or itself")
		}
		if p.stop(); third.Err() == nil {
			t.Error("the third watch was not stopped")
		}
	})
}
