// SPDX-License-Identifier: Apache-2.0

package faultproxy_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rolecall/rolecall/internal/testkit/faultproxy"
	"github.com/rolecall/rolecall/internal/testkit/pki"
)

// rig is a client behind a proxy, in front of a server that numbers its answers.
type rig struct {
	authority *pki.Authority
	proxy     *faultproxy.Proxy
	client    *http.Client
	served    atomic.Int32
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, "answer %d, which is long enough to be cut short", r.served.Add(1))
	}))
	t.Cleanup(server.Close)
	to, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	r.authority = pki.New(t)
	r.proxy = faultproxy.Start(t, r.authority, to, server.Client().Transport)
	r.client = r.authority.Client(nil)
	return r
}

const (
	list  = "/apis/g/v1/roles?limit=10"
	watch = "/apis/g/v1/roles?watch=true"
)

// get returns the status and the body of an answer.
func (r *rig) get(ctx context.Context, path string) (int, string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+r.proxy.Address+path, nil)
	if err != nil {
		return 0, "", err
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}

// TestFaults: each spoils what it is about, as often as it says, and nothing else.
func TestFaults(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if status, text, err := r.get(t.Context(), list); err != nil || status != http.StatusOK || !strings.HasPrefix(text, "answer 1,") {
		t.Fatalf("without a fault: %d %q, %v", status, text, err)
	}
	lists := faultproxy.Request{Verb: faultproxy.VerbList, Resource: "roles"}
	for name, tt := range map[string]struct {
		do     func(faultproxy.Exchange)
		status int
		text   string
		broken bool
	}{
		"refused":  {do: faultproxy.Refuse, broken: true},
		"status":   {do: faultproxy.Status(http.StatusGone, "Expired"), status: http.StatusGone, text: `"reason":"Expired"`},
		"stale":    {do: faultproxy.Stale, status: http.StatusOK, text: "answer "},
		"garbage":  {do: faultproxy.Garbage, status: http.StatusOK, text: "<html>"},
		"half":     {do: faultproxy.Half(9), status: http.StatusOK, text: "answer ", broken: true},
		"slow":     {do: faultproxy.Slow(time.Millisecond), status: http.StatusOK, text: "answer "},
		"nonsense": {do: faultproxy.Nonsense, status: http.StatusOK, text: "}{ nonsense"},
	} {
		served := r.served.Load()
		f := r.proxy.Inject(faultproxy.Fault{On: lists, Times: 1, Do: tt.do})
		if _, text, err := r.get(t.Context(), watch); err != nil || !strings.HasPrefix(text, "answer") {
			t.Errorf("%s: a request that it is not about: %q, %v", name, text, err)
		}
		status, text, err := r.get(t.Context(), list)
		if (err != nil) != tt.broken || status != tt.status || !strings.Contains(text, tt.text) || len(text) < len(tt.text) {
			t.Errorf("%s: %d %q, %v", name, status, text, err)
		}
		if name == "half" && len(text) != 9 {
			t.Errorf("half of an answer is %q", text)
		}
		if name == "stale" && r.served.Load() != served+1 {
			t.Error("a stale answer was asked for anew")
		}
		if f.Spoilt() != 1 {
			t.Errorf("%s: spoilt %d", name, f.Spoilt())
		}
		if _, text, err := r.get(t.Context(), list); err != nil || !strings.HasPrefix(text, "answer") || strings.Contains(text, "nonsense") {
			t.Errorf("%s: afterwards %q, %v", name, text, err)
		}
		f.End()
	}
	if n := r.proxy.Count(lists); n != 1+2*7 {
		t.Errorf("%d lists are counted, want 15", n)
	}
}

// TestSilence: what is never answered ends with the fault.
func TestSilence(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(faultproxy.Exchange){"hang": faultproxy.Hang, "silent": faultproxy.Silent} {
		r := newRig(t)
		f := r.proxy.Inject(faultproxy.Fault{Do: do})
		ended := make(chan error, 1)
		go func() {
			_, _, err := r.get(t.Context(), watch)
			ended <- err
		}()
		for f.Spoilt() == 0 {
			select {
			case err := <-ended:
				t.Fatalf("%s: it ended with %v", name, err)
			default:
			}
		}
		f.End()
		if err := <-ended; err == nil {
			t.Errorf("%s: it was answered", name)
		}
	}
}

// TestWire: cut, dropped and frozen connections, and new ones.
func TestWire(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	fine := func(when string) {
		t.Helper()
		if status, _, err := r.get(t.Context(), list); err != nil || status != http.StatusOK {
			t.Fatalf("%s: %d, %v", when, status, err)
		}
	}
	fine("at first")
	r.proxy.Cut()
	if _, _, err := r.get(t.Context(), list); err == nil {
		t.Error("an answer came over a wire that was cut")
	}
	r.proxy.Restore()
	fine("restored")
	r.proxy.Drop()
	r.client = r.authority.Client(nil)
	fine("dropped")
	r.proxy.Freeze()
	frozen, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, _, err := r.get(frozen, list); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("over a frozen connection: %v", err)
	}
	r.client = r.authority.Client(nil)
	fine("beside the frozen one")
}
