// SPDX-License-Identifier: Apache-2.0

//go:build kube

package kube

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/rolecall/rolecall/internal/testkit/live"
)

// The operator's own namespace and service account, as config/default names them.
const (
	operatorNamespace = "rolecall-system"
	operatorAccount   = "rolecall"
)

// installation is what a cluster's administrator applies.
var installation = filepath.Join(root, "config/default")

// installOperator applies what config/default holds, all but the CRDs, which are there,
// and the webhook: there is no network by which the API server could reach it, and it
// would wait for it at every write.
func (c *cluster) installOperator(t *testing.T) {
	t.Helper()
	var rest []string
	for manifest := range strings.SplitSeq(c.kubectl(t, "kustomize", installation), "\n---\n") {
		if strings.Contains(manifest, "kind: CustomResourceDefinition\n") || strings.Contains(manifest, "kind: ValidatingWebhookConfiguration\n") {
			continue
		}
		rest = append(rest, manifest)
	}
	c.kubectlApply(t, strings.Join(rest, "\n---\n"), "apply", "-f", "-")
	who := fmt.Sprintf("system:serviceaccount:%s:%s", operatorNamespace, operatorAccount)
	c.may(t, who, "create", "tokenreviews.authentication.k8s.io")
	c.may(t, who, "update", "secrets/rolecall-tls", "-n", operatorNamespace)
}

// operatorKubeconfig returns a kubeconfig with the token of the operator's
// service account, whose rights are thus those of config/rbac. The server is
// called at the address.
func (c *cluster) operatorKubeconfig(t *testing.T, address string) string {
	t.Helper()
	token := strings.TrimSpace(c.kubectl(t, "create", "token", operatorAccount, "-n", operatorNamespace))
	return writeFile(t, "operator.kubeconfig", fmt.Appendf(nil, `
apiVersion: v1
kind: Config
current-context: operator
contexts: [{name: operator, context: {cluster: test, user: operator}}]
clusters: [{name: test, cluster: {server: "https://%s", certificate-authority-data: %s}}]
users: [{name: operator, user: {token: %q}}]
`, address, base64.StdEncoding.EncodeToString(c.env.Config.CAData), token))
}

// operator is a running `rolecall serve`.
type operator struct {
	*live.Process
	http, health string
}

// startOperator starts a replica. It is killed when the test ends, and its log
// is shown if the test has failed.
func startOperator(t *testing.T, program, kubeconfig string) *operator {
	t.Helper()
	return startOperatorWith(t, program, kubeconfig, "")
}

// startOperatorWith starts a replica with more configuration.
func startOperatorWith(t *testing.T, program, kubeconfig, more string) *operator {
	t.Helper()
	http := live.FreeAddress(t)
	return startOperatorAt(t, program, kubeconfig, http, fmt.Sprintf(`
apiVersion: config.rolecall.dev/v1alpha1
kind: ServerConfiguration
http: {bindAddress: %q}
%s`, http, more))
}

// startOperatorAt starts a replica with a configuration that has it listen at an
// address, and may say where its metrics are, and nothing of its other listeners.
func startOperatorAt(t *testing.T, program, kubeconfig, http, configuration string) *operator {
	t.Helper()
	o := &operator{http: http, health: live.FreeAddress(t)}
	if !strings.Contains(configuration, "\nmetrics:") {
		configuration += fmt.Sprintf("\nmetrics: {bindAddress: %q}", live.FreeAddress(t))
	}
	config := writeFile(t, "rolecall.yaml", fmt.Appendf(nil, `%s
grpc: {bindAddress: "127.0.0.1:0"}
health: {bindAddress: %q}
leaderElection: {namespace: %q}
log: {level: debug}
`, configuration, o.health, operatorNamespace))
	o.Process = live.NewProcess(t, "the operator at "+http, program, "serve", "--kubeconfig", kubeconfig, "--config", config)
	o.Start(t)
	return o
}

// stop ends the replica as a Deployment does.
func (o *operator) stop(t *testing.T) { o.End(t, syscall.SIGTERM) }

// ready returns nil once the replica serves checks.
func (o *operator) ready(ctx context.Context) error {
	response, err := request(ctx, http.MethodGet, "http://"+o.health+"/readyz", nil)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("/readyz answers %s", response.Status)
	}
	return nil
}

// question is an AuthZEN evaluation; the fields are what the samples' checks ask.
type question struct {
	Subject  entity         `json:"subject"`
	Action   action         `json:"action"`
	Resource entity         `json:"resource"`
	Context  map[string]any `json:"context,omitempty"`
}

type entity struct {
	Type string `json:"type"`
	ID   string `json:"id"`
}

type action struct {
	Name string `json:"name"`
}

// answer is what the check endpoint says.
type answer struct {
	Decision bool `json:"decision"`
	Context  struct {
		Reason string   `json:"reason"`
		Roles  []string `json:"roles"`
	} `json:"context"`
}

// ask asks the replica a question about a namespace.
func (o *operator) ask(ctx context.Context, namespace string, q question) (answer, error) {
	var a answer
	body, err := json.Marshal(q)
	if err != nil {
		return a, err
	}
	url := fmt.Sprintf("http://%s/ns/%s/access/v1/evaluation", o.http, namespace)
	response, err := request(ctx, http.MethodPost, url, body)
	if err != nil {
		return a, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return a, fmt.Errorf("%s answers %s", url, response.Status)
	}
	return a, json.NewDecoder(response.Body).Decode(&a)
}

func request(ctx context.Context, method, url string, body []byte) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	return http.DefaultClient.Do(r)
}
