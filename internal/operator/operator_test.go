// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/devcluster/devclustertest"
	"github.com/rolecall/rolecall/internal/operator"
)

// TestApplyARoleAskTheCheck is the whole way: objects in whatever order, the
// check, the status, a revocation.
func TestApplyARoleAskTheCheck(t *testing.T) {
	o := options(t)
	o.Kube = devclustertest.Start(t)
	r := run(t, o)
	kube, namespace := newClient(t, o.Kube), devclustertest.Namespace(t)
	resource, role, binding := objects(namespace)

	r.await(t, namespace, "alice", "UnknownResource")
	create(t, kube, binding)
	create(t, kube, resource)
	awaitReady(t, kube, binding, metav1.ConditionFalse, v1alpha1.ReasonRoleNotFound)
	r.await(t, namespace, "alice", "NoRole")
	create(t, kube, role)
	r.await(t, namespace, "alice", "Granted")
	awaitReady(t, kube, binding, metav1.ConditionTrue, v1alpha1.ReasonReady)

	if err := kube.Delete(t.Context(), binding); err != nil {
		t.Fatal(err)
	}
	r.await(t, namespace, "alice", "NoRole")
}

// TestChecksGoOnWithoutTheAPIServer stops the API server under a running
// operator, and starts it again.
func TestChecksGoOnWithoutTheAPIServer(t *testing.T) {
	state := t.TempDir()
	cluster, stop := devclustertest.Private(t, devclustertest.Options{Dir: state})
	o := options(t)
	o.Kube = cluster.Config()
	r := run(t, o)
	namespace := devclustertest.Namespace(t)
	kube := newClient(t, o.Kube)
	resource, role, binding := objects(namespace)
	for _, obj := range []client.Object{resource, role, binding} {
		create(t, kube, obj)
	}
	r.await(t, namespace, "alice", "Granted")

	stop()
	for range 100 {
		v, status, err := r.check(t.Context(), namespace, "alice")
		if err != nil || !v.Decision {
			t.Fatalf("without the API server: %+v, status %d, %v", v, status, err)
		}
	}
	if status, body := get(t, "http://"+r.Health+"/readyz"); status != http.StatusOK {
		t.Errorf("/readyz says %d %s", status, body)
	}
}

// TestNotReadyIsAnError shows what a check is told before the first list: an
// error, never a deny.
func TestNotReadyIsAnError(t *testing.T) {
	o := options(t)
	o.Kube = &rest.Config{Host: "https://127.0.0.1:1"}
	r := run(t, o)
	if v, status, err := r.check(t.Context(), "app", "alice"); err != nil || status != http.StatusServiceUnavailable {
		t.Errorf("check says %+v, status %d, %v; want status 503", v, status, err)
	}
	if status, body := get(t, "http://"+r.Health+"/readyz"); status != http.StatusServiceUnavailable || !strings.Contains(body, "not ready") {
		t.Errorf("/readyz says %d %s", status, body)
	}
	if status, _ := get(t, "http://"+r.Health+"/healthz"); status != http.StatusOK {
		t.Errorf("/healthz says %d", status)
	}
}

const manifests = `
apiVersion: rolecall.dev/v1alpha1
kind: Resource
metadata: {name: document}
spec: {actions: [{name: read}]}
---
apiVersion: rolecall.dev/v1alpha1
kind: Role
metadata: {name: reader}
spec: {permissions: [{resource: document, actions: [read]}]}
---
apiVersion: rolecall.dev/v1alpha1
kind: RoleBinding
metadata: {name: readers}
spec: {roles: [reader], subjects: [{type: user, id: alice}], scope: "*"}
`

func TestAFolderIsServedAndReloaded(t *testing.T) {
	file := filepath.Join(t.TempDir(), "policy.yaml")
	save(t, file, manifests)
	o := options(t)
	o.Dir = filepath.Dir(file)
	r := run(t, o)
	r.await(t, "default", "alice", "Granted")
	save(t, file, strings.ReplaceAll(manifests, "alice", "bob"))
	r.await(t, "default", "bob", "Granted")
	r.await(t, "default", "alice", "NoRole")

	save(t, file, "kind: [")
	r.awaitMetric(t, "rolecall_folder_stale 1")
	r.await(t, "default", "bob", "Granted")
	save(t, file, manifests)
	r.await(t, "default", "alice", "Granted")
	r.awaitMetric(t, "rolecall_folder_stale 0")
	if err := r.stop(); err != nil {
		t.Errorf("an orderly end says %v", err)
	}
}

