// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"context"
	"testing"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/compile"
	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/metrics"
	"github.com/rolecall/rolecall/internal/server"
	"github.com/rolecall/rolecall/internal/testkit"
	"github.com/rolecall/rolecall/internal/testkit/corpus"
	"github.com/rolecall/rolecall/internal/testkit/decide"
	"github.com/rolecall/rolecall/internal/testkit/logs"
	"github.com/rolecall/rolecall/internal/wire/authzen"
)

// TestAuthZEN puts the cases to the AuthZEN door over HTTP.
func TestAuthZEN(t *testing.T) {
	t.Parallel()
	compiler := compile.New(decide.Env(t))
	var placed []corpus.Case
	var objects []testkit.Object
	for _, c := range decide.Cases(t) {
		c = place(c)
		placed = append(placed, c)
		objects = append(objects, c.Objects...)
	}
	clock := &clock{}
	address := listen(t, fixed{decide.Snapshot(compiler, objects)}, clock)
	client := &client{base: "http://" + address, clock: clock}
	for _, c := range placed {
		t.Run(c.Name, func(t *testing.T) { client.verify(t, c.Checks) })
	}
}

// fixed provides one policy for ever.
type fixed struct{ checker authz.Checker }

// Checker implements authz.Provider.
func (f fixed) Checker() (authz.Checker, error) { return f.checker, nil }

// loopback is a configuration with free ports.
func loopback() *configv1alpha1.ServerConfiguration {
	c := &configv1alpha1.ServerConfiguration{LeaderElection: configv1alpha1.LeaderElection{Enabled: new(false)}}
	for _, address := range []*string{&c.HTTP.BindAddress, &c.GRPC.BindAddress, &c.Health.BindAddress, &c.Metrics.BindAddress} {
		*address = "127.0.0.1:0"
	}
	config.Default(c)
	return c
}

// listen serves the AuthZEN door until the test ends and returns its address.
func listen(t *testing.T, provider authz.Provider, clock *clock) string {
	t.Helper()
	counters, err := metrics.New(authzen.Name)
	if err != nil {
		t.Fatal(err)
	}
	c := loopback()
	s := server.New(server.Options{
		Config: c,
		Routes: authzen.Routes(authzen.Options{
			Asker:          door.Asker{Gate: door.Anyone{}, Provider: provider, Now: clock.read, Meter: counters.Door(authzen.Name)},
			MaxEvaluations: c.Limits.Evaluations,
		}),
		Provider: provider,
		Counter:  func(name string) server.Counter { return counters.Door(name) },
		Metrics:  counters.Handler(),
		Logger:   logs.New(t),
	})
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	if err := s.Listen(ctx); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the server ended with %v", err)
		}
	})
	return s.Addresses().HTTP
}
