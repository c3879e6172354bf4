// SPDX-License-Identifier: Apache-2.0

// Package served runs the operator for a test, from manifests, behind its real
// listeners.
package served

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/internal/operator"
	"github.com/rolecall/rolecall/internal/server"
	"github.com/rolecall/rolecall/internal/testkit/logs"
)

// Options say what is served, and how.
type Options struct {
	// Manifests are the objects, as YAML.
	Manifests string
	// Configuration is the server's, as YAML without the kind; may be empty. Every
	// listener is at a free port.
	Configuration string
	// Now is the clock; nil is the real one.
	Now func() time.Time
	// Logger is the operator's; without one nobody reads what is logged, but it
	// is watched for secrets.
	Logger logr.Logger
	// Stdout is where the decision log goes, if it is on and has no file. It is
	// complete when the test ends, after what was registered before Start.
	Stdout io.Writer
}

// Start runs an operator until the test ends, and returns where it listens once
// it is ready.
func Start(tb testing.TB, o Options) server.Addresses {
	tb.Helper()
	dir := tb.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "policy.yaml"), []byte(o.Manifests), 0o600); err != nil {
		tb.Fatal(err)
	}
	c := configuration(tb, o.Configuration)
	if o.Logger.GetSink() == nil {
		o.Logger = logs.New(tb)
	}
	started := make(chan server.Addresses, 1)
	ctx, stop := context.WithCancel(tb.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- operator.Run(ctx, operator.Options{
			Config: c, Dir: dir, Logger: o.Logger, Now: clock(o.Now), Stdout: o.Stdout,
			Started: func(a server.Addresses) { started <- a },
		})
	}()
	tb.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			tb.Error(err)
		}
	})
	var at server.Addresses
	select {
	case at = <-started:
	case err := <-ended:
		ended <- nil
		tb.Fatalf("the operator ended at once: %v", err)
	}
	awaitReady(tb, "http://"+at.Health+"/readyz")
	return at
}

func configuration(tb testing.TB, text string) *configv1alpha1.ServerConfiguration {
	tb.Helper()
	c, err := config.Decode([]byte("apiVersion: config.rolecall.dev/v1alpha1\nkind: ServerConfiguration\n" + text))
	if err != nil {
		tb.Fatal(err)
	}
	for _, address := range []*string{&c.HTTP.BindAddress, &c.GRPC.BindAddress, &c.Health.BindAddress, &c.Metrics.BindAddress} {
		*address = "127.0.0.1:0"
	}
	return c
}

func clock(now func() time.Time) func() time.Time {
	if now == nil {
		return time.Now
	}
	return now
}

// awaitReady asks until the answer is 200: a folder is loaded before the
// operator listens for long.
func awaitReady(tb testing.TB, url string) {
	tb.Helper()
	for {
		req, err := http.NewRequestWithContext(tb.Context(), http.MethodGet, url, nil)
		if err != nil {
			tb.Fatal(err)
		}
		if a := Do(tb, req); a.Status == http.StatusOK {
			return
		}
	}
}

// Answer is what a server said.
type Answer struct {
	Status int
	Header http.Header
	Body   string
}

// Do sends a request and reads the whole answer.
func Do(tb testing.TB, r *http.Request) Answer {
	tb.Helper()
	resp, err := http.DefaultClient.Do(r) //nolint:gosec // the test has started the server
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return Answer{resp.StatusCode, resp.Header, string(body)}
}

// Post sends JSON, with more headers as name and value in turns.
func Post(tb testing.TB, url, body string, headers ...string) Answer {
	tb.Helper()
	return send(tb, http.MethodPost, url, body, headers)
}

// Get asks for what is at a URL, with more headers as name and value in turns.
func Get(tb testing.TB, url string, headers ...string) Answer {
	tb.Helper()
	return send(tb, http.MethodGet, url, "", headers)
}

func send(tb testing.TB, method, url, body string, headers []string) Answer {
	tb.Helper()
	r, err := http.NewRequestWithContext(tb.Context(), method, url, strings.NewReader(body))
	if err != nil {
		tb.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return Do(tb, r)
}
