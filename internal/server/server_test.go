// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"k8s.io/apimachinery/pkg/util/wait"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/server"
	"github.com/rolecall/rolecall/internal/testkit/logs"
	"github.com/rolecall/rolecall/internal/testkit/pki"
)

// provider says what it is told to say.
type provider struct {
	err atomic.Pointer[error]
}

func (p *provider) Checker() (authz.Checker, error) {
	if err := p.err.Load(); err != nil {
		return nil, *err
	}
	return nil, nil
}

// counter counts answers by door and status or code.
type counter struct {
	mu     sync.Mutex
	counts map[string]int
}

func (c *counter) of(name string) server.Counter {
	return answered(func(how string) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.counts[name+" "+how]++
	})
}

// get returns how often a door has answered in one way.
func (c *counter) get(how string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.counts[how]
}

// sum returns how many answers have been counted.
func (c *counter) sum() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, count := range c.counts {
		n += count
	}
	return n
}

type answered func(how string)

func (f answered) Answered(status int)    { f(strconv.Itoa(status)) }
func (f answered) Called(code codes.Code) { f(code.String()) }

// rig is a server, and what it was made of.
type rig struct {
	*server.Server
	server.Addresses
	provider provider
	counter  counter
	stop     context.CancelFunc
	ended    chan error
	// generated is the certificate of tls.generated, at first none.
	generated holder
	// refusal is what the gate of the metrics says, at first that all may.
	refusal atomic.Pointer[error]
}

// configure returns the defaults on free ports, changed.
func configure(change ...func(*configv1alpha1.ServerConfiguration)) *configv1alpha1.ServerConfiguration {
	c := &configv1alpha1.ServerConfiguration{}
	for _, address := range []*string{&c.HTTP.BindAddress, &c.GRPC.BindAddress, &c.Health.BindAddress, &c.Metrics.BindAddress} {
		*address = "127.0.0.1:0"
	}
	for _, f := range change {
		f(c)
	}
	config.Default(c)
	return c
}

func newRig(tb testing.TB, c *configv1alpha1.ServerConfiguration, routes ...door.Route) *rig {
	tb.Helper()
	return newRigOf(tb, c, routes, nil)
}

func newRigOf(tb testing.TB, c *configv1alpha1.ServerConfiguration, routes []door.Route, services []door.Service) *rig {
	tb.Helper()
	r := &rig{counter: counter{counts: map[string]int{}}, ended: make(chan error, 1)}
	r.Server = server.New(server.Options{
		Config: c, Routes: routes, Services: services, Provider: &r.provider, Counter: r.counter.of, Logger: logs.New(tb), Generated: &r.generated,
		MetricsGate: func(*http.Request) error {
			if err := r.refusal.Load(); err != nil {
				return *err
			}
			return nil
		},
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "metrics") }),
	})
	return r
}

// run listens and serves until the test ends, or stops it.
func (r *rig) run(t *testing.T) *rig {
	t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	r.stop = stop
	if err := r.Listen(ctx); err != nil {
		t.Fatal(err)
	}
	r.Addresses = r.Server.Addresses()
	go func() {
		r.ended <- r.Run(ctx)
		close(r.ended)
	}()
	t.Cleanup(func() {
		stop()
		for range r.ended { // until it is closed
		}
	})
	return r
}

// echo is a route that answers with the body that it was sent.
func echo(change ...func(*door.Route)) door.Route {
	r := door.Route{
		Door: "echo", Method: http.MethodPost, Path: "/echo", MediaType: "text/plain",
		Serve: func(w http.ResponseWriter, r *http.Request) error {
			body, err := door.ReadBody(r, nil)
			if err != nil {
				return err
			}
			w.Header().Set("Content-Type", "text/plain")
			_, err = io.Copy(w, bytes.NewReader(body))
			return err
		},
		Refuse: func(w http.ResponseWriter, status int, message string) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, "refused: "+message)
		},
	}
	for _, f := range change {
		f(&r)
	}
	return r
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// textHeader is the header of a request that echo takes.
func textHeader() http.Header { return http.Header{"Content-Type": {"text/plain"}} }

// do sends a request and reads the answer. A nil header is none.
func do(t *testing.T, method, url, body string, header http.Header) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if header != nil {
		req.Header = header
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(text)}
}

