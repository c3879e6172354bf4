// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"sync"
	"time"
)

// pulse ends a watch that has fallen silent: its connection may be alive at this
// end alone, or what is between may have lost the other one, and no error would
// ever come of it. A watch that is ended begins with a list.
type pulse struct {
	// silence is how long a watch may say nothing.
	silence time.Duration

	mu    sync.Mutex
	timer *time.Timer
	end   context.CancelFunc
}

// begin returns the context of a watch that begins now. There is one at a time.
func (p *pulse) begin(ctx context.Context) context.Context {
	p.stop()
	ctx, end := context.WithCancel(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.end = end
	p.timer = time.AfterFunc(p.silence, end) //nolint:forbidigo // no decision hangs on it
	return ctx
}

// beat says that something was heard on the watch.
func (p *pulse) beat() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timer != nil {
		p.timer.Reset(p.silence)
	}
}

// stop ends the watch, if there is one.
func (p *pulse) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timer != nil {
		p.timer.Stop()
		p.end()
	}
}
