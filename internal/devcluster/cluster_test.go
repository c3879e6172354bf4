// SPDX-License-Identifier: Apache-2.0

package devcluster_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/rolecall/rolecall/internal/devcluster"
	"github.com/rolecall/rolecall/internal/devcluster/devclustertest"
)

// patience bounds waits for what happens at once on an idle machine.
const patience = time.Minute

func TestStateSurvivesARestart(t *testing.T) {
	dir := t.TempDir()
	first, stop := devclustertest.Private(t, devclustertest.Options{Dir: dir})
	if _, err := roleClientOf(t, first.Config()).Create(t.Context(), role("kept"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	stop()
	second, _ := devclustertest.Private(t, devclustertest.Options{Dir: dir})
	if _, err := roleClientOf(t, second.Config()).Get(t.Context(), "kept", metav1.GetOptions{}); err != nil {
		t.Errorf("after a restart: %v", err)
	}
	if second.Config().BearerToken != first.Config().BearerToken {
		t.Error("a restart made a new token: clients that run through it would be shut out")
	}
}

func roleClientOf(t *testing.T, config *rest.Config) dynamic.ResourceInterface {
	t.Helper()
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client.Resource(roles).Namespace(devcluster.DefaultNamespace)
}

// TestStopEndsWatches: a cluster that waited for its watches would take a
// minute to stop.
func TestStopEndsWatches(t *testing.T) {
	cluster, _ := devclustertest.Private(t, devclustertest.Options{})
	w, err := roleClientOf(t, cluster.Config()).Watch(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- cluster.Stop() }()
	select {
	case err := <-stopped:
		if err != nil {
			t.Errorf("stop: %v", err)
		}
	case <-time.After(patience / 2):
		t.Fatal("an open watch keeps the cluster from stopping")
	}
	for range w.ResultChan() { // ends, or the test does not
	}
}

func TestContextEndsTheCluster(t *testing.T) {
	state := openState(t, "")
	ctx, cancel := context.WithCancel(t.Context())
	cluster, err := devcluster.Start(ctx, devcluster.Options{State: state})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := cluster.Wait(); err != nil {
		t.Errorf("wait: %v", err)
	}
	if _, err := devcluster.Start(ctx, devcluster.Options{State: state}); !errors.Is(err, context.Canceled) {
		t.Errorf("start with an ended context: %v, want context canceled", err)
	}
}

func openState(t *testing.T, dir string) *devcluster.State {
	t.Helper()
	state, err := devcluster.OpenState(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := state.Close(); err != nil {
			t.Error(err)
		}
	})
	return state
}

func TestPortInUseIsNamed(t *testing.T) {
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	_, port, err := net.SplitHostPort(ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	_, err = devcluster.Start(t.Context(), devcluster.Options{State: openState(t, ""), Port: number})
	if !errors.Is(err, devcluster.ErrPortInUse) || !strings.Contains(err.Error(), port) {
		t.Errorf("start on a port in use: %v, want one that names port %s", err, port)
	}
}

func TestStrangersAreShutOut(t *testing.T) {
	tests := map[string]struct{ token string }{
		"without a token":    {},
		"with another token": {token: "guessed"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			config := devclustertest.Start(t)
			config.BearerToken = tt.token
			for _, path := range []string{"/apis", "/readyz", "/apis/rolecall.dev/v1alpha1/roles"} {
				if code, _ := get(t, config, path, "application/json"); code != http.StatusUnauthorized {
					t.Errorf("GET %s = %d, want 401", path, code)
				}
			}
		})
	}
}

func TestKubeconfigWorksAndIsPrivate(t *testing.T) {
	path := devclustertest.Cluster(t).Kubeconfig()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode = %v, want 0600: it holds the token", info.Mode().Perm())
	}
	config, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = roleClientOf(t, config).Get(t.Context(), "nobody", metav1.GetOptions{})
	if !apierrors.IsNotFound(err) {
		t.Errorf("get by kubeconfig: %v, want not found", err)
	}
}
