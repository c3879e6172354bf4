// SPDX-License-Identifier: Apache-2.0

// Package devclustertest gives tests a real API server: one for each test
// process, with Rolecall's CRDs installed, started by the first test that asks.
//
// A package that uses it says so in its TestMain:
//
//	func TestMain(m *testing.M) { devclustertest.Main(m) }
//
//	func TestSomething(t *testing.T) {
//		config, namespace := devclustertest.Start(t), devclustertest.Namespace(t)
//		...
//	}
//
// Tests share the server; what keeps them apart is a namespace for each.
package devclustertest

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"strings"
	"sync"
	"testing"

	"k8s.io/client-go/rest"

	"github.com/rolecall/rolecall/config/crd"
	"github.com/rolecall/rolecall/internal/devcluster"
)

// shared is the process's server.
var shared server

type server struct {
	mu      sync.Mutex
	main    bool // Main runs, so that somebody will stop the server
	cluster *devcluster.Cluster
	stop    func() error
	err     error
}

// Main runs the tests and stops the server if one of them started it. It panics
// if the server does not stop cleanly.
func Main(m *testing.M) {
	devcluster.SetLibraryLog(io.Discard)
	shared.mu.Lock()
	shared.main = true
	shared.mu.Unlock()
	m.Run() // the process exits with its result when TestMain returns
	if err := shared.close(); err != nil {
		panic(fmt.Errorf("stop the API server: %w", err))
	}
}

// Start returns a client configuration of the shared server with all rights,
// each call a copy.
func Start(tb testing.TB) *rest.Config {
	tb.Helper()
	return Cluster(tb).Config()
}

// Cluster is Start for tests that need more of the server, such as its
// kubeconfig. Tests must not stop it.
func Cluster(tb testing.TB) *devcluster.Cluster {
	tb.Helper()
	cluster, err := shared.get(lifetime(tb))
	if err != nil {
		tb.Fatalf("start the API server: %v", err)
	}
	return cluster
}

// Options say what a Private server shall keep over a restart.
type Options struct {
	// Dir is the state folder; empty means a temporary one.
	Dir string
	// Port is the loopback port; 0 means a free one.
	Port int
}

// Private starts a server for this test only, which the test may stop: for
// what happens when the API goes away and comes back. The CRDs are installed.
// The test's end stops the server if stop has not.
func Private(tb testing.TB, opts Options) (cluster *devcluster.Cluster, stop func()) {
	tb.Helper()
	if err := shared.requireMain(); err != nil {
		tb.Fatal(err)
	}
	cluster, end, err := start(lifetime(tb), opts)
	if err != nil {
		tb.Fatalf("start an API server: %v", err)
	}
	stop = func() {
		if err := end(); err != nil {
			tb.Errorf("stop the API server: %v", err)
		}
	}
	tb.Cleanup(stop)
	return cluster, stop
}

// Namespace is a name that no other test of the process uses. Namespaces need
// not be created.
func Namespace(tb testing.TB) string {
	tb.Helper()
	hash := fnv.New64a()
	_, _ = io.WriteString(hash, tb.Name()) // a hash takes everything
	return fmt.Sprintf("test-%s-%x", short(tb.Name()), hash.Sum64())
}

// short keeps what of a test's name a namespace may be called.
func short(name string) string {
	kept := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(name))
	return kept[:min(len(kept), 30)]
}

func (s *server) get(ctx context.Context) (*devcluster.Cluster, error) {
	if err := s.requireMain(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cluster == nil && s.err == nil {
		s.cluster, s.stop, s.err = start(ctx, Options{})
	}
	return s.cluster, s.err
}

func (s *server) requireMain() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.main {
		return errors.New("the package needs func TestMain(m *testing.M) { devclustertest.Main(m) }")
	}
	return nil
}

// lifetime does not end with the test: its cleanups, and the tests after it,
// may need the server.
func lifetime(tb testing.TB) context.Context {
	tb.Helper()
	return context.WithoutCancel(tb.Context())
}

func (s *server) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stop == nil {
		return nil
	}
	return s.stop()
}

func start(ctx context.Context, opts Options) (*devcluster.Cluster, func() error, error) {
	state, err := devcluster.OpenState(opts.Dir)
	if err != nil {
		return nil, nil, err
	}
	cluster, err := devcluster.Start(ctx, devcluster.Options{State: state, Port: opts.Port})
	if err != nil {
		return nil, nil, errors.Join(err, state.Close())
	}
	stop := sync.OnceValue(func() error { return errors.Join(cluster.Stop(), state.Close()) })
	if err := devcluster.InstallCRDs(ctx, cluster.Config(), crd.FS); err != nil {
		return nil, nil, errors.Join(err, stop())
	}
	return cluster, stop, nil
}