func TestAPortInUse(t *testing.T) {
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	address := taken.Addr().String()
	tests := map[string]func(*configv1alpha1.ServerConfiguration){
		"http":    func(c *configv1alpha1.ServerConfiguration) { c.HTTP.BindAddress = address },
		"health":  func(c *configv1alpha1.ServerConfiguration) { c.Health.BindAddress = address },
		"metrics": func(c *configv1alpha1.ServerConfiguration) { c.Metrics.BindAddress = address },
		"grpc":    func(c *configv1alpha1.ServerConfiguration) { c.GRPC.BindAddress = address },
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			err := newRigOf(t, configure(change), nil, service(reply)).Listen(t.Context())
			if err == nil {
				t.Fatal("it listens")
			}
			for _, want := range []string{address, name + ".bindAddress", "another program has the port"} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
		})
	}
}

func TestListenLeavesNothingOpen(t *testing.T) {
	address := free(t)
	r := newRig(t, configure(func(c *configv1alpha1.ServerConfiguration) {
		c.HTTP.BindAddress, c.Metrics.BindAddress = address, "256.0.0.1:1"
	}))
	if err := r.Listen(t.Context()); err == nil || !strings.Contains(err.Error(), "256.0.0.1:1") {
		t.Fatalf("error %v does not name the address", err)
	}
	if conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address); err == nil {
		_ = conn.Close()
		t.Error("the address that could be opened still is")
	}
}

// free returns an address that nobody listens at.
func free(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func TestHealth(t *testing.T) {
	r := newRig(t, configure()).run(t)
	notReady := fmt.Errorf("%w: the objects have not all been read", authz.ErrNotReady)
	tests := map[string]struct {
		path   string
		err    error
		status int
		body   string
	}{
		"alive":                        {"/healthz", nil, http.StatusOK, "ok\n"},
		"alive although not ready":     {"/healthz", notReady, http.StatusOK, "ok\n"},
		"ready":                        {"/readyz", nil, http.StatusOK, "ok\n"},
		"not ready, with the reason":   {"/readyz", notReady, http.StatusServiceUnavailable, notReady.Error() + "\n"},
		"no endpoint, and which there": {"/", nil, http.StatusNotFound, "no such endpoint; there are /healthz and /readyz\n"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r.provider.err.Store(nil)
			if tt.err != nil {
				r.provider.err.Store(&tt.err)
			}
			a := do(t, http.MethodGet, "http://"+r.Health+tt.path, "", nil)
			if a.status != tt.status || a.body != tt.body {
				t.Errorf("answer %d %q, want %d %q", a.status, a.body, tt.status, tt.body)
			}
		})
	}
}

func TestMetricsAreServedOnTheirOwnAddress(t *testing.T) {
	r := newRig(t, configure(), echo()).run(t)
	if a := do(t, http.MethodGet, "http://"+r.Metrics+"/metrics", "", nil); a.status != http.StatusOK || a.body != "metrics" {
		t.Errorf("answer %d %q", a.status, a.body)
	}
	for _, url := range []string{"http://" + r.HTTP + "/metrics", "http://" + r.Metrics + "/echo", "http://" + r.Health + "/metrics"} {
		if a := do(t, http.MethodGet, url, "", nil); a.status != http.StatusNotFound {
			t.Errorf("%s answers %d, want 404", url, a.status)
		}
	}
}

// TestMetricsGate: who may not read the metrics gets the gate's refusal, and nothing
// of them.
func TestMetricsGate(t *testing.T) {
	r := newRig(t, configure(), echo()).run(t)
	for _, tt := range []struct {
		err       error
		status    int
		body      string
		challenge string
	}{
		{nil, http.StatusOK, "metrics", ""},
		{&door.Error{Status: http.StatusUnauthorized, Message: "who?", Challenge: "Bearer"}, http.StatusUnauthorized, "who?\n", "Bearer"},
		{&door.Error{Status: http.StatusForbidden, Message: "not you"}, http.StatusForbidden, "not you\n", ""},
		{errors.New("broken"), http.StatusInternalServerError, "internal error; there is no decision\n", ""},
	} {
		r.refusal.Store(&tt.err)
		a := do(t, http.MethodGet, "http://"+r.Metrics+"/metrics", "", nil)
		if a.status != tt.status || a.body != tt.body || a.header.Get("WWW-Authenticate") != tt.challenge {
			t.Errorf("%v: answer %d %q, challenge %q", tt.err, a.status, a.body, a.header.Get("WWW-Authenticate"))
		}
	}
}

