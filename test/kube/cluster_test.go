// SPDX-License-Identifier: Apache-2.0

//go:build kube

package kube

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/rolecall/rolecall/internal/testkit/live"
)

// root is the repository's root, as seen from this package's folder.
const root = "../.."

// cluster is an etcd and a kube-apiserver of a test's own, with RBAC.
type cluster struct {
	// client acts as a cluster administrator and validates strictly.
	client client.Client
	// kubeconfig is the administrator's, a file.
	kubeconfig string

	env *envtest.Environment
	bin string
	// home is kubectl's, for its cache of what a server serves.
	home string
}

// startCluster starts an API server without any CRDs, and stops it when the
// test ends.
func startCluster(t *testing.T) *cluster {
	t.Helper()
	return startClusterWith(t, func(*envtest.APIServer) {})
}

// startClusterWith is startCluster with other flags of the API server.
func startClusterWith(t *testing.T, configure func(*envtest.APIServer)) *cluster {
	t.Helper()
	bin := os.Getenv("KUBEBUILDER_ASSETS")
	if bin == "" {
		t.Fatal("KUBEBUILDER_ASSETS must name the folder of kube-apiserver, etcd and kubectl: run `make test-kube`, or set it to what hack/kube/build.sh prints")
	}
	log.SetLogger(logr.Discard()) // envtest's; it returns what goes wrong
	c := &cluster{bin: bin, home: t.TempDir(), env: &envtest.Environment{
		UseExistingCluster:       new(false),
		BinaryAssetsDirectory:    bin,
		ControlPlaneStartTimeout: live.Patience,
		ControlPlaneStopTimeout:  live.Patience,
	}}
	configure(c.env.ControlPlane.GetAPIServer())
	config, err := c.env.Start()
	if err != nil {
		t.Fatalf("start the API server: %v", err)
	}
	t.Cleanup(func() {
		if err := c.env.Stop(); err != nil {
			t.Errorf("stop the API server: %v", err)
		}
	})
	admin, err := client.New(config, client.Options{Scheme: runtime.NewScheme()})
	if err != nil {
		t.Fatal(err)
	}
	c.client = client.WithFieldValidation(admin, "Strict")
	c.kubeconfig = writeFile(t, "admin.kubeconfig", c.env.KubeConfig)
	return c
}

// startClusterWithCRDs starts an API server that serves Rolecall's kinds.
func startClusterWithCRDs(t *testing.T) *cluster {
	t.Helper()
	c := startCluster(t)
	c.kubectl(t, "apply", "--server-side", "-f", filepath.Join(root, "config/crd/bases"))
	c.waitForKinds(t)
	return c
}

// waitForKinds waits until the server serves Rolecall's kinds and says so in
// its discovery, which comes a moment after they are established, and in its
// OpenAPI document, by which kubectl explains them and which comes after that.
func (c *cluster) waitForKinds(t *testing.T) {
	t.Helper()
	c.kubectl(t, "wait", "--for=condition=Established", "--timeout=1m", "crd", "--all")
	live.Eventually(t, "discovery lists four kinds", func(ctx context.Context) error {
		out, err := c.tryKubectl(ctx, "", "api-resources", "--api-group=rolecall.dev", "--cached=false", "-o", "name")
		if err == nil && strings.Count(out, "\n") != 4 {
			return fmt.Errorf("it lists %q", out)
		}
		return err
	})
	live.Eventually(t, "OpenAPI describes four kinds", func(ctx context.Context) error {
		out, err := c.tryKubectl(ctx, "", "get", "--raw", "/openapi/v3/apis/rolecall.dev/v1alpha1")
		for _, plural := range []string{"resources", "roles", "rolebindings", "groups"} {
			if err == nil && !strings.Contains(out, `/namespaces/{namespace}/`+plural+`"`) {
				return fmt.Errorf("it does not describe %s", plural)
			}
		}
		return err
	})
}

// address returns the server's host and port.
func (c *cluster) address() string {
	return strings.TrimSuffix(strings.TrimPrefix(c.env.Config.Host, "https://"), "/")
}

// kubectl runs kubectl as the administrator and returns what it prints.
func (c *cluster) kubectl(t *testing.T, args ...string) string {
	t.Helper()
	return c.kubectlApply(t, "", args...)
}

// kubectlApply is kubectl with an input.
func (c *cluster) kubectlApply(t *testing.T, input string, args ...string) string {
	t.Helper()
	out, err := c.tryKubectl(t.Context(), input, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// tryKubectl is kubectlApply for a command that may fail; the error holds what
// kubectl says then.
func (c *cluster) tryKubectl(ctx context.Context, input string, args ...string) (string, error) {
	env := []string{"KUBECONFIG=" + c.kubeconfig, "HOME=" + c.home, "KUBECACHEDIR=" + c.home}
	out, _, err := live.Run(ctx, env, input, filepath.Join(c.bin, "kubectl"), args...)
	return out, err
}

// may waits until somebody has a right: RBAC takes note of a binding after a moment.
func (c *cluster) may(t *testing.T, who string, right ...string) {
	t.Helper()
	live.Eventually(t, fmt.Sprintf("%s may %s", who, strings.Join(right, " ")), func(ctx context.Context) error {
		_, err := c.tryKubectl(ctx, "", append([]string{"auth", "can-i", "--as=" + who}, right...)...)
		return err
	})
}

func writeFile(t *testing.T, name string, content []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
