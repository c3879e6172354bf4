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
	"sigs.k8s.io/controller-runtime/pkg/certwatcher"
)

// httpServer returns a server with every timeout and limit set.
func (s *Server) httpServer(h http.Handler) *http.Server {
	c := s.options.Config
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: c.Timeouts.ReadHeader.Duration,
		ReadTimeout:       c.Timeouts.Read.Duration,
		WriteTimeout:      c.Timeouts.Write.Duration,
		IdleTimeout:       c.Timeouts.Idle.Duration,
		MaxHeaderBytes:    c.Limits.HeaderBytes,
		// What net/http complains of is the doing of clients: bad handshakes,
		// malformed requests.
		ErrorLog: slog.NewLogLogger(logr.ToSlogHandler(s.options.Logger), slog.LevelDebug),
	}
}

// open listens at the address of l, and reads its certificates again whenever
// they change, until ctx ends.
func (s *Server) open(ctx context.Context, l *listener) error {
	socket, err := new(net.ListenConfig).Listen(ctx, "tcp", l.config.BindAddress)
	if err != nil {
		return l.explain(err)
	}
	l.socket = patient{socket}
	if l.config.TLS == nil {
		return nil
	}
	watcher, err := certwatcher.New(l.config.TLS.CertFile, l.config.TLS.KeyFile)
	if err != nil {
		return fmt.Errorf("%s.tls: read certFile %s and keyFile %s: %w",
			l.name, l.config.TLS.CertFile, l.config.TLS.KeyFile, err)
	}
	go func() {
		if err := watcher.Start(ctx); err != nil {
			s.options.Logger.Error(err, "certificates are not read again when they change", "for", l.name)
		}
	}()
	l.http.TLSConfig = &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"h2", "http/1.1"},
		GetCertificate: watcher.GetCertificate,
	}
	l.socket = tls.NewListener(l.socket, l.http.TLSConfig)
	return nil
}

// explain says which field of the configuration to change.
func (l *listener) explain(err error) error {
	remedy := ""
	if errors.Is(err, syscall.EADDRINUSE) {
		remedy = "; another program has the port, stop it or set another " + l.field
	}
	return fmt.Errorf("listen for %s at %s (%s): %w%s", l.name, l.config.BindAddress, l.field, err, remedy)
}

// wait returns after d, or when ctx ends.
func wait(ctx context.Context, d time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	<-ctx.Done()
}
