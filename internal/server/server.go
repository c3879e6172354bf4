// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/go-logr/logr"
	"google.golang.org/grpc/codes"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/door"
)

// Counter counts the answers of a door. Its methods are called for every request:
// they take no lock and allocate nothing.
type Counter interface {
	// Answered counts an HTTP request by the status of its answer.
	Answered(status int)
	// Called counts a gRPC call by the code of its end.
	Called(code codes.Code)
}

// Options are what a server needs. All fields but Services, ClientCAs, Generated,
// MetricsGate and Admission are required.
type Options struct {
	// Config is a valid configuration with its defaults filled in.
	Config *configv1alpha1.ServerConfiguration
	// Routes are the endpoints of the HTTP doors.
	Routes []door.Route
	// Services are those of the gRPC doors. Without any, there is no listener for
	// them.
	Services []door.Service
	// Provider says whether there is a policy to decide by, for /readyz.
	Provider authz.Provider
	// Counter returns what counts for a door; an empty name stands for requests
	// that no door answers.
	Counter func(name string) Counter
	// ClientCAs returns the authorities whose certificates the doors take from
	// clients, another pool after a change; nil if they ask for none.
	ClientCAs func() *x509.CertPool
	// Generated has the certificate of the listeners whose tls.generated says so;
	// nil if there are none.
	Generated Generated
	// Metrics answers /metrics.
	Metrics http.Handler
	// MetricsGate returns nil for who may read them, else a refusal (door.Error); a
	// nil one lets everyone in.
	MetricsGate func(*http.Request) error
	// Admission is the webhook; nil if there is none.
	Admission http.Handler
	// Logger is for the server itself, not for requests.
	Logger logr.Logger
}

// Server is the listeners of one process: Listen, then Run, once.
type Server struct {
	options Options
	// draining says that probes hear of the end, and leaving that clients do.
	draining, leaving atomic.Bool
	probe             *probe
	listeners         []*listener
}

// listener is one address and what answers there.
type listener struct {
	// name is also that of the field of the configuration, for messages.
	name   string
	config configv1alpha1.Listener
	// door says that checks are asked here, not how the server is.
	door bool
	// start makes the engine, when the TLS configuration is known; nil is none.
	start  func(*tls.Config) engine
	engine engine
	socket net.Listener
	// shown is nil without TLS, and before Listen.
	shown certificate
}

// engine answers what comes in at a socket.
type engine interface {
	// serve answers until shutdown, and returns nil then. ctx ends before.
	serve(ctx context.Context, socket net.Listener) error
	// shutdown takes nothing new, lets end what has begun, and cuts off what has
	// not ended when ctx does. Its error says that it did.
	shutdown(ctx context.Context) error
}

// New returns a server that listens nowhere yet.
func New(o Options) *Server {
	s := &Server{options: o}
	s.probe = newProbe(s.unready)
	c := o.Config
	s.listeners = []*listener{
		{name: "http", config: c.HTTP, door: true, start: s.httpEngine(s.doors())},
		{name: "health", config: configv1alpha1.Listener{BindAddress: c.Health.BindAddress}, start: s.httpEngine(s.health())},
		{name: "metrics", config: c.Metrics.Listener, start: s.httpEngine(s.metrics())},
	}
	if o.Admission != nil {
		s.listeners = append(s.listeners, &listener{name: "admission", config: c.Admission.Listener, start: s.httpEngine(o.Admission)})
	}
	if len(o.Services) > 0 {
		s.listeners = append(s.listeners, &listener{name: "grpc", config: c.GRPC, door: true, start: s.grpcEngine})
	}
	return s
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
	// GRPC is empty if there are no gRPC doors, and Admission if there is no webhook.
	GRPC, Admission string
}

// Addresses returns the addresses after Listen.
func (s *Server) Addresses() Addresses {
	at := map[string]string{}
	for _, l := range s.listeners {
		at[l.name] = l.socket.Addr().String()
	}
	return Addresses{HTTP: at["http"], Health: at["health"], Metrics: at["metrics"], GRPC: at["grpc"], Admission: at["admission"]}
}

// Run serves until ctx ends, then ends in order: not ready first, then, in the
// second half of timeouts.shutdownDelay, clients over HTTP are asked to connect
// elsewhere, then no new requests, and those that have begun get timeouts.drain to
// end. It returns nil after an orderly end, and an error if a
// listener breaks down or requests had to be cut off.
func (s *Server) Run(ctx context.Context) error {
	serving, stop := context.WithCancel(ctx)
	defer stop()
	var all sync.WaitGroup
	broken := make([]error, len(s.listeners)+1)
	for i, l := range s.listeners {
		all.Go(func() {
			defer stop()
			broken[i] = l.serve(ctx)
		})
		s.options.Logger.Info("listening", "for", l.name, "address", l.socket.Addr().String(), "tls", l.config.TLS != nil)
	}
	<-serving.Done()
	broken[len(s.listeners)] = s.shutdown(context.WithoutCancel(ctx))
	all.Wait()
	return errors.Join(broken...)
}

func (l *listener) serve(ctx context.Context) error {
	if err := l.engine.serve(ctx, l.socket); err != nil {
		return fmt.Errorf("serve %s at %s: %w", l.name, l.socket.Addr(), err)
	}
	return nil
}

// shutdown ends the doors first: while they drain, probes and Prometheus are
// still answered.
func (s *Server) shutdown(ctx context.Context) error {
	s.draining.Store(true)
	s.probe.refresh()
	timeouts := &s.options.Config.Timeouts
	// Load balancers have the first half to notice: who is sent away sooner comes
	// back. Whoever asks in the second half is told to go by the answer, which no
	// request can cross, as it can the end of a connection.
	wait(ctx, timeouts.ShutdownDelay.Duration/2)
	s.leaving.Store(true)
	wait(ctx, timeouts.ShutdownDelay.Duration/2)
	ctx, cancel := context.WithTimeout(ctx, timeouts.Drain.Duration)
	defer cancel()
	return errors.Join(s.drain(ctx, true), s.drain(ctx, false))
}

// drain shuts down the doors, or what is none, all at once.
func (s *Server) drain(ctx context.Context, doors bool) error {
	var all sync.WaitGroup
	errs := make([]error, len(s.listeners))
	for i, l := range s.listeners {
		if l.door != doors {
			continue
		}
		all.Go(func() {
			if err := l.engine.shutdown(ctx); err != nil {
				errs[i] = fmt.Errorf("drain %s within timeouts.drain (%s): %w", l.name, s.options.Config.Timeouts.Drain.Duration, err)
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}
