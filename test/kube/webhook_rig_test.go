// SPDX-License-Identifier: Apache-2.0

//go:build kube

package kube

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/rolecall/rolecall/internal/testkit/live"
	"github.com/rolecall/rolecall/internal/testkit/pki"
)

// policyNamespace is the one that config/webhook/kubeconfig.yaml names.
const policyNamespace = "rolecall-cluster"

// webhookRig is an API server that asks Rolecall, by the files of config/webhook,
// and what it takes to run Rolecall beside it.
type webhookRig struct {
	*cluster
	program string
	// http is where the API server looks for Rolecall, whether or not it is there.
	http string
	// authorization is the API server's file.
	authorization string
	// server is Rolecall's configuration.
	server string
}

// startWebhookRig starts the API server, which asks from the first request on. There
// is no Rolecall yet.
func startWebhookRig(t *testing.T) *webhookRig {
	t.Helper()
	r := &webhookRig{program: live.Build(t, root), http: live.FreeAddress(t)}
	dir, authority := t.TempDir(), pki.New(t)
	certificate := authority.Issue(&x509.Certificate{
		Subject: pkix.Name{CommonName: "rolecall"}, DNSNames: []string{"rolecall.rolecall-system.svc"},
	})
	certFile, keyFile := authority.Files(t.TempDir(), &certificate)
	clientCert, clientKey := authority.Files(t.TempDir(), authority.Named("kube-apiserver"))
	ca := filepath.Join(dir, "ca.crt")
	pki.Replace(t, ca, authority.PEM())
	kubeconfig := writeFile(t, "kubeconfig.yaml", []byte(shipped(t, "kubeconfig.yaml",
		"10.96.0.80:8080", r.http, "/etc/kubernetes/rolecall/ca.crt", ca,
		"/etc/kubernetes/rolecall/client.crt", clientCert, "/etc/kubernetes/rolecall/client.key", clientKey)))
	r.authorization = writeFile(t, "authorization-configuration.yaml", []byte(shipped(t, "authorization-configuration.yaml",
		"/etc/kubernetes/rolecall/kubeconfig.yaml", kubeconfig)))
	r.server = shipped(t, "server.yaml", `":8080"`, r.http,
		"/etc/rolecall/tls/tls.crt", certFile, "/etc/rolecall/tls/tls.key", keyFile, "/etc/rolecall/tls/ca.crt", ca)
	r.cluster = startClusterWith(t, func(s *envtest.APIServer) {
		s.Configure().Disable("authorization-mode").Set("authorization-config", r.authorization)
	})
	return r
}

// shipped reads a file of config/webhook and puts an address and paths in place of
// its own, given in turns; each must be there once.
func shipped(t *testing.T, name string, replacements ...string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, "config/webhook", name))
	if err != nil {
		t.Fatal(err)
	}
	text := string(content)
	for pair := range slices.Chunk(replacements, 2) {
		if n := strings.Count(text, pair[0]); n != 1 {
			t.Fatalf("%s has %q %d times, want it once", name, pair[0], n)
		}
		text = strings.Replace(text, pair[0], pair[1], 1)
	}
	return text
}

// serve starts Rolecall where the API server looks for it, as the service account
// of config/rbac, by the address of the API server.
func (r *webhookRig) serve(t *testing.T, apiServer string) *operator {
	t.Helper()
	return startOperatorAt(t, r.program, r.operatorKubeconfig(t, apiServer), r.http, r.server)
}

// listens returns nil once somebody listens at the address of the doors.
func (o *operator) listens(ctx context.Context) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", o.http)
	if err == nil {
		err = conn.Close()
	}
	return err
}

// reconfigure changes one setting in the API server's file, and waits until that
// has been read again.
func (r *webhookRig) reconfigure(t *testing.T, from, to string) {
	t.Helper()
	before := r.reloads(t)
	content, err := os.ReadFile(r.authorization)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(content), from); n != 1 {
		t.Fatalf("the file has %q %d times, want it once", from, n)
	}
	pki.Replace(t, r.authorization, strings.Replace(string(content), from, to, 1))
	live.Eventually(t, "the API server reads its file again", func(context.Context) error {
		if now := r.reloads(t); now == before {
			return fmt.Errorf("it has read it %q", now)
		}
		return nil
	})
}

// reloads says how often the API server has taken in its file again.
func (r *webhookRig) reloads(t *testing.T) string {
	t.Helper()
	for line := range strings.Lines(r.kubectl(t, "get", "--raw", "/metrics")) {
		if strings.HasPrefix(line, "apiserver_authorization_config_controller_automatic_reloads_total") && strings.Contains(line, `status="success"`) {
			return strings.TrimSpace(line)
		}
	}
	return ""
}

// user returns a client of a user of the cluster, who is known by a certificate.
func (r *webhookRig) user(t *testing.T, name string, groups ...string) *kubernetes.Clientset {
	t.Helper()
	u, err := r.env.AddUser(envtest.User{Name: name, Groups: groups}, &rest.Config{QPS: -1})
	if err != nil {
		t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(u.Config())
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// account returns a client of a service account.
func (r *webhookRig) account(t *testing.T, namespace, name string) *kubernetes.Clientset {
	t.Helper()
	config := rest.AnonymousClientConfig(r.env.Config)
	config.QPS = -1
	config.BearerToken = strings.TrimSpace(r.kubectl(t, "create", "token", name, "-n", namespace))
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// apply applies manifests of Rolecall's kinds to the namespace whose policy decides.
func (r *webhookRig) apply(t *testing.T, manifests string) {
	t.Helper()
	r.kubectlApply(t, manifests, "apply", "-n", policyNamespace, "-f", "-")
}

// attempt is something that a user tries.
type attempt func(ctx context.Context) error

// allowed waits until an attempt succeeds.
func allowed(t *testing.T, what string, try attempt) {
	t.Helper()
	live.Eventually(t, what+" is allowed", try)
}

// refused waits until an attempt is forbidden, for a reason.
func refused(t *testing.T, what string, try attempt, reason string) {
	t.Helper()
	live.Eventually(t, what+" is refused with "+reason, func(ctx context.Context) error {
		if err := try(ctx); !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), reason) {
			return fmt.Errorf("it ends with %v", err) //nolint:errorlint // also with none
		}
		return nil
	})
}

// failed waits until an attempt fails because the API server gets no answer.
func failed(t *testing.T, what string, try attempt) {
	t.Helper()
	live.Eventually(t, what+" fails", func(ctx context.Context) error {
		if err := try(ctx); !apierrors.IsInternalError(err) || !strings.Contains(err.Error(), "Internal Server Error") {
			return fmt.Errorf("it ends with %v", err) //nolint:errorlint // also with none
		}
		return nil
	})
}
