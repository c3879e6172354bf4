// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/rolecall/rolecall/internal/operator"
	"github.com/rolecall/rolecall/internal/server"
)

const (
	readyPoll    = 20 * time.Millisecond
	readyTimeout = time.Minute
)

// running is an operator at work.
type running struct {
	addresses server.Addresses
	cancel    context.CancelFunc
	done      chan struct{}
	err       error // set before done is closed
}

// startOperator returns when checks are answered.
func startOperator(ctx context.Context, o operator.Options) (*running, error) {
	ctx, cancel := context.WithCancel(ctx)
	r := &running{cancel: cancel, done: make(chan struct{})}
	listening := make(chan server.Addresses, 1)
	o.Now = time.Now
	o.Started = func(a server.Addresses) { listening <- a }
	go func() {
		defer close(r.done)
		r.err = operator.Run(ctx, o)
	}()
	select {
	case r.addresses = <-listening:
	case <-r.done:
		cancel()
		return nil, r.err
	}
	if err := r.ready(ctx); err != nil {
		return nil, errors.Join(err, r.stop())
	}
	return r, nil
}

// ready waits until the first snapshot is published.
func (r *running) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	err := wait.PollUntilContextCancel(ctx, readyPoll, true, func(ctx context.Context) (bool, error) {
		select {
		case <-r.done:
			return false, fmt.Errorf("the operator ended: %w", r.err)
		default:
			return answers(ctx, "http://"+r.addresses.Health+"/readyz"), nil
		}
	})
	if err != nil {
		return fmt.Errorf("wait until the operator is ready: %w", err)
	}
	return nil
}

// answers reports whether a GET is answered with 200. A refused connection is
// an answer too: not yet.
func answers(ctx context.Context, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	return resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
}

// wait returns when the operator has ended: nil if it was told to.
func (r *running) wait() error {
	<-r.done
	if errors.Is(r.err, context.Canceled) {
		return nil
	}
	return r.err
}

func (r *running) stop() error {
	r.cancel()
	return r.wait()
}
