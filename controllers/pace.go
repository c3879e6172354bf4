// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"time"
)

const (
	// turns is how many status writes may be under way at once.
	turns = 2
	// longestRest bounds the rest after a write, so that a server that was away
	// for a while does not cost more than that.
	longestRest = time.Second
)

// pace spreads the status writes of all controllers of a manager. A few may be
// under way, and each is followed by a rest as long as it took. So on average
// one write is under way, however fast the server is: a lone change is reported
// at once, a backlog takes what a client takes that writes one object after the
// other, and when the server slows down, because others write too, so does this.
// A constant rate would be too much for one server and too little for another.
type pace struct {
	turns chan struct{} // holds what is under way or rests
	now   func() time.Time
}

func newPace(now func() time.Time) *pace {
	return &pace{turns: make(chan struct{}, turns), now: now}
}

// write writes when it is its turn. It returns the error of ctx if that ends
// first, otherwise that of the write.
func (p *pace) write(ctx context.Context, write func() error) error {
	select {
	case p.turns <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	begin := p.now()
	err := write()
	rest, over := context.WithTimeout(context.WithoutCancel(ctx), min(p.now().Sub(begin), longestRest))
	context.AfterFunc(rest, func() {
		over()
		<-p.turns
	})
	return err
}