// TestAFolderOfNamespaces: only those that are configured are served.
func TestAFolderOfNamespaces(t *testing.T) {
	file := filepath.Join(t.TempDir(), "policy.yaml")
	save(t, file, manifests)
	o := options(t)
	o.Dir, o.Config.Namespaces = filepath.Dir(file), []string{"default", "other"}
	r := run(t, o)
	r.await(t, "default", "alice", "Granted")
	r.await(t, "other", "alice", "UnknownResource")
	if _, status, err := r.check(t.Context(), "third", "alice"); err != nil || status != http.StatusNotFound {
		t.Errorf("of a namespace that is not served: status %d, %v; want 404", status, err)
	}
}

func TestABadFolderEndsTheStart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "policy.yaml")
	save(t, file, strings.Replace(manifests, "scope:", "scoop:", 1))
	o := options(t)
	o.Dir = filepath.Dir(file)
	err := operator.Run(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), "scoop") || !strings.Contains(err.Error(), "policy.yaml:15") {
		t.Errorf("error %v; want one that names the field, the file and the line", err)
	}
}

func TestAPortInUseIsNamed(t *testing.T) {
	first := options(t)
	first.Dir = t.TempDir()
	r := run(t, first)
	second := options(t)
	second.Dir = first.Dir
	second.Config.HTTP.BindAddress = r.HTTP
	err := operator.Run(t.Context(), second)
	if err == nil || !strings.Contains(err.Error(), r.HTTP) || !strings.Contains(err.Error(), "http.bindAddress") {
		t.Errorf("error %v; want one that names the address and the field", err)
	}
}

func save(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func newClient(tb testing.TB, c *rest.Config) client.Client {
	tb.Helper()
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		tb.Fatal(err)
	}
	kube, err := client.New(c, client.Options{Scheme: scheme})
	if err != nil {
		tb.Fatal(err)
	}
	return kube
}

func create(tb testing.TB, kube client.Client, obj client.Object) {
	tb.Helper()
	if err := kube.Create(tb.Context(), obj); err != nil {
		tb.Fatal(err)
	}
}

func objects(namespace string) (*v1alpha1.Resource, *v1alpha1.Role, *v1alpha1.RoleBinding) {
	in := func(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: namespace, Name: name} }
	return &v1alpha1.Resource{ObjectMeta: in("document"), Spec: v1alpha1.ResourceSpec{
			Actions: []v1alpha1.ResourceAction{{Name: "read"}},
		}},
		&v1alpha1.Role{ObjectMeta: in("reader"), Spec: v1alpha1.RoleSpec{
			Permissions: []v1alpha1.Permission{{Resource: "document", Actions: []v1alpha1.Pattern{"read"}}},
		}},
		&v1alpha1.RoleBinding{ObjectMeta: in("readers"), Spec: v1alpha1.RoleBindingSpec{
			Roles: []v1alpha1.ID{"reader"}, Scope: "*",
			Subjects: []v1alpha1.Subject{{Type: "user", ID: "alice"}},
		}}
}

// awaitReady waits for the condition Ready of a binding.
func awaitReady(t *testing.T, kube client.Client, b *v1alpha1.RoleBinding, status metav1.ConditionStatus, reason string) {
	t.Helper()
	err := wait.PollUntilContextTimeout(t.Context(), 5*time.Millisecond, 30*time.Second, true, func(ctx context.Context) (bool, error) {
		if err := kube.Get(ctx, client.ObjectKeyFromObject(b), b); err != nil {
			return false, err
		}
		c := meta.FindStatusCondition(b.Status.Conditions, v1alpha1.ConditionReady)
		return c != nil && c.Status == status && c.Reason == reason, nil
	})
	if err != nil {
		t.Fatalf("conditions %+v; want Ready %s for %s: %v", b.Status.Conditions, status, reason, errors.Unwrap(err))
	}
}
