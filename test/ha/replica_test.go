// SPDX-License-Identifier: Apache-2.0

//go:build kube

package ha

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/rolecall/rolecall/internal/testkit/faultproxy"
	"github.com/rolecall/rolecall/internal/testkit/pki"
)

// installation is where config/default puts the operator.
const operatorNamespace = "rolecall-system"

// buildOperator builds the command as it is in the tree.
func buildOperator(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "rolecall")
	command := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./cmd/rolecall")
	command.Dir = root
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("build cmd/rolecall: %v\n%s", err, out)
	}
	return program
}

// replica is a `rolecall serve`, and what is between it and the API server.
type replica struct {
	*process
	http, grpc, health, metrics string
	proxy                       *faultproxy.Proxy
}

// newReplica starts a replica with more configuration. It is called by a number.
func (h *house) newReplica(more string) *replica {
	t := h.t
	t.Helper()
	h.replicas++
	name := fmt.Sprintf("replica-%d", h.replicas)
	r := &replica{http: freeAddress(t), grpc: freeAddress(t), health: freeAddress(t), metrics: freeAddress(t)}
	r.proxy = faultproxy.Start(t, h.cluster.authority, h.cluster.url, h.cluster.transport())
	config := filepath.Join(h.cluster.dir, name+".yaml")
	pki.Replace(t, config, fmt.Sprintf(`
apiVersion: config.rolecall.dev/v1alpha1
kind: ServerConfiguration
http: {bindAddress: %q}
grpc: {bindAddress: %q}
health: {bindAddress: %q}
metrics: {bindAddress: %q}
leaderElection: {namespace: %q}
timeouts: {shutdownDelay: 5s}
%s`, r.http, r.grpc, r.health, r.metrics, operatorNamespace, more))
	kubeconfig := h.cluster.writeKubeconfig(t, name, r.proxy.Address, h.token)
	r.process = newProcess(t, name, h.program, "serve", "--kubeconfig", kubeconfig, "--config", config)
	r.start(t)
	return r
}

// ready returns nil once the replica serves checks.
func (r *replica) ready(ctx context.Context) error {
	status, _, err := get(ctx, "http://"+r.health+"/readyz")
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("%s: /readyz answers %d", r.name, status)
	}
	return err
}

// askAbout asks something about a namespace, with a token if there is one, and
// returns the status of the answer.
func (r *replica) askAbout(ctx context.Context, namespace, token string) (int, error) {
	const body = `{"subject":{"type":"user","id":"ann"},"action":{"name":"read"},"resource":{"type":"document","id":"d1"}}`
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+r.http+"/ns/"+namespace+"/access/v1/evaluation", strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", "application/json")
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	return response.StatusCode, response.Body.Close()
}

// gauge reads one of the replica's metrics that has no labels.
func (r *replica) gauge(ctx context.Context, name string) (float64, error) {
	_, text, err := get(ctx, "http://"+r.metrics+"/metrics")
	if err != nil {
		return 0, err
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		return 0, err
	}
	all := families[name].GetMetric()
	if len(all) != 1 {
		return 0, fmt.Errorf("%s has %d metrics %s, want one", r.name, len(all), name)
	}
	return all[0].GetGauge().GetValue(), nil
}

// lines counts the lines of the replica's log that hold a text, of those that came
// after the first bytes.
func (r *replica) lines(text string, after int) int {
	return strings.Count(r.log.String()[after:], text)
}

func get(ctx context.Context, url string) (int, string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, "", err
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, string(text), err
}

// freeAddress returns a loopback address that nothing listens at.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// logBuffer collects what a process writes.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write appends to the log.
func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// String returns the log so far.
func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func (b *logBuffer) tail(n int) string {
	text := b.String()
	return text[max(0, len(text)-n):]
}
