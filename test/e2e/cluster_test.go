// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"os"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/testkit/live"
)

// root is the repository's root, as seen from this package's folder.
const root = "../.."

// waitTimeout and helmTimeout are the same for kubectl and Helm; pods are downloaded,
// started and ended within the latter.
const (
	waitTimeout = "--timeout=5m"
	helmTimeout = "--timeout=10m"
)

const (
	// system is where the release is, apps where the policy is and those who ask.
	system = "rolecall-system"
	apps   = "shop"
	// authorities is the ConfigMap with those whom clients have to trust.
	authorities = "rolecall-ca"
)

// cluster is the one that KUBECONFIG names.
type cluster struct {
	kube   *kubernetes.Clientset
	client client.Client
	config *rest.Config
	// aliases name the Service where there is no DNS; serviceIP is its address then.
	aliases   []corev1.HostAlias
	serviceIP string
	// home is where kubectl and helm keep their caches.
	home string
}

// setting returns a variable that hack/e2e/test.sh sets.
func setting(t *testing.T, name string) string {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		t.Fatalf("%s is not set: run `make e2e`", name)
	}
	return value
}

func connect(t *testing.T) *cluster {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", setting(t, "KUBECONFIG"))
	if err != nil {
		t.Fatal(err)
	}
	config.QPS = -1
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	c := &cluster{config: config, home: t.TempDir()}
	if c.kube, err = kubernetes.NewForConfig(config); err != nil {
		t.Fatal(err)
	}
	if c.client, err = client.New(config, client.Options{Scheme: scheme}); err != nil {
		t.Fatal(err)
	}
	c.findNames(t)
	return c
}

// findNames gives pods the Service's name as an alias if the cluster has no DNS.
// The Service then needs an address that is known before it is made.
func (c *cluster) findNames(t *testing.T) {
	t.Helper()
	_, err := c.kube.CoreV1().Services("kube-system").Get(t.Context(), "kube-dns", metav1.GetOptions{})
	if err == nil {
		return
	}
	if !apierrors.IsNotFound(err) {
		t.Fatal(err)
	}
	kubernetes, err := c.kube.CoreV1().Services("default").Get(t.Context(), "kubernetes", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	// The range's first address is the API server's.
	c.serviceIP = kubernetes.Spec.ClusterIP[:strings.LastIndex(kubernetes.Spec.ClusterIP, ".")] + ".80"
	c.aliases = []corev1.HostAlias{{IP: c.serviceIP, Hostnames: []string{serviceName}}}
}

// kubectl runs kubectl as the cluster's administrator and returns what it prints.
func (c *cluster) kubectl(t *testing.T, args ...string) string {
	t.Helper()
	return c.apply(t, "", args...)
}

// apply is kubectl with an input.
func (c *cluster) apply(t *testing.T, input string, args ...string) string {
	t.Helper()
	out, _, err := c.run(t.Context(), input, "kubectl", args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// helm runs Helm as the cluster's administrator and returns what it prints.
func (c *cluster) helm(t *testing.T, args ...string) string {
	t.Helper()
	out, _, err := c.run(t.Context(), "", setting(t, "E2E_HELM"), args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// run runs a program and returns what it writes to its two outputs. The error
// repeats both.
func (c *cluster) run(ctx context.Context, input, program string, args ...string) (out, complaint string, err error) {
	env := []string{
		"HOME=" + c.home, "KUBECACHEDIR=" + c.home,
		"HELM_CACHE_HOME=" + c.home, "HELM_CONFIG_HOME=" + c.home, "HELM_DATA_HOME=" + c.home,
	}
	return live.Run(ctx, env, input, program, args...)
}
