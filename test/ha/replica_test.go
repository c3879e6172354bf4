// SPDX-License-Identifier: Apache-2.0

//go:build kube

package ha

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/rolecall/rolecall/internal/testkit/faultproxy"
	"github.com/rolecall/rolecall/internal/testkit/live"
	"github.com/rolecall/rolecall/internal/testkit/pki"
)

// installation is where config/default puts the operator.
const operatorNamespace = "rolecall-system"

// replica is a `rolecall serve`, and what is between it and the API server.
type replica struct {
	*live.Process
	http, grpc, health, metrics string
	proxy                       *faultproxy.Proxy
}

// newReplica starts a replica with more configuration. It is called by a number.
func (h *house) newReplica(more string) *replica {
	t := h.t
	t.Helper()
	h.replicas++
	name := fmt.Sprintf("replica-%d", h.replicas)
	r := &replica{http: live.FreeAddress(t), grpc: live.FreeAddress(t), health: live.FreeAddress(t), metrics: live.FreeAddress(t)}
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
	r.Process = live.NewProcess(t, name, h.program, "serve", "--kubeconfig", kubeconfig, "--config", config)
	r.Start(t)
	return r
}

// ready returns nil once the replica serves checks.
func (r *replica) ready(ctx context.Context) error {
	status, _, err := get(ctx, "http://"+r.health+"/readyz")
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("%s: /readyz answers %d", r.Name, status)
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
		return 0, fmt.Errorf("%s has %d metrics %s, want one", r.Name, len(all), name)
	}
	return all[0].GetGauge().GetValue(), nil
}

// lines counts the lines of the replica's log that hold a text, of those that came
// after the first bytes.
func (r *replica) lines(text string, after int) int {
	return strings.Count(r.Log.String()[after:], text)
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
