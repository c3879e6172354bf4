// SPDX-License-Identifier: Apache-2.0

package server

import (
	"errors"
	"io"
	"net/http"

	"github.com/rolecall/rolecall/internal/door"
)

// health answers probes: /healthz while the process serves, /readyz while checks
// can be answered too, else 503 with the reason in the body.
func (s *Server) health() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		text(w, http.StatusOK, "ok\n")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if reason := s.unready(); reason != "" {
			text(w, http.StatusServiceUnavailable, reason+"\n")
			return
		}
		text(w, http.StatusOK, "ok\n")
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		text(w, http.StatusNotFound, "no such endpoint; there are /healthz and /readyz\n")
	})
	return mux
}

// unready says why checks are not answered, or nothing.
func (s *Server) unready() string {
	if s.draining.Load() {
		return "shutting down"
	}
	if s.generated() {
		if err := s.options.Generated.Ready(); err != nil {
			return err.Error()
		}
	}
	if _, err := s.options.Provider.Checker(); err != nil {
		return err.Error()
	}
	return ""
}

// metrics answers Prometheus.
func (s *Server) metrics() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		if err := s.admitReader(r); err != nil {
			refuseReader(w, err)
			return
		}
		s.options.Metrics.ServeHTTP(w, r)
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		text(w, http.StatusNotFound, "no such endpoint; there is /metrics\n")
	})
	return mux
}

// admitReader returns nil for who may read the metrics.
func (s *Server) admitReader(r *http.Request) error {
	if s.options.MetricsGate == nil {
		return nil
	}
	return s.options.MetricsGate(r)
}

// refuseReader answers who may not.
func refuseReader(w http.ResponseWriter, err error) {
	status, message := door.Answer(err)
	if e, ok := errors.AsType[*door.Error](err); ok && e.Challenge != "" {
		w.Header().Set("WWW-Authenticate", e.Challenge)
	}
	text(w, status, message+"\n")
}

// text writes a plain answer. A client that is gone is no news to anyone.
func text(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body) //nolint:gosec // plain text, which nobody may take for anything else
}
