// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/rolecall/rolecall/hack/e2e/agent"
	"github.com/rolecall/rolecall/internal/testkit/live"
)

const (
	serviceName = "rolecall." + system + ".svc"
	serviceURL  = "https://" + serviceName + ":8080"
	serviceGRPC = serviceName + ":9090"
	selector    = "app.kubernetes.io/instance=rolecall,app.kubernetes.io/name=rolecall"
	replicas    = 2
)

var agentPort = intstr.FromInt32(8000)

// publish and erase are what ada may and may not do.
var (
	publish = agent.Question{Namespace: apps, Subject: "ada", Action: "publish", ResourceType: "document", ResourceID: "1", Scope: "acme"}
	read    = agent.Question{Namespace: apps, Subject: "ada", Action: "read", ResourceType: "document", ResourceID: "1", Scope: "acme"}
	foreign = agent.Question{Namespace: apps, Subject: "ada", Action: "publish", ResourceType: "document", ResourceID: "1", Scope: "other"}
)

// step is a part of the test, onNode one for which it must run on the node itself.
type step struct {
	name   string
	do     func(*testing.T, *cluster, *report)
	onNode bool
}

// TestRelease installs the chart, uses it, breaks it, and removes it.
func TestRelease(t *testing.T) {
	c := connect(t)
	r := &report{}
	t.Cleanup(func() { r.write(t) })
	if out := c.kubectl(t, "get", "crd", "-o", "name"); strings.Contains(out, "rolecall.dev") {
		t.Fatal("Rolecall is installed in this cluster already: the tests would remove it")
	}
	if !ownNode() {
		t.Cleanup(func() { c.removeAll(t) })
	}
	steps := []step{
		{name: "install", do: install},
		{name: "helm test", do: helmTest},
		{name: "check in a pod", do: checkInPod},
		{name: "gRPC in a pod", do: overGRPC},
		{name: "change by kubectl", do: changeByKubectl},
		{name: "status", do: status},
		{name: "admission", do: admission},
		{name: "revocation latency", do: revocation},
		{name: "a pod is deleted", do: podDeleted},
		{name: "a pod is killed", do: podKilled},
		{name: "a process is killed", do: processKilled, onNode: true},
		{name: "the leader is killed", do: leaderKilled},
		{name: "upgrade", do: upgrade},
		{name: "certificates renewed", do: certificatesRenewed},
		{name: "memory", do: memory},
		{name: "uninstall", do: uninstall},
	}
	for _, step := range steps {
		if step.onNode && !ownNode() {
			continue // there is no way to do this to somebody else's node
		}
		if !t.Run(step.name, func(t *testing.T) { r.timed(t, c, step) }) {
			return // the next one would only find what this one left
		}
	}
}

// ownNode tells whether the tests run on a node that is only theirs, and ends with
// them.
func ownNode() bool { return os.Getenv("E2E_KUBECONFIG") == "" }

// removeAll leaves a cluster as it was, whatever came before. The objects go one by
// one, which takes a while.
func (c *cluster) removeAll(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 5*live.Patience)
	defer cancel()
	for _, args := range [][]string{
		{"delete", "namespace", system, apps, crowd, "--ignore-not-found", "--wait=false"},
		{"delete", "crd", "--ignore-not-found", "groups.rolecall.dev", "resources.rolecall.dev", "rolebindings.rolecall.dev", "roles.rolecall.dev"},
		{"delete", "clusterrole,clusterrolebinding,validatingadmissionpolicy,validatingadmissionpolicybinding,validatingwebhookconfiguration", "-l", "app.kubernetes.io/part-of=rolecall"},
	} {
		if _, _, err := c.run(ctx, "", "kubectl", args...); err != nil {
			t.Error(err)
		}
	}
}

// values are those that every installation of the tests has.
func (c *cluster) values(t *testing.T) []string {
	t.Helper()
	image := setting(t, "E2E_IMAGE")
	colon := strings.LastIndex(image, ":")
	values := []string{
		"--set=image.repository=" + image[:colon], "--set-string=image.tag=" + image[colon+1:],
	}
	for i, alias := range c.aliases {
		values = append(values,
			"--set=service.clusterIP="+c.serviceIP,
			fmt.Sprintf("--set=hostAliases[%d].ip=%s", i, alias.IP),
			fmt.Sprintf("--set=hostAliases[%d].hostnames={%s}", i, strings.Join(alias.Hostnames, ",")))
	}
	return values
}

const restricted = `
apiVersion: v1
kind: Namespace
metadata:
  name: ` + system + `
  labels:
    pod-security.kubernetes.io/enforce: restricted
`

var chart = filepath.Join(root, "charts/rolecall")

// install: two replicas are Ready in a namespace that allows only what is
// restricted.
func install(t *testing.T, c *cluster, r *report) {
	c.apply(t, restricted, "apply", "-f", "-")
	start := time.Now()
	notes := c.helm(t, append([]string{"install", "rolecall", chart, "-n", system, "--wait", helmTimeout}, c.values(t)...)...)
	r.add("seconds from helm install to Ready: %.1f", time.Since(start).Seconds())
	r.add("megabytes of the image: %s", megabytes(t, setting(t, "E2E_IMAGE_SIZE")))
	if err := c.settled(t.Context()); err != nil {
		t.Errorf("helm --wait is satisfied, but %v", err)
	}
	if !strings.Contains(notes, serviceURL) {
		t.Errorf("the notes do not say where checks are answered:\n%s", notes)
	}
	c.kubectl(t, "apply", "-f", "testdata/application.yaml")
	c.copyAuthority(t)
	c.kubectl(t, "apply", "-f", "testdata/policy.yaml")
	c.kubectl(t, "wait", "-n", apps, "rcrole,rcbind,rcres", "--all", "--for=condition=Ready", waitTimeout)
	c.startAgent(t)
}

