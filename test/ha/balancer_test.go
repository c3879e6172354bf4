// SPDX-License-Identifier: Apache-2.0

//go:build kube

package ha

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rolecall/rolecall/internal/testkit/live"
)

// lag is how long it takes until every node knows of a pod that its readiness has
// changed.
const lag = time.Second

// balancer hands each new connection to the next replica that is ready, as far as
// it knows, in the way of a Service: it looks at no request, moves no connection,
// and asks no second replica.
type balancer struct {
	http, grpc string

	mu      sync.Mutex
	targets []*target
	next    int
}

// target is a replica as the balancer knows it.
type target struct {
	replica *replica
	// known is what the balancer goes by, and seen what the last probe said, since
	// when.
	known, seen bool
	since       time.Time
}

// startBalancer listens for both kinds of clients until the test ends.
func startBalancer(t *testing.T) *balancer {
	t.Helper()
	b := &balancer{}
	b.http = b.listen(t, func(r *replica) string { return r.http })
	b.grpc = b.listen(t, func(r *replica) string { return r.grpc })
	return b
}

func (b *balancer) listen(t *testing.T, port func(*replica) string) string {
	t.Helper()
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.Close() })
	go func() {
		for {
			from, err := socket.Accept()
			if err != nil {
				return
			}
			go b.pass(from, port)
		}
	}()
	return socket.Addr().String()
}

// pass connects a client with the next replica, if that listens.
func (b *balancer) pass(from net.Conn, port func(*replica) string) {
	defer func() { _ = from.Close() }()
	r := b.pick()
	if r == nil {
		return
	}
	to, err := net.Dial("tcp", port(r))
	if err != nil {
		return
	}
	defer func() { _ = to.Close() }()
	var both sync.WaitGroup
	both.Go(func() { passOn(from, to) })
	both.Go(func() { passOn(to, from) })
	both.Wait()
}

// passOn copies what arrives, and the end of it.
func passOn(to, from net.Conn) {
	_, err := io.Copy(to, from)
	if tcp, ok := to.(*net.TCPConn); ok && err == nil {
		_ = tcp.CloseWrite()
		return
	}
	_ = to.Close()
}

func (b *balancer) pick() *replica {
	b.mu.Lock()
	defer b.mu.Unlock()
	for range b.targets {
		b.next++
		if found := b.targets[b.next%len(b.targets)]; found.known {
			return found.replica
		}
	}
	return nil
}

// add makes a replica one of those behind the balancer, once it is ready.
func (b *balancer) add(r *replica) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.targets = append(b.targets, &target{replica: r})
}

// remove forgets a replica that is gone.
func (b *balancer) remove(r *replica) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.targets = slices.DeleteFunc(b.targets, func(t *target) bool { return t.replica == r })
}

// knows returns nil once the balancer hands connections to a replica, or does not.
func (b *balancer) knows(r *replica, want bool) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, t := range b.targets {
		if t.replica == r && t.known == want {
			return nil
		}
	}
	return errors.New("the balancer does not know it yet")
}

// follow probes the replicas until ctx ends.
func (b *balancer) follow(ctx context.Context) {
	for ctx.Err() == nil {
		b.mu.Lock()
		targets := slices.Clone(b.targets)
		b.mu.Unlock()
		for _, t := range targets {
			probing, cancel := context.WithTimeout(ctx, live.Patience) // slow is not unready; who is gone refuses
			ready := t.replica.ready(probing) == nil
			cancel()
			b.note(t, ready)
		}
		pause(ctx, 50*time.Millisecond)
	}
}

// note takes in what a probe has said; it counts after the lag.
func (b *balancer) note(t *target, ready bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now := time.Now(); ready != t.seen {
		t.seen, t.since = ready, now
	} else if ready != t.known && now.Sub(t.since) >= lag {
		t.known = ready
	}
}
