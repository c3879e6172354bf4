// SPDX-License-Identifier: Apache-2.0

package operator

import (
	"io"
	"log/slog"

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

// SetLibraryLogger sends what the Kubernetes libraries log to l, at one level
// less: it is about the libraries' own doings. It sets process-wide state and
// belongs at the beginning of a command.
func SetLibraryLogger(l logr.Logger) {
	klog.SetLogger(l.V(1).WithName("client-go"))
	ctrl.SetLogger(l.V(1).WithName("controller-runtime"))
}
