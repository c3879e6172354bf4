// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/internal/devcluster/devclustertest"
	"github.com/rolecall/rolecall/internal/operator"
	"github.com/rolecall/rolecall/internal/server"
	"github.com/rolecall/rolecall/internal/testkit/logs"
)

func TestMain(m *testing.M) { devclustertest.Main(m) }

// running is an operator of a test, on free ports.
type running struct {
	server.Addresses
	stop func() error
}

// options are those of an operator on free ports, alone.
func options(tb testing.TB) operator.Options {
	tb.Helper()
	c := &configv1alpha1.ServerConfiguration{LeaderElection: configv1alpha1.LeaderElection{Enabled: new(false)}}
	for _, address := range []*string{&c.HTTP.BindAddress, &c.GRPC.BindAddress, &c.Health.BindAddress, &c.Metrics.BindAddress} {
		*address = "127.0.0.1:0"
	}
	config.Default(c)
	return operator.Options{Config: c, LogEvents: true, Logger: logs.New(tb), Now: time.Now}
}

// run starts an operator; the test's end stops it if stop has not.
func run(tb testing.TB, o operator.Options) *running {
	tb.Helper()
	started := make(chan server.Addresses, 1)
	o.Started = func(a server.Addresses) { started <- a }
	ctx, cancel := context.WithCancel(context.WithoutCancel(tb.Context()))
	ended := make(chan error, 1)
	go func() { ended <- operator.Run(ctx, o) }()
	stopped := false
	stop := func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		return <-ended
	}
	tb.Cleanup(func() {
		if err := stop(); err != nil {
			tb.Errorf("Run: %v", err)
		}
	})
	select {
	case a := <-started:
		return &running{Addresses: a, stop: stop}
	case err := <-ended:
		stopped = true
		cancel()
		tb.Fatalf("Run ended at once: %v", err)
		return nil
	}
}

// verdict is an answer of the check.
type verdict struct {
	Decision bool
	Context  struct {
		Reason string
		Roles  []string
	}
}

// check asks whether a user may read document d1. The status is that of the
// answer.
func (r *running) check(ctx context.Context, namespace, user string) (verdict, int, error) {
	body := fmt.Sprintf(`{"subject":{"type":"user","id":%q},"action":{"name":"read"},"resource":{"type":"document","id":"d1"}}`, user)
	url := "http://" + r.HTTP + "/ns/" + namespace + "/access/v1/evaluation"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return verdict{}, 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return verdict{}, 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return verdict{}, resp.StatusCode, err
	}
	var v verdict
	err = json.NewDecoder(bytes.NewReader(text)).Decode(&v)
	return v, resp.StatusCode, err
}

// await asks until the reason is the one wanted.
func (r *running) await(tb testing.TB, namespace, user, want string) {
	tb.Helper()
	var last verdict
	var status int
	err := wait.PollUntilContextTimeout(tb.Context(), time.Millisecond, 30*time.Second, true, func(ctx context.Context) (done bool, err error) {
		last, status, err = r.check(ctx, namespace, user)
		return last.Context.Reason == want, err
	})
	if err != nil {
		tb.Fatalf("%s: %+v, status %d; want %s: %v", user, last, status, want, err)
	}
}

// awaitMetric reads the metrics until they have a line.
func (r *running) awaitMetric(tb testing.TB, line string) {
	tb.Helper()
	err := wait.PollUntilContextTimeout(tb.Context(), 10*time.Millisecond, 30*time.Second, true, func(context.Context) (bool, error) {
		_, text := get(tb, "http://"+r.Metrics+"/metrics")
		return strings.Contains(text, "\n"+line+"\n"), nil
	})
	if err != nil {
		tb.Fatalf("the metrics have no %q: %v", line, err)
	}
}

// get returns the status and the body of a page.
func get(tb testing.TB, url string) (int, string) {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), http.MethodGet, url, nil)
	if err != nil {
		tb.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return resp.StatusCode, string(text)
}