// copyAuthority brings what clients have to trust into their namespace.
func (c *cluster) copyAuthority(t *testing.T) {
	t.Helper()
	var published *corev1.ConfigMap
	live.Eventually(t, "the authority is published", func(ctx context.Context) (err error) {
		published, err = c.kube.CoreV1().ConfigMaps(system).Get(ctx, authorities, metav1.GetOptions{})
		return err
	})
	theirs := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: authorities, Namespace: apps}, Data: published.Data}
	if err := c.client.Create(t.Context(), theirs); err != nil {
		t.Fatal(err)
	}
}

func helmTest(t *testing.T, c *cluster, _ *report) {
	out := c.helm(t, "test", "rolecall", "-n", system, helmTimeout, "--logs")
	if !strings.Contains(out, "Phase:          Succeeded") || !strings.Contains(out, "allow") {
		t.Errorf("helm test says:\n%s", out)
	}
}

// checkInPod runs the image's own command in a pod, as a user that the image
// names, to whom the file system is closed.
func checkInPod(t *testing.T, c *cluster, _ *report) {
	args := []string{
		"check", "--server=" + serviceURL, "--ca-file=/var/run/secrets/rolecall/ca.crt",
		"--token-file=/var/run/secrets/rolecall/token", "--namespace=" + apps,
		"--subject=user:ada", "--resource=document/1", "--scope=acme", "--action",
	}
	tests := map[string]struct {
		action string
		status int32
		says   string
	}{
		"may":     {action: "publish", status: 0, says: "editor"},
		"may-not": {action: "erase", status: 1, says: "UnknownAction"},
	}
	for name, tt := range tests {
		status, out := c.complete(t, c.application(name, setting(t, "E2E_IMAGE"), append(slices.Clone(args), tt.action)...))
		if status != tt.status || !strings.Contains(out, tt.says) {
			t.Errorf("%s: exit status %d, want %d with %q; it says %s", name, status, tt.status, tt.says, out)
		}
	}
	// The door is closed to who may not ask.
	pod := c.application("stranger", setting(t, "E2E_IMAGE"), append(slices.Clone(args), "publish")...)
	pod.Spec.ServiceAccountName = "default"
	if status, out := c.complete(t, pod); status != 2 || !strings.Contains(out, "403") {
		t.Errorf("a stranger: exit status %d, want 2 with 403; it says %s", status, out)
	}
}

// overGRPC asks in another protocol, at another port of the Service.
func overGRPC(t *testing.T, c *cluster, _ *report) {
	elsewhere := publish
	elsewhere.Namespace = "default"
	for _, tt := range []struct {
		q       agent.Question
		status  int
		allowed bool
		says    string
	}{
		{q: publish, status: http.StatusOK, allowed: true},
		{q: foreign, status: http.StatusOK},
		{q: elsewhere, says: "PermissionDenied"},
	} {
		var got agent.Answer
		if err := c.tell(t.Context(), "ask", map[string]string{"door": "grpc"}, tt.q, &got); err != nil {
			t.Fatal(err)
		}
		if got.Status != tt.status || got.Allowed != tt.allowed || !strings.Contains(got.Body, tt.says) {
			t.Errorf("%+v: %+v, want %d %t with %q", tt.q, got, tt.status, tt.allowed, tt.says)
		}
	}
}

// uninstall leaves the kinds and the objects, and a new installation serves them.
func uninstall(t *testing.T, c *cluster, _ *report) {
	c.helm(t, "uninstall", "rolecall", "-n", system, "--wait", helmTimeout)
	live.Eventually(t, "the pods are gone", func(ctx context.Context) error {
		list, err := c.kube.CoreV1().Pods(system).List(ctx, metav1.ListOptions{LabelSelector: selector})
		if err == nil && len(list.Items) > 0 {
			err = fmt.Errorf("there are %d", len(list.Items))
		}
		return err
	})
	for _, object := range []string{"rcres/document", "rcrole/editor", "rcbind/editors"} {
		c.kubectl(t, "get", "-n", apps, object)
	}
	live.Eventually(t, "nothing is left of the release", func(ctx context.Context) error {
		out, _, err := c.run(ctx, "", "kubectl", "get", "-n", system, "all,configmap,secret,lease,pdb,networkpolicy,role,rolebinding", "-o", "name")
		if left := leftovers(out); err == nil && len(left) > 0 {
			err = fmt.Errorf("there is still %s", strings.Join(left, ", "))
		}
		return err
	})
	c.helm(t, append([]string{"install", "rolecall", chart, "-n", system, "--wait", helmTimeout}, c.values(t)...)...)
	c.everyReplica(t, publish, true)
}

// leftovers returns the objects of a namespace but for what the cluster itself put
// there, what the operator made (its Lease, and the certificate, by whose authority
// clients know a successor), the pod of `helm test`, which stays for its log, and the
// application's right to read whom it shall trust.
func leftovers(names string) []string {
	expected := []string{
		"configmap/kube-root-ca.crt", "lease.coordination.k8s.io/rolecall", "secret/rolecall-tls", "configmap/rolecall-ca",
		"pod/rolecall-test",
		"role.rbac.authorization.k8s.io/checkout-trusts", "rolebinding.rbac.authorization.k8s.io/checkout-trusts",
	}
	var left []string
	for name := range strings.FieldsSeq(names) {
		if !slices.Contains(expected, name) {
			left = append(left, name)
		}
	}
	return left
}
