// SPDX-License-Identifier: Apache-2.0

package operator

import (
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
)

// NewLogger returns the logger that a configuration asks for. Debug lines are
// those of V(1) to V(4).
func NewLogger(c configv1alpha1.Log, out io.Writer) logr.Logger {
	options := &slog.HandlerOptions{Level: slogLevel(c.Level)}
	if c.Format == configv1alpha1.LogJSON {
		return logr.FromSlogHandler(slog.NewJSONHandler(out, options))
	}
	return logr.FromSlogHandler(slog.NewTextHandler(out, options))
}

func slogLevel(l configv1alpha1.LogLevel) slog.Level {
	switch l {
	case configv1alpha1.LogError:
		return slog.LevelError
	case configv1alpha1.LogDebug:
		return slog.LevelDebug
	case configv1alpha1.LogInfo:
	}
	return slog.LevelInfo
}

// SetLibraryLogger sends what the Kubernetes libraries log to l, as debug lines:
// it is about the libraries' own doings, and their errors are attempts that they
// repeat. Whatever matters of it this program says itself, once. It sets
// process-wide state and belongs at the beginning of a command.
func SetLibraryLogger(l logr.Logger) {
	if sink := l.GetSink(); sink != nil {
		l = l.WithSink(quiet{sink})
	}
	klog.SetLogger(l.V(verbose).WithName("client-go"))
	ctrl.SetLogger(l.V(verbose).WithName("controller-runtime"))
}

// verbose is the verbosity of what only the debug level shows.
const verbose = 1

// quiet is a sink for which an error is a debug line.
type quiet struct{ logr.LogSink }

// Error logs an error as a debug line.
func (q quiet) Error(err error, msg string, keysAndValues ...any) {
	if q.Enabled(verbose) {
		q.Info(verbose, msg, append(keysAndValues, "error", err)...)
	}
}

// sayAgainAfter is how long after an error another one of its kind is said by a
// sparing logger.
const sayAgainAfter = 10 * time.Minute

// Sparing returns a logger that logs an error of one kind, which is one message,
// only when none was logged for ten minutes, and else as a debug line: an outage is
// no news after its first line, and what persists is not forgotten. It is safe for
// concurrent use.
func Sparing(l logr.Logger, now func() time.Time) logr.Logger {
	if sink := l.GetSink(); sink != nil {
		return l.WithSink(sparing{quiet{sink}, &saying{now: now, last: map[string]time.Time{}}})
	}
	return l
}

type sparing struct {
	quiet
	saying *saying
}

// Error logs an error, or a debug line.
func (s sparing) Error(err error, msg string, keysAndValues ...any) {
	if s.saying.due(msg) {
		s.LogSink.Error(err, msg, keysAndValues...)
		return
	}
	s.quiet.Error(err, msg, keysAndValues...)
}

// WithValues implements logr.LogSink.
func (s sparing) WithValues(keysAndValues ...any) logr.LogSink {
	return sparing{quiet{s.LogSink.WithValues(keysAndValues...)}, s.saying}
}

// WithName implements logr.LogSink.
func (s sparing) WithName(name string) logr.LogSink {
	return sparing{quiet{s.LogSink.WithName(name)}, s.saying}
}

// saying remembers when what was said.
type saying struct {
	now func() time.Time

	mu   sync.Mutex
	last map[string]time.Time
}

// due reports whether a message may be said, and takes note that it is.
func (s *saying) due(msg string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if last, said := s.last[msg]; said && now.Sub(last) < sayAgainAfter {
		return false
	}
	s.last[msg] = now
	return true
}

// WithValues implements logr.LogSink.
func (q quiet) WithValues(keysAndValues ...any) logr.LogSink {
	return quiet{q.LogSink.WithValues(keysAndValues...)}
}

// WithName implements logr.LogSink.
func (q quiet) WithName(name string) logr.LogSink {
	return quiet{q.LogSink.WithName(name)}
}
