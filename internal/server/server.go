// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/go-logr/logr"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/door"
)

// Counter counts the answers of a door. Its method is called for every request:
// it takes no lock and allocates nothing.
type Counter interface {
	// Answered counts a request by the HTTP status of its answer.
	Answered(status int)
}

// Options are what a server needs. All fields are required.
type Options struct {
	// Config is a valid configuration with its defaults filled in.
	Config *configv1alpha1.ServerConfiguration
	// Routes are the endpoints of the HTTP doors.
	Routes []door.Route
	// Provider says whether there is a policy to decide by, for /readyz.
	Provider authz.Provider
	// Counter returns what counts for a door; an empty name stands for requests
	// that no door answers.
	Counter func(name string) Counter
	// Metrics answers /metrics.
	Metrics http.Handler
	// Logger is for the server itself, not for requests.
	Logger logr.Logger
}

// Server is the listeners of one process: Listen, then Run, once.
type Server struct {
	options   Options
	draining  atomic.Bool
	listeners []*listener
}

// listener is one address and what answers there.
type listener struct {
	name   string
	field  string // of the configuration, for messages
	config configv1alpha1.Listener
	http   *http.Server
	socket net.Listener
}

// New returns a server that listens nowhere yet.
func New(o Options) *Server {
	s := &Server{options: o}
	c := o.Config
	s.add("http", c.HTTP, s.doors())
	s.add("health", configv1alpha1.Listener{BindAddress: c.Health.BindAddress}, s.health())
	s.add("metrics", c.Metrics, metrics(o.Metrics))
	return s
}

func (s *Server) add(name string, config configv1alpha1.Listener, h http.Handler) {
	s.listeners = append(s.listeners, &listener{
		name: name, field: name + ".bindAddress", config: config, http: s.httpServer(h),
	})
}

// Listen opens every address. Its error names the address and the field of the
// configuration that it comes from; nothing stays open then.
func (s *Server) Listen(ctx context.Context) error {
	for _, l := range s.listeners {
		if err := s.open(ctx, l); err != nil {
			s.Close()
			return err
		}
	}
	return nil
}

// Close closes what Listen has opened, if Run is not going to.
func (s *Server) Close() {
	for _, l := range s.listeners {
		if l.socket != nil {
			_ = l.socket.Close()
		}
	}
}

// Addresses are where a server listens, as host:port with the real port.
type Addresses struct {
	HTTP, Health, Metrics string
}

// Addresses returns the addresses after Listen.
func (s *Server) Addresses() Addresses {
	at := func(i int) string { return s.listeners[i].socket.Addr().String() }
	return Addresses{HTTP: at(0), Health: at(1), Metrics: at(2)}
}

// Run serves until ctx ends, then ends in order: not ready first, then, after
// timeouts.shutdownDelay, no new requests, and those that have begun get
// timeouts.drain to end. It returns nil after an orderly end, and an error if a
// listener breaks down or requests had to be cut off.
func (s *Server) Run(ctx context.Context) error {
	serving, stop := context.WithCancel(ctx)
	defer stop()
	var all sync.WaitGroup
	broken := make([]error, len(s.listeners)+1)
	for i, l := range s.listeners {
		all.Go(func() {
			defer stop()
			broken[i] = l.serve()
		})
		s.options.Logger.Info("listening", "for", l.name, "address", l.socket.Addr().String(), "tls", l.config.TLS != nil)
	}
	<-serving.Done()
	broken[len(s.listeners)] = s.shutdown(context.WithoutCancel(ctx))
	all.Wait()
	return errors.Join(broken...)
}

func (l *listener) serve() error {
	err := l.http.Serve(l.socket)
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve %s at %s: %w", l.name, l.socket.Addr(), err)
}

// shutdown ends the doors first: while they drain, probes and Prometheus are
// still answered.
func (s *Server) shutdown(ctx context.Context) error {
	s.draining.Store(true)
	timeouts := &s.options.Config.Timeouts
	wait(ctx, timeouts.ShutdownDelay.Duration)
	ctx, cancel := context.WithTimeout(ctx, timeouts.Drain.Duration)
	defer cancel()
	var errs []error
	for _, l := range s.listeners {
		if err := l.http.Shutdown(ctx); err != nil {
			errs = append(errs, fmt.Errorf("drain %s within timeouts.drain (%s): %w", l.name, timeouts.Drain.Duration, err))
			_ = l.http.Close()
		}
	}
	return errors.Join(errs...)
}
