// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"crypto/tls"
	"fmt"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/certwatcher"
)

// Generated has a certificate that is not in files. Its methods are safe for
// concurrent use.
type Generated interface {
	// Certificate returns the one to show in a handshake now, or why there is none.
	Certificate() (*tls.Certificate, error)
	// Ready returns nil as long as clients can accept it. The server is not ready
	// otherwise.
	Ready() error
}

// certificate returns the one that a listener shows in a handshake now.
type certificate func() (*tls.Certificate, error)

// tls returns the TLS configuration of a listener, nil if it has none.
func (s *Server) tls(ctx context.Context, l *listener) (*tls.Config, error) {
	if l.config.TLS == nil {
		return nil, nil
	}
	var err error
	if l.shown, err = s.certificate(ctx, l); err != nil {
		return nil, err
	}
	config := &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return l.shown()
		},
	}
	if l.door && s.options.ClientCAs != nil {
		config = askForCertificates(config, s.options.ClientCAs)
	}
	return config, nil
}

// certificate returns the way to the generated certificate, or to that of files,
// which are read again whenever they change, until ctx ends.
func (s *Server) certificate(ctx context.Context, l *listener) (certificate, error) {
	if l.config.TLS.Generated {
		return s.options.Generated.Certificate, nil
	}
	watcher, err := certwatcher.New(l.config.TLS.CertFile, l.config.TLS.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("%s.tls: read certFile %s and keyFile %s: %w",
			l.name, l.config.TLS.CertFile, l.config.TLS.KeyFile, err)
	}
	go func() {
		if err := watcher.Start(ctx); err != nil {
			s.options.Logger.Error(err, "certificates are not read again when they change", "for", l.name)
		}
	}()
	return func() (*tls.Certificate, error) { return watcher.GetCertificate(nil) }, nil
}

// generated reports whether a listener shows the generated certificate.
func (s *Server) generated() bool {
	for _, l := range s.listeners {
		if l.config.TLS != nil && l.config.TLS.Generated {
			return true
		}
	}
	return false
}

// CertificatesNotAfter returns the end of the certificate that each listener with
// TLS shows, by the listener's name. It is for after Listen.
func (s *Server) CertificatesNotAfter() map[string]time.Time {
	all := make(map[string]time.Time)
	for _, l := range s.listeners {
		if l.shown == nil {
			continue
		}
		if c, err := l.shown(); err == nil {
			all[l.name] = c.Leaf.NotAfter
		}
	}
	return all
}
