// SPDX-License-Identifier: Apache-2.0

//go:build kube

package ha

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc"

	"github.com/rolecall/rolecall/internal/testkit/live"
)

// house is replicas behind a balancer, under load, while objects change.
type house struct {
	// t is the whole test's: what is started in a part of it goes on after that.
	t        *testing.T
	cluster  *cluster
	program  string
	token    string
	history  *history
	writer   *writer
	balancer *balancer
	load     *load

	// alive ends with the test; all are the goroutines that do.
	alive context.Context
	all   sync.WaitGroup

	replicas int
	sights   []*sight
	live     []*replica
	// connections are those of the gRPC clients that know all addresses.
	connections sync.Map
}

// openHouse starts everything: an API server, three replicas with the rights that
// config/rbac gives, clients, and a writer.
func openHouse(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, program: live.Build(t, root), history: newHistory(t), load: newLoad()}
	h.cluster = startCluster(t)
	h.cluster.install(t)
	account := h.cluster.kubectl(t, "get", "deployment", "-n", operatorNamespace, "-o", "jsonpath={.items[0].spec.template.spec.serviceAccountName}")
	h.cluster.granted(t, account, "default")
	h.token = h.cluster.token(t, operatorNamespace, account)
	h.cluster.kubectl(t, "create", "namespace", namespace)
	h.writer = &writer{client: h.cluster.admin, history: h.history}
	h.writer.begin(t)
	alive, end := context.WithCancel(context.WithoutCancel(t.Context()))
	h.alive = alive
	t.Cleanup(func() { end(); h.all.Wait() })
	h.balancer = startBalancer(t)
	h.all.Go(func() { h.balancer.follow(alive) })
	for range 3 {
		h.join(t)
	}
	h.all.Go(func() { h.writer.run(alive, t) })
	h.startClients(t)
	return h
}

// join starts a replica and waits until the balancer knows it.
func (h *house) join(t *testing.T) {
	t.Helper()
	since := h.history.now()
	r := h.newReplica("")
	s := &sight{replica: r.Name, since: since}
	h.sights = append(h.sights, s)
	h.balancer.add(r)
	c := newHTTP(h.t, func() []string { return []string{r.http} })
	h.all.Go(func() { h.load.look(h.alive, r, s, c) })
	live.Eventually(t, "the balancer knows "+r.Name, func(context.Context) error { return h.balancer.knows(r, true) })
	h.live = append(h.live, r)
}

// leave forgets a replica that has ended.
func (h *house) leave(r *replica) {
	h.balancer.remove(r)
	h.live = slices.DeleteFunc(h.live, func(other *replica) bool { return other == r })
}

// The clients. Those behind the balancer know one address, those beside it all of
// those that are ready, as a headless Service names them.
const (
	behindHTTP, behindGRPC = "HTTP through a balancer", "gRPC through a balancer"
	besideHTTP, besideGRPC = "HTTP to all addresses", "gRPC to all addresses"
)

func (h *house) startClients(t *testing.T) {
	t.Helper()
	conn := dial(t, h.balancer.grpc)
	for name, c := range map[string]asker{
		behindHTTP: newHTTP(t, func() []string { return []string{h.balancer.http} }),
		behindGRPC: &overGRPC{clients: func() []*grpc.ClientConn { return []*grpc.ClientConn{conn} }},
		besideHTTP: newHTTP(t, func() []string { return h.balancer.ready(func(r *replica) string { return r.http }) }),
		besideGRPC: &overGRPC{clients: func() []*grpc.ClientConn {
			var all []*grpc.ClientConn
			for _, address := range h.balancer.ready(func(r *replica) string { return r.grpc }) {
				found, ok := h.connections.Load(address)
				if !ok {
					found, _ = h.connections.LoadOrStore(address, dial(t, address))
				}
				all = append(all, found.(*grpc.ClientConn))
			}
			return all
		}},
	} {
		h.all.Go(func() { h.load.run(h.alive, name, c) })
	}
}

// ready returns the addresses of the replicas that are known to be ready.
func (b *balancer) ready(port func(*replica) string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []string
	for _, t := range b.targets {
		if t.known {
			all = append(all, port(t.replica))
		}
	}
	return all
}

// converge waits until all replicas decide by what was written last. Nothing is
// written meanwhile.
func (h *house) converge(t *testing.T) {
	t.Helper()
	h.writer.mu.Lock()
	defer h.writer.mu.Unlock()
	want := h.history.latest()
	live.Eventually(t, "all replicas have the same revision", func(ctx context.Context) error {
		var behind []error
		for _, r := range h.live {
			a, err := newHTTPFor(r).ask(ctx, 0, false)
			if err == nil && a.revision != want {
				err = fmt.Errorf("%s has the revision %s, want %s", r.Name, a.revision, want)
			}
			behind = append(behind, err)
		}
		return errors.Join(behind...)
	})
}

// newHTTPFor asks a replica over connections that are not kept.
func newHTTPFor(r *replica) *overHTTP {
	return &overHTTP{
		addresses: func() []string { return []string{r.http} },
		client:    &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: live.Patience},
	}
}

// edits waits until the bindings were changed a number of times.
func (h *house) edits(t *testing.T, times int) {
	t.Helper()
	before := h.history.now().bindings
	live.Eventually(t, "bindings are changed", func(context.Context) error {
		if n := h.history.now().bindings - before; n < times {
			return fmt.Errorf("%d times so far", n)
		}
		return nil
	})
}

// traffic waits until every client has been answered a number of times more.
func (h *house) traffic(t *testing.T, times int) {
	t.Helper()
	before := h.load.asked()
	live.Eventually(t, "the clients have been answered", func(context.Context) error {
		for name, n := range h.load.asked() {
			if n < before[name]+times {
				return fmt.Errorf("%s: %d answers", name, n-before[name])
			}
		}
		return nil
	})
}

func (l *load) asked() map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	asked := map[string]int{behindHTTP: 0, behindGRPC: 0, besideHTTP: 0, besideGRPC: 0}
	for name, t := range l.tallies {
		asked[name] = t.asked
	}
	return asked
}

// during runs a part of the test and says what became of the requests. Those of
// careful clients must all have been answered.
func (h *house) during(t *testing.T, what string, careful []string, part func(*testing.T)) {
	t.Helper()
	t.Run(what, func(t *testing.T) {
		h.load.lap()
		part(t)
		h.traffic(t, 50)
		h.converge(t)
		lap := h.load.lap()
		var report strings.Builder
		for _, name := range slices.Sorted(maps.Keys(lap)) {
			n := lap[name]
			fmt.Fprintf(&report, "\n  %-24s %6d asked, %3d broken off and asked again, %d lost", name, n.asked, n.retried, n.lost)
			if n.lost > 0 && slices.Contains(careful, name) {
				t.Errorf("%s lost %d of %d requests, the last by: %v", name, n.lost, n.asked, n.lastLost)
			}
		}
		t.Logf("%s:%s", what, report.String())
	})
}

// everyone is the clients that must lose nothing.
func everyone() []string { return []string{behindHTTP, behindGRPC, besideHTTP, besideGRPC} }

// beside is those that know all addresses.
func beside() []string { return []string{besideHTTP, besideGRPC} }
