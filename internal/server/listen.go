// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/go-logr/logr"
)

// httpEngine is what makes the engine for a handler, with every timeout and limit
// set.
func (s *Server) httpEngine(h http.Handler) func(*tls.Config) engine {
	return func(config *tls.Config) engine {
		c := s.options.Config
		return &httpEngine{http.Server{
			Handler:           h,
			TLSConfig:         config,
			ReadHeaderTimeout: c.Timeouts.ReadHeader.Duration,
			ReadTimeout:       c.Timeouts.Read.Duration,
			WriteTimeout:      c.Timeouts.Write.Duration,
			IdleTimeout:       c.Timeouts.Idle.Duration,
			MaxHeaderBytes:    c.Limits.HeaderBytes,
			// What net/http complains of is the doing of clients: bad handshakes,
			// malformed requests.
			ErrorLog: slog.NewLogLogger(logr.ToSlogHandler(s.options.Logger), slog.LevelDebug),
		}}
	}
}

// httpEngine serves HTTP/1.1, and HTTP/2 over TLS.
type httpEngine struct{ server http.Server }

// serve implements engine.
func (e *httpEngine) serve(_ context.Context, socket net.Listener) error {
	socket = patient{socket}
	if e.server.TLSConfig != nil {
		socket = tls.NewListener(socket, e.server.TLSConfig)
	}
	if err := e.server.Serve(socket); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// shutdown implements engine.
func (e *httpEngine) shutdown(ctx context.Context) error {
	err := e.server.Shutdown(ctx)
	if err != nil {
		_ = e.server.Close()
	}
	return err
}

// open listens at the address of l, and reads its certificates again whenever
// they change, until ctx ends.
func (s *Server) open(ctx context.Context, l *listener) error {
	socket, err := new(net.ListenConfig).Listen(ctx, "tcp", l.config.BindAddress)
	if err != nil {
		return l.explain(err)
	}
	l.socket = socket
	config, err := s.tls(ctx, l)
	if err != nil {
		return err
	}
	l.engine = l.start(config)
	return nil
}

// explain says which field of the configuration to change.
func (l *listener) explain(err error) error {
	remedy := ""
	if errors.Is(err, syscall.EADDRINUSE) {
		remedy = "; another program has the port, stop it or set another " + l.name + ".bindAddress"
	}
	return fmt.Errorf("listen for %s at %s (%s.bindAddress): %w%s", l.name, l.config.BindAddress, l.name, err, remedy)
}

// wait returns after d, or when ctx ends.
func wait(ctx context.Context, d time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	<-ctx.Done()
}
