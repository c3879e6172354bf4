// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"

	"github.com/rolecall/rolecall/api/v1alpha1"
)

// LogEvents returns a recorder that logs events, for an API that has none.
func LogEvents(l logr.Logger) events.EventRecorder {
	return logRecorder{log: l}
}

type logRecorder struct{ log logr.Logger }

// Eventf logs an event.
func (r logRecorder) Eventf(regarding, _ runtime.Object, kind, reason, _, note string, args ...any) {
	l := r.log.WithValues("type", kind, "reason", reason, "message", fmt.Sprintf(note, args...))
	if o, err := meta.Accessor(regarding); err == nil {
		l = l.WithValues("namespace", o.GetNamespace(), "name", o.GetName())
	}
	l.Info("event", "kind", kindOf(regarding))
}

func kindOf(o runtime.Object) string {
	switch o.(type) {
	case *v1alpha1.Resource:
		return "Resource"
	case *v1alpha1.Role:
		return "Role"
	case *v1alpha1.RoleBinding:
		return "RoleBinding"
	}
	return o.GetObjectKind().GroupVersionKind().Kind
}