// TestShutdown: what has begun ends, what is new is refused, probes know.
func TestShutdown(t *testing.T) {
	begun, finish := make(chan struct{}), make(chan struct{})
	r := newRig(t, configure(), echo(func(r *door.Route) {
		r.Serve = func(w http.ResponseWriter, _ *http.Request) error {
			close(begun)
			<-finish
			_, _ = io.WriteString(w, "done")
			return nil
		}
	})).run(t)
	got := make(chan answer, 1)
	go func() { got <- do(t, http.MethodPost, "http://"+r.HTTP+"/echo", "", textHeader()) }()
	<-begun
	r.stop()
	await(t, "probes hear that the server is shutting down", func() bool {
		a := do(t, http.MethodGet, "http://"+r.Health+"/readyz", "", nil)
		return a.status == http.StatusServiceUnavailable && a.body == "shutting down\n"
	})
	await(t, "nobody new is taken", func() bool {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", r.HTTP)
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	})
	close(finish)
	if a := <-got; a.status != http.StatusOK || a.body != "done" {
		t.Errorf("the request that had begun got %d %q", a.status, a.body)
	}
	if err := <-r.ended; err != nil {
		t.Errorf("an orderly end returned %v", err)
	}
}

// TestClientsAreSentAway: before connections are closed, an answer says that it is
// the last one of its connection, over HTTP/1.1 and HTTP/2.
func TestClientsAreSentAway(t *testing.T) {
	authority := pki.New(t)
	plain, secure := configure(slowEnd), configure(slowEnd)
	certFile, keyFile := authority.Files(t.TempDir(), authority.Server("rolecall"))
	secure.HTTP.TLS = &configv1alpha1.TLS{CertFile: certFile, KeyFile: keyFile}
	for name, tt := range map[string]struct {
		config *configv1alpha1.ServerConfiguration
		base   string
		client *http.Client
		major  int
	}{
		"HTTP/1.1": {plain, "http://", &http.Client{Transport: &http.Transport{}}, 1},
		"HTTP/2":   {secure, "https://", authority.Client(nil), 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, tt.config, echo()).run(t)
			connections := map[string]bool{}
			trace := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
				GotConn: func(c httptrace.GotConnInfo) { connections[c.Conn.LocalAddr().String()] = true },
			})
			ask := func() {
				req, err := http.NewRequestWithContext(trace, http.MethodPost, tt.base+r.HTTP+"/echo", strings.NewReader("x"))
				if err != nil {
					t.Fatal(err)
				}
				req.Header = textHeader()
				resp, err := tt.client.Do(req)
				if err != nil {
					t.Fatalf("a request was cut off: %v", err)
				}
				defer func() { _ = resp.Body.Close() }()
				if _, err := io.ReadAll(resp.Body); err != nil || resp.ProtoMajor != tt.major {
					t.Fatalf("%s answered, %v", resp.Proto, err)
				}
			}
			ask()
			ask()
			if len(connections) != 1 {
				t.Fatalf("two requests took %d connections", len(connections))
			}
			r.stop()
			await(t, "the client is sent to another connection", func() bool { ask(); return len(connections) > 1 })
			if err := <-r.ended; err != nil {
				t.Errorf("an orderly end returned %v", err)
			}
		})
	}
}

// slowEnd leaves a second for load balancers and one for clients.
func slowEnd(c *configv1alpha1.ServerConfiguration) {
	c.Timeouts.ShutdownDelay.Duration = 2 * time.Second
}

func TestDrainIsBounded(t *testing.T) {
	begun := make(chan struct{})
	r := newRig(t, configure(func(c *configv1alpha1.ServerConfiguration) { c.Timeouts.Drain.Duration = time.Millisecond }),
		echo(func(r *door.Route) {
			r.Serve = func(_ http.ResponseWriter, r *http.Request) error {
				close(begun)
				<-r.Context().Done()
				return nil
			}
		})).run(t)
	go func() {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+r.HTTP+"/echo", nil)
		if err != nil {
			t.Error(err)
			return
		}
		req.Header.Set("Content-Type", "text/plain")
		if resp, err := http.DefaultClient.Do(req); err == nil {
			_ = resp.Body.Close()
		}
	}()
	<-begun
	r.stop()
	err := <-r.ended
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "timeouts.drain (1ms)") {
		t.Errorf("cutting off a request returned %v, want an error that names timeouts.drain", err)
	}
}

func TestABrokenListenerEndsTheServer(t *testing.T) {
	r := newRig(t, configure()).run(t)
	r.Close()
	if err := <-r.ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("Run returned %v, want what broke the listener", err)
	}
}

// await waits for a condition.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	err := wait.PollUntilContextTimeout(t.Context(), 5*time.Millisecond, time.Minute, true,
		func(context.Context) (bool, error) { return holds(), nil })
	if err != nil {
		t.Fatalf("waited in vain until %s: %v", what, err)
	}
}
