// SPDX-License-Identifier: Apache-2.0

//go:build kube

package ha

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rolecall/rolecall/internal/testkit/faultproxy"
	"github.com/rolecall/rolecall/internal/testkit/live"
)

// compact has etcd forget all revisions but the present one, by its JSON gateway.
func (c *cluster) compact(t *testing.T) {
	t.Helper()
	var now struct{ Header struct{ Revision string } }
	c.etcdDo(t, "/v3/kv/range", `{"key":"AA=="}`, &now)
	c.etcdDo(t, "/v3/kv/compaction", fmt.Sprintf(`{"revision":%q,"physical":true}`, now.Header.Revision), nil)
}

func (c *cluster) etcdDo(t *testing.T, path, body string, out any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.etcdURL+path, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("etcd answers %s to %s %s", response.Status, path, body)
	}
	if out != nil {
		if err := json.NewDecoder(response.Body).Decode(out); err != nil {
			t.Fatal(err)
		}
	}
}

// reconnects breaks the connections of a replica a hundred times, and demands that
// nothing is left of them.
func (h *house) reconnects(t *testing.T) {
	const times, slack = 100, 20
	r := h.live[0]
	var all faultproxy.Request
	goroutines, memory := h.usage(t, r)
	begin := len(r.Log.String())
	for range times {
		before := r.proxy.Count(all)
		r.proxy.Drop()
		live.Eventually(t, "it connects again", func(context.Context) error {
			if r.proxy.Count(all) == before {
				return fmt.Errorf("%d requests so far", before)
			}
			return nil
		})
	}
	var after, grown float64
	live.Eventually(t, "the goroutines of old connections have ended", func(context.Context) error {
		if after, grown = h.usage(t, r); after > goroutines+slack {
			return fmt.Errorf("%v goroutines, and %v before", after, goroutines)
		}
		return nil
	})
	if n := r.lines("\n", begin); n > 4*times {
		t.Errorf("it has written %d lines", n)
	}
	t.Logf("after %d broken connections: %v goroutines (%v before), %.0f MB resident (%.0f before), %d lines in the log",
		times, after, goroutines, grown/1e6, memory/1e6, r.lines("\n", begin))
}

// usage returns the goroutines and the resident memory of a replica.
func (h *house) usage(t *testing.T, r *replica) (goroutines, memory float64) {
	t.Helper()
	for name, into := range map[string]*float64{"go_goroutines": &goroutines, "process_resident_memory_bytes": &memory} {
		n, err := r.gauge(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		*into = n
	}
	return goroutines, memory
}

// revocations deletes bindings, and measures how long after the API server has said
// so each replica still allows what they gave.
func (h *house) revocations(t *testing.T) {
	const times = 100
	var took []time.Duration
	for n := range times {
		user := n % users
		question := 2 * user // may the user read
		gone := make([]time.Time, len(h.live))
		at, err := h.writer.revoke(t.Context(), user, func(ctx context.Context) error {
			return h.everywhere(ctx, question, true)
		}, func(ctx context.Context) func() {
			var all sync.WaitGroup
			for i, r := range h.live {
				all.Go(func() { gone[i] = h.denied(ctx, t, r, question) })
			}
			return all.Wait
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, when := range gone {
			took = append(took, max(0, when.Sub(at)))
		}
	}
	slices.Sort(took)
	t.Logf("%d revocations at %d replicas: none allows any more after %s in the median, %s at the 99th percentile, %s at most, from the end of the write on",
		times, len(h.live), took[len(took)/2], took[len(took)*99/100], took[len(took)-1])
}

// everywhere waits until all replicas answer a question so.
func (h *house) everywhere(ctx context.Context, question int, want bool) error {
	for _, r := range h.live {
		c := newHTTPFor(r)
		for {
			a, err := c.ask(ctx, question, false)
			if err != nil {
				return err
			}
			if a.allowed == want {
				break
			}
			pause(ctx, time.Millisecond)
		}
	}
	return nil
}

// denied asks without pause until the answer is no, and returns when.
func (h *house) denied(ctx context.Context, t *testing.T, r *replica, question int) time.Time {
	c := newHTTP(t, func() []string { return []string{r.http} })
	for ctx.Err() == nil {
		if a, err := c.ask(ctx, question, false); err == nil && !a.allowed {
			return time.Now()
		}
	}
	return time.Now()
}
