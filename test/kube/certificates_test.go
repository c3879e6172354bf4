// SPDX-License-Identifier: Apache-2.0

//go:build kube

package kube

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/rolecall/rolecall/internal/testkit/live"
	"github.com/rolecall/rolecall/internal/testkit/logs"
)

// webhookConfiguration is asked by nobody here: what it trusts is looked at.
const webhookConfiguration = `
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: rolecall}
webhooks:
- name: objects.rolecall.dev
  admissionReviewVersions: [v1]
  sideEffects: None
  failurePolicy: Ignore
  timeoutSeconds: 3
  clientConfig: {service: {name: rolecall-webhook, namespace: rolecall-system}}
  rules: [{apiGroups: [rolecall.dev], apiVersions: [v1alpha1], operations: [CREATE], resources: [roles], scope: Namespaced}]
`

// replica is an operator that speaks TLS by the generated certificate.
type replica struct {
	*operator
	// name is its address by a name of the certificate.
	name, metrics string
}

// startReplica starts one with the rights of config/rbac.
func startReplica(t *testing.T, program, kubeconfig string) *replica {
	t.Helper()
	address, metrics := live.FreeAddress(t), live.FreeAddress(t)
	o := startOperatorAt(t, program, kubeconfig, address, fmt.Sprintf(`
apiVersion: config.rolecall.dev/v1alpha1
kind: ServerConfiguration
certificates: {dnsNames: [localhost, rolecall.rolecall-system.svc]}
http: {bindAddress: %q, tls: {generated: true}}
metrics: {bindAddress: %q, tls: {generated: true}, anonymous: Deny}
admission: {bindAddress: %q, tls: {generated: true}}
`, address, metrics, live.FreeAddress(t)))
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	return &replica{operator: o, name: "localhost:" + port, metrics: "localhost" + metrics[strings.LastIndex(metrics, ":"):]}
}

// unready waits until the replica says why it is not ready.
func (r *replica) unready(t *testing.T, why string) {
	t.Helper()
	live.Eventually(t, "the replica is not ready: "+why, func(ctx context.Context) error {
		response, err := request(ctx, http.MethodGet, "http://"+r.health+"/readyz", nil)
		if err != nil {
			return err
		}
		defer func() { _ = response.Body.Close() }()
		text, err := io.ReadAll(response.Body)
		if err == nil && (response.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(text), why)) {
			return fmt.Errorf("%s: %s", response.Status, text)
		}
		return err
	})
}

// shows returns the certificate that the replica shows to who trusts the roots.
func (r *replica) shows(ctx context.Context, roots *x509.CertPool) (*x509.Certificate, error) {
	conn, err := (&tls.Dialer{Config: &tls.Config{RootCAs: roots}}).DialContext(ctx, "tcp", r.name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	return conn.(*tls.Conn).ConnectionState().PeerCertificates[0], nil
}

// TestCertificates: two replicas make one certificate between them, with the rights of
// config/rbac, publish whom to trust, and show another one without an end of anything.
func TestCertificates(t *testing.T) {
	t.Parallel()
	program := live.Build(t, root)
	c := startClusterWithCRDs(t)
	c.installOperator(t)
	c.kubectl(t, "create", "secret", "generic", "rolecall-tls", "-n", operatorNamespace, "--from-literal=tls.crt=theirs")
	c.kubectlApply(t, webhookConfiguration, "apply", "-f", "-")
	kubeconfig := c.operatorKubeconfig(t, c.address())
	replicas := []*replica{startReplica(t, program, kubeconfig), startReplica(t, program, kubeconfig)}

	for _, r := range replicas {
		r.unready(t, "was not made by this server")
	}
	c.kubectl(t, "delete", "secret", "rolecall-tls", "-n", operatorNamespace)
	for _, r := range replicas {
		live.Eventually(t, "the replica is ready", r.ready)
	}
	roots, bundle := c.authorities(t)
	first, err := replicas[0].shows(t.Context(), roots)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("clients that trust the ConfigMap are answered", func(t *testing.T) { checksOverTLS(t, program, replicas, bundle) })
	t.Run("the API server trusts the same", func(t *testing.T) { trustedByAPIServer(t, c, bundle) })
	t.Run("metrics are for who may get them", func(t *testing.T) { metricsForReaders(t, c, replicas[0], roots) })
	t.Run("another certificate is shown, and who is connected stays so", func(t *testing.T) {
		rotation(t, c, replicas, roots, first)
	})
	t.Run("its rights are for its own Secret", func(t *testing.T) { rightsOnSecrets(t, c) })
	for _, r := range replicas {
		if log := r.Log.String(); strings.Contains(log, "forbidden") || logs.Find(log) != "" {
			t.Errorf("config/rbac lacks a right, or the log tells a key:\n%s", log)
		}
	}
}

// authorities are those of the ConfigMap, which is written after the Secret.
func (c *cluster) authorities(t *testing.T) (roots *x509.CertPool, bundle string) {
	t.Helper()
	live.Eventually(t, "the authority is published", func(ctx context.Context) error {
		var err error
		bundle, err = c.tryKubectl(ctx, "", "get", "configmap", "rolecall-ca", "-n", operatorNamespace, "-o", `jsonpath={.data.ca\.crt}`)
		roots = x509.NewCertPool()
		if err == nil && !roots.AppendCertsFromPEM([]byte(bundle)) {
			err = fmt.Errorf("the ConfigMap holds %q", bundle)
		}
		return err
	})
	return roots, bundle
}

func checksOverTLS(t *testing.T, program string, replicas []*replica, bundle string) {
	caFile := writeFile(t, "ca.crt", []byte(bundle))
	for _, r := range replicas {
		out, err := exec.CommandContext(t.Context(), program, "check", "--server", "https://"+r.name, "--ca-file", caFile,
			"--namespace", "default", "--subject", "user:ann", "--action", "read", "--resource", "document/d1").CombinedOutput()
		if !strings.Contains(string(out), "UnknownResource") {
			t.Errorf("rolecall check says %s, %v", out, err)
		}
	}
}

func trustedByAPIServer(t *testing.T, c *cluster, bundle string) {
	live.Eventually(t, "the caBundle is injected", func(ctx context.Context) error {
		text, err := c.tryKubectl(ctx, "", "get", "validatingwebhookconfiguration", "rolecall", "-o", "json")
		if err != nil {
			return err
		}
		var found struct {
			Webhooks []struct {
				TimeoutSeconds int `json:"timeoutSeconds"`
				ClientConfig   struct {
					CABundle []byte `json:"caBundle"`
				} `json:"clientConfig"`
			} `json:"webhooks"`
		}
		if err := yaml.Unmarshal([]byte(text), &found); err != nil {
			return err
		}
		if got := found.Webhooks[0]; string(got.ClientConfig.CABundle) != bundle || got.TimeoutSeconds != 3 {
			return fmt.Errorf("the webhook is %+v", got)
		}
		return nil
	})
}

func metricsForReaders(t *testing.T, c *cluster, r *replica, roots *x509.CertPool) {
	for _, account := range []string{"prometheus", "stranger"} {
		c.kubectl(t, "create", "serviceaccount", account, "-n", "default")
	}
	c.kubectl(t, "create", "clusterrolebinding", "prometheus", "--clusterrole=rolecall-metrics-reader", "--serviceaccount=default:prometheus")
	c.may(t, "system:serviceaccount:default:prometheus", "get", "/metrics")
	https := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	defer https.CloseIdleConnections()
	token := func(account string) string {
		return "Bearer " + strings.TrimSpace(c.kubectl(t, "create", "token", account, "-n", "default"))
	}
	for name, tt := range map[string]struct {
		authorization string
		status        int
		says          string
	}{
		"nobody":     {"", http.StatusUnauthorized, "send a token of the API server"},
		"a stranger": {token("stranger"), http.StatusForbidden, "may not get the nonResourceURL /metrics"},
		"Prometheus": {token("prometheus"), http.StatusOK, `rolecall_certificate_not_after_timestamp_seconds{certificate="authority"}`},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+r.metrics+"/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", tt.authorization)
		response, err := https.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err != nil || response.StatusCode != tt.status || !strings.Contains(string(text), tt.says) {
			t.Errorf("%s: %s %.300s, error %v; want %d with %s", name, response.Status, text, err, tt.status, tt.says)
		}
	}
}

