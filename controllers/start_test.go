// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"context"
	"strings"
	"testing"

	"github.com/go-logr/logr/funcr"
	corev1 "k8s.io/api/core/v1"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/config/crd"
	"github.com/rolecall/rolecall/controllers"
	"github.com/rolecall/rolecall/internal/devcluster"
)

// TestDefinitionsLater: controllers that start before the definitions are
// installed wait for them.
func TestDefinitionsLater(t *testing.T) {
	state, err := devcluster.OpenState("")
	if err != nil {
		t.Fatal(err)
	}
	// It must outlive the test's context, which ends before its cleanups.
	cluster, err := devcluster.Start(context.WithoutCancel(t.Context()), devcluster.Options{State: state})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Stop(); err != nil {
			t.Errorf("stop the API server: %v", err)
		}
		if err := state.Close(); err != nil {
			t.Errorf("close its state: %v", err)
		}
	})
	h := &house{t: t, namespace: "default", Client: newClient(t, cluster.Config())}
	h.start(cluster.Config())
	if err := devcluster.InstallCRDs(t.Context(), cluster.Config(), crd.FS); err != nil {
		t.Fatal(err)
	}
	h.create(resource("document", "read"))
	h.await(resource("document"), ready)
}

func TestLogEvents(t *testing.T) {
	var line string
	log := funcr.New(func(_, args string) { line = args }, funcr.Options{})
	reader := role("reader")
	reader.Namespace = "app"
	controllers.LogEvents(log).
		Eventf(reader, nil, corev1.EventTypeWarning, v1alpha1.ReasonConflicted, "Judge", "%s is taken", "reader")
	for _, want := range []string{
		`"type"="Warning"`, `"reason"="Conflicted"`, `"message"="reader is taken"`, `"kind"="Role"`, `"namespace"="app"`, `"name"="reader"`,
	} {
		if !strings.Contains(line, want) {
			t.Errorf("the line %q lacks %s", line, want)
		}
	}
}
