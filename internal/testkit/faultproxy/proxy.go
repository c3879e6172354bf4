// SPDX-License-Identifier: Apache-2.0

package faultproxy

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rolecall/rolecall/internal/testkit/pki"
)

// Proxy passes requests on to a server. Its methods are safe for concurrent use.
type Proxy struct {
	// Address is where it listens, always.
	Address string

	tb     testing.TB
	server http.Server
	wire   *wire

	mu     sync.Mutex
	faults []*Fault
	// lists are the answers to lists, by URL, as they were when they were last
	// asked for.
	lists map[string][]byte
	// counts are how many requests came, by what they were about.
	counts map[Request]int
}

// Start starts a proxy that shows a certificate of the authority, and stops it
// when the test ends. It passes requests on to a server by a transport.
func Start(tb testing.TB, authority *pki.Authority, to *url.URL, transport http.RoundTripper) *Proxy {
	tb.Helper()
	p := &Proxy{tb: tb, lists: map[string][]byte{}, counts: map[Request]int{}}
	p.wire = listen(tb)
	p.Address = p.wire.address
	passOn := &httputil.ReverseProxy{
		Transport:      transport,
		FlushInterval:  -1, // watches say something now and then
		Rewrite:        func(r *httputil.ProxyRequest) { r.SetURL(to); r.Out.Host = to.Host },
		ModifyResponse: p.remember,
		ErrorHandler:   func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }, // as if it was not there
		ErrorLog:       log.New(io.Discard, "", 0),
	}
	p.server = http.Server{
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.serve(w, r, passOn) }),
		TLSConfig:         &tls.Config{Certificates: []tls.Certificate{*authority.Server("localhost")}, MinVersion: tls.VersionTLS12},
		ErrorLog:          log.New(io.Discard, "", 0), // what goes wrong here is meant to
		ReadHeaderTimeout: time.Minute,
	}
	ended := make(chan error, 1)
	go func() { ended <- p.server.ServeTLS(p.wire, "", "") }()
	tb.Cleanup(func() {
		_ = p.server.Close()
		p.wire.Cut()
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			tb.Errorf("the proxy ended with %v", err)
		}
	})
	return p
}

// Cut closes all connections and takes no more until Restore, as a network that is
// parted and says so.
func (p *Proxy) Cut() { p.wire.Cut() }

// Restore takes connections again.
func (p *Proxy) Restore() { p.wire.Restore(p.tb) }

// Drop closes all connections. New ones are taken.
func (p *Proxy) Drop() { p.wire.Drop() }

// Freeze lets no byte more pass over the connections there are, which stay open,
// as those to a server that has lost its power. New ones are taken.
func (p *Proxy) Freeze() { p.wire.Freeze() }

// Injected is a fault that is in force.
type Injected struct {
	proxy *Proxy
	fault *Fault
	end   context.CancelFunc
}

// Inject begins to spoil requests. A request that several faults match is spoilt
// by the first.
func (p *Proxy) Inject(f Fault) *Injected {
	ctx, cancel := context.WithCancel(context.WithoutCancel(p.tb.Context()))
	f.over, f.stale = ctx.Done(), p.recorded()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = append(p.faults, &f)
	return &Injected{p, &f, cancel}
}

// End ends the fault.
func (i *Injected) End() {
	i.end()
	i.proxy.mu.Lock()
	defer i.proxy.mu.Unlock()
	i.proxy.faults = slices.DeleteFunc(i.proxy.faults, func(f *Fault) bool { return f == i.fault })
}

// Spoilt returns how many requests were spoilt.
func (i *Injected) Spoilt() int {
	i.proxy.mu.Lock()
	defer i.proxy.mu.Unlock()
	return i.fault.hits
}

// Count returns how many requests came that a request matches.
func (p *Proxy) Count(what Request) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for r, count := range p.counts {
		if what.matches(r) {
			n += count
		}
	}
	return n
}

func (p *Proxy) serve(w http.ResponseWriter, r *http.Request, passOn http.Handler) {
	request := requestOf(r)
	p.mu.Lock()
	p.counts[request]++
	var fault *Fault
	for _, f := range p.faults {
		if f.On.matches(request) && (f.Times == 0 || f.hits < f.Times) {
			f.hits++
			fault = f
			break
		}
	}
	p.mu.Unlock()
	if fault == nil {
		passOn.ServeHTTP(w, r)
		return
	}
	fault.Do(Exchange{w, r, fault, passOn})
}

// recorded returns the lists that were asked for so far.
func (p *Proxy) recorded() map[string][]byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.lists)
}

// remember keeps the answers to lists.
func (p *Proxy) remember(r *http.Response) error {
	if requestOf(r.Request).Verb != VerbList || r.StatusCode != http.StatusOK || r.Header.Get("Content-Encoding") != "" {
		return nil
	}
	body, err := io.ReadAll(r.Body)
	_ = r.Body.Close()
	if err != nil {
		return err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lists[r.Request.URL.Path] = body
	return nil
}