// rotation damages the certificate in the Secret, so that the leader signs another
// one before its time.
func rotation(t *testing.T, c *cluster, replicas []*replica, roots *x509.CertPool, first *x509.Certificate) {
	https := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	defer https.CloseIdleConnections()
	connected(t, https, replicas[1], first)
	c.kubectl(t, "patch", "secret", "rolecall-tls", "-n", operatorNamespace, "--type=merge", "-p", `{"data":{"tls.crt":""}}`)
	for _, r := range replicas {
		live.Eventually(t, "another certificate is shown", func(ctx context.Context) error {
			now, err := r.shows(ctx, roots)
			if err == nil && now.Equal(first) {
				return fmt.Errorf("it is the first, which ends at %s", now.NotAfter)
			}
			return err
		})
	}
	connected(t, https, replicas[1], first)
	var secret struct {
		Data map[string][]byte `json:"data"`
	}
	text := c.kubectl(t, "get", "secret", "rolecall-tls", "-n", operatorNamespace, "-o", "json")
	if err := yaml.Unmarshal([]byte(text), &secret); err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(secret.Data["tls.crt"])
	if block == nil || bytes.Equal(block.Bytes, first.Raw) {
		t.Errorf("the Secret holds %s", secret.Data["tls.crt"])
	}
}

// connected asks something, on a connection that began with a certificate.
func connected(t *testing.T, https *http.Client, r *replica, with *x509.Certificate) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+r.name+"/nowhere", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := https.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if _, err := io.Copy(io.Discard, response.Body); err != nil || !response.TLS.PeerCertificates[0].Equal(with) {
		t.Errorf("the connection is another one, or broken: %v", err)
	}
}

func rightsOnSecrets(t *testing.T, c *cluster) {
	account := fmt.Sprintf("--as=system:serviceaccount:%s:%s", operatorNamespace, operatorAccount)
	for what, want := range map[string]bool{
		"get secrets/rolecall-tls": true, "get secrets": false, "get secrets/other": false, "list secrets": false,
		"delete secrets/rolecall-tls": false, "update secrets/other": false, "update configmaps/other": false,
		"patch validatingwebhookconfigurations/other": false, "create validatingwebhookconfigurations": false,
	} {
		args := append([]string{"auth", "can-i", account, "-n", operatorNamespace}, strings.Fields(what)...)
		if out, err := c.tryKubectl(t.Context(), "", args...); (err == nil) != want {
			t.Errorf("the operator may %s: %t, want %t (%s)", what, err == nil, want, out)
		}
	}
}
