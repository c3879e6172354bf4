// SPDX-License-Identifier: Apache-2.0

//go:build kube

package kube

import (
	"context"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"

	"github.com/rolecall/rolecall/internal/testkit/live"
)

// TestKubernetesWebhook has a kube-apiserver ask Rolecall, from a cold start under
// failurePolicy Deny on, with the files that are shipped.
func TestKubernetesWebhook(t *testing.T) {
	t.Parallel()
	r := startWebhookRig(t)
	for _, name := range []string{"team-a", "team-b", "prod-shop", policyNamespace} {
		r.kubectl(t, "create", "namespace", name)
	}
	r.kubectl(t, "create", "clusterrolebinding", "ada", "--clusterrole=cluster-admin", "--user=ada")
	ada := r.user(t, "ada")
	t.Run("while Rolecall is down, Deny refuses whoever would be asked about", func(t *testing.T) {
		failed(t, "what RBAC allows", list(ada, "team-a"))
	})
	r.kubectl(t, "apply", "--server-side", "-f", filepath.Join(root, "config/crd/bases"))
	r.waitForKinds(t)
	r.installOperator(t)
	l := startLink(t, r.address())
	l.cut()
	o := r.serve(t, l.address)
	t.Run("nor is Rolecall an opinion before it has read the policy", func(t *testing.T) {
		live.Eventually(t, "Rolecall listens", o.listens)
		failed(t, "what RBAC allows", list(ada, "team-a"))
	})
	l.restore(t)
	t.Run("Rolecall comes up through the API server that asks it", func(t *testing.T) {
		live.Eventually(t, "the operator is ready", o.ready)
		allowed(t, "what RBAC allows", list(ada, "team-a"))
	})
	r.kubectl(t, "apply", "-n", policyNamespace, "-f", filepath.Join(root, "config/samples/kubernetes-webhook"))

	t.Run("what a cluster serves can be declared", func(t *testing.T) { declared(t, r) })
	t.Run("a user gets access and loses it", func(t *testing.T) { comesAndGoes(t, r) })
	t.Run("a Deny beats RBAC", func(t *testing.T) { denyBeatsRBAC(t, ada) })
	t.Run("a binding expires", func(t *testing.T) { expires(t, r) })
	t.Run("conditions see the request", func(t *testing.T) { conditions(t, r) })
	t.Run("subresources, paths and service accounts", func(t *testing.T) { otherThings(t, r) })
	t.Run("kubectl auth can-i", func(t *testing.T) { canI(t, r) })
	t.Run("nobody is locked out for good", func(t *testing.T) { lockedOut(t, r, ada) })
	t.Run("v1beta1", func(t *testing.T) {
		r.reconfigure(t, "subjectAccessReviewVersion: v1\n    match", "subjectAccessReviewVersion: v1beta1\n    match")
		allowed(t, "a group's right", list(r.user(t, "bea", "team-a"), "team-a"))
		refused(t, "the same elsewhere", list(r.user(t, "bea", "team-a"), "team-b"), "Rolecall: NoPermission")
	})
	t.Run("when Rolecall is gone, failurePolicy says what holds", func(t *testing.T) {
		bea := r.user(t, "bea", "team-a")
		o.stop(t)
		failed(t, "what RBAC allows, under Deny", list(ada, "team-a"))
		r.reconfigure(t, "failurePolicy: Deny", "failurePolicy: NoOpinion")
		allowed(t, "what RBAC allows, under NoOpinion", list(ada, "team-a"))
		failed(t, "what Rolecall alone allows", list(bea, "team-a"))
		again := r.serve(t, r.address())
		live.Eventually(t, "the operator is ready again", again.ready)
		allowed(t, "what Rolecall alone allows", list(bea, "team-a"))
	})
	if log := o.Log.String(); strings.Contains(log, "forbidden") {
		t.Errorf("Rolecall itself was refused something:\n%s", log)
	}
}

// list lists the config maps of a namespace.
func list(c *kubernetes.Clientset, namespace string) attempt {
	return func(ctx context.Context) error {
		_, err := c.CoreV1().ConfigMaps(namespace).List(ctx, metav1.ListOptions{})
		return err
	}
}

// declared makes Resources of what kubectl says, all of which are taken.
func declared(t *testing.T, r *webhookRig) {
	served := r.kubectl(t, "api-resources", "--no-headers", "-o", "wide")
	command := exec.CommandContext(t.Context(), "awk", "-f", filepath.Join(root, "config/webhook/resources.awk"))
	command.Stdin = strings.NewReader(served)
	manifests, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	r.kubectl(t, "create", "namespace", "declared")
	r.kubectlApply(t, string(manifests), "apply", "-n", "declared", "-f", "-")
	types := strings.Fields(r.kubectl(t, "get", "resources.rolecall.dev", "-n", "declared", "-o", "name"))
	if want := strings.Count(served, "\n"); len(types) != want {
		t.Errorf("%d kinds are declared, %d served", len(types), want)
	}
	for _, name := range []string{"pods", "deployments.apps", "customresourcedefinitions.apiextensions.k8s.io"} {
		if !slices.Contains(types, "resource.rolecall.dev/"+name) {
			t.Errorf("%s is not declared", name)
		}
	}
	actions := r.kubectl(t, "get", "resources.rolecall.dev/deployments.apps", "-n", "declared", "-o", "jsonpath={.spec.actions[*].name}")
	if want := "create delete deletecollection get list patch update watch"; actions != want {
		t.Errorf("deployments have the actions %q, want %q", actions, want)
	}
}

// comesAndGoes: a role, and what is in it, makes all the difference.
func comesAndGoes(t *testing.T, r *webhookRig) {
	jane := r.user(t, "jane")
	refused(t, "without a role", list(jane, "team-a"), `configmaps is forbidden: User "jane" cannot list resource "configmaps" in API group "" in the namespace "team-a": Rolecall: NoPermission`)
	const role, binding = `
{apiVersion: rolecall.dev/v1alpha1, kind: Role, metadata: {name: jane}, spec: {permissions: [{resource: configmaps, actions: [VERBS]}]}}
`, `
apiVersion: rolecall.dev/v1alpha1
kind: RoleBinding
metadata: {name: jane}
spec: {roles: [jane], subjects: [{type: user, id: jane}], scope: "namespace:team-a"}
`
	r.apply(t, strings.Replace(role, "VERBS", "list", 1)+"---"+binding)
	allowed(t, "with the role", list(jane, "team-a"))
	refused(t, "in another namespace", list(jane, "team-b"), "Rolecall: NoPermission")
	refused(t, "in all namespaces", list(jane, ""), "Rolecall: NoPermission")
	refused(t, "another verb", create(jane, "team-a"), "Rolecall: NoPermission")
	r.apply(t, strings.Replace(role, "VERBS", "list, create", 1))
	allowed(t, "the verb, once the role has it", create(jane, "team-a"))
	r.apply(t, strings.Replace(role, "VERBS", "get", 1))
	refused(t, "what the role has no more", list(jane, "team-a"), "Rolecall: NoPermission")
	r.apply(t, strings.Replace(role, "VERBS", "list", 1))
	allowed(t, "with the role again", list(jane, "team-a"))
	r.kubectl(t, "delete", "rcbind", "jane", "-n", policyNamespace)
	refused(t, "without the binding", list(jane, "team-a"), "Rolecall: NoPermission")
}

// create makes a config map of a name that the server chooses.
func create(c *kubernetes.Clientset, namespace string) attempt {
	return func(ctx context.Context) error {
		_, err := c.CoreV1().ConfigMaps(namespace).Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{GenerateName: "a-"}}, metav1.CreateOptions{})
		return err
	}
}

// denyBeatsRBAC: ada is a cluster-admin.
func denyBeatsRBAC(t *testing.T, ada *kubernetes.Clientset) {
	try := func(name string) attempt {
		return func(ctx context.Context) error {
			return ada.CoreV1().Namespaces().Delete(ctx, name, metav1.DeleteOptions{DryRun: []string{metav1.DryRunAll}})
		}
	}
	refused(t, "what the guardrails forbid", try("prod-shop"), "Rolecall: ExplicitDeny: guardrails")
	allowed(t, "what they do not", try("team-b"))
}

// expires: nothing is applied at the end of the validity, and nothing asks.
func expires(t *testing.T, r *webhookRig) {
	temp := list(r.user(t, "temp"), "team-b")
	var end time.Time
	// On a slow machine the end may come before anybody has asked.
	for validity := 10 * time.Second; ; validity *= 2 {
		end = time.Now().Add(validity).UTC().Truncate(time.Second)
		r.apply(t, `
apiVersion: rolecall.dev/v1alpha1
kind: RoleBinding
metadata: {name: temp}
spec: {roles: [workload-viewer], subjects: [{type: user, id: temp}], scope: "*", notAfter: `+end.Format(time.RFC3339)+`}
`)
		err := before(t, end, temp)
		if err == nil {
			break
		}
		if validity > live.Patience {
			t.Fatalf("before the end: %v", err)
		}
	}
	refused(t, "after the end", temp, "Rolecall: NoPermission")
	if now := time.Now(); now.Before(end) {
		t.Errorf("refused at %s, before %s", now, end)
	}
}

// before tries until an attempt succeeds, or a time has come.
func before(t *testing.T, end time.Time, try attempt) (last error) {
	t.Helper()
	ctx, cancel := context.WithDeadline(t.Context(), end)
	defer cancel()
	_ = wait.PollUntilContextCancel(ctx, live.Interval, true, func(ctx context.Context) (bool, error) {
		last = try(ctx)
		return last == nil, nil
	})
	return last
}

// conditions: selectors, name, groups and namespace.
func conditions(t *testing.T, r *webhookRig) {
	r.apply(t, `
apiVersion: rolecall.dev/v1alpha1
kind: Role
metadata: {name: conditions}
spec:
  permissions:
  - {resource: configmaps, actions: [get], condition: 'context.resourceAttributes.name == "public-" + context.resourceAttributes.namespace'}
  - {resource: secrets, actions: [list], condition: '"readers" in context.groups && context.resourceAttributes.namespace == "team-b"'}
  - resource: events
    actions: [list]
    condition: >-
      context.resourceAttributes.fieldSelector.requirements.exists(r,
        r.key == "involvedObject.name" && r.operator == "In" && r.values == ["web-0"])
---
apiVersion: rolecall.dev/v1alpha1
kind: RoleBinding
metadata: {name: conditions}
spec: {roles: [conditions], subjects: [{type: user, id: cora}], scope: "*"}
`)
	for _, name := range []string{"public-team-a", "private"} {
		r.kubectl(t, "create", "configmap", name, "-n", "team-a")
	}
	cora := r.user(t, "cora", "readers")
	pods := func(c *kubernetes.Clientset, selector string) attempt {
		return func(ctx context.Context) error {
			_, err := c.CoreV1().Pods("team-b").List(ctx, metav1.ListOptions{LabelSelector: selector})
			return err
		}
	}
	allowed(t, "a label selector", pods(cora, "owner=cora,app"))
	refused(t, "another", pods(cora, "owner=jane"), "Rolecall: ConditionFalse")
	refused(t, "its opposite", pods(cora, "owner!=cora"), "Rolecall: ConditionFalse")
	refused(t, "a wider one", pods(cora, "owner in (cora,jane)"), "Rolecall: ConditionFalse")
	refused(t, "none", pods(cora, ""), "Rolecall: ConditionFalse")
	events := func(selector string) attempt {
		return func(ctx context.Context) error {
			_, err := cora.CoreV1().Events("team-a").List(ctx, metav1.ListOptions{FieldSelector: selector})
			return err
		}
	}
	allowed(t, "a field selector", events("involvedObject.name=web-0"))
	refused(t, "another field selector", events("involvedObject.name=web-1"), "Rolecall: ConditionFalse")
	get := func(name string) attempt {
		return func(ctx context.Context) error {
			_, err := cora.CoreV1().ConfigMaps("team-a").Get(ctx, name, metav1.GetOptions{})
			return err
		}
	}
	allowed(t, "a name", get("public-team-a"))
	refused(t, "another name", get("private"), "Rolecall: ConditionFalse")
	secrets := func(c *kubernetes.Clientset, namespace string) attempt {
		return func(ctx context.Context) error {
			_, err := c.CoreV1().Secrets(namespace).List(ctx, metav1.ListOptions{})
			return err
		}
	}
	allowed(t, "a group, in a namespace", secrets(cora, "team-b"))
	refused(t, "a group, in another namespace", secrets(cora, "team-a"), "Rolecall: ConditionFalse")
	refused(t, "another group", secrets(r.user(t, "cora", "writers"), "team-b"), "Rolecall: ConditionFalse")
}

func otherThings(t *testing.T, r *webhookRig) {
	r.kubectl(t, "create", "namespace", "monitoring")
	r.kubectl(t, "create", "serviceaccount", "prometheus", "-n", "monitoring")
	raw := func(c *kubernetes.Clientset, path string) attempt {
		return func(ctx context.Context) error { return c.RESTClient().Get().AbsPath(path).Do(ctx).Error() }
	}
	prometheus := r.account(t, "monitoring", "prometheus")
	allowed(t, "a path", raw(prometheus, "/metrics"))
	refused(t, "another path", raw(prometheus, "/debug/pprof/"), "Rolecall: ConditionFalse")
	bea := r.user(t, "bea", "team-a")
	r.kubectl(t, "create", "deployment", "web", "--image=web", "-n", "team-a")
	scale := func(name string) attempt {
		return func(ctx context.Context) error {
			_, err := bea.AppsV1().Deployments("team-a").GetScale(ctx, name, metav1.GetOptions{})
			return err
		}
	}
	allowed(t, "a subresource", scale("web"))
	refused(t, "a subresource that nobody has given", func(ctx context.Context) error {
		_, err := bea.CoreV1().ServiceAccounts("team-a").CreateToken(ctx, "default", &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
		return err
	}, "Rolecall: NoPermission")
	refused(t, "what nobody has declared", func(ctx context.Context) error {
		_, err := bea.StorageV1().StorageClasses().List(ctx, metav1.ListOptions{})
		return err
	}, "Rolecall: UnknownResource")
}

// canI asks as people do.
func canI(t *testing.T, r *webhookRig) {
	for question, want := range map[string]bool{
		"list pods -n team-a --as bea --as-group team-a":                                  true,
		"list pods -n team-b --as bea --as-group team-a":                                  false,
		"create pods --subresource exec -n prod-shop --as ada":                            false,
		"create pods --subresource exec -n team-b --as ada":                               true,
		"patch deployments.apps --subresource scale -n team-a --as bea --as-group team-a": true,
		"* * -n team-a --as bea --as-group team-a":                                        false,
	} {
		out, err := r.tryKubectl(t.Context(), "", append([]string{"auth", "can-i"}, strings.Fields(question)...)...)
		if no := err != nil && strings.Contains(err.Error(), "exit status 1: no"); no == want || (err == nil) != want {
			t.Errorf("can-i %s: %q, error %v; want %t", question, out, err, want)
		}
	}
}

// lockedOut: the widest Deny that there can be, by which everything goes on that the
// cluster and Rolecall itself need, and which those undo who RBAC lets.
func lockedOut(t *testing.T, r *webhookRig, ada *kubernetes.Clientset) {
	const lock = `
apiVersion: rolecall.dev/v1alpha1
kind: Role
metadata: {name: lock}
spec: {permissions: [{effect: Deny, resource: "*", actions: ["*"]}]}
---
apiVersion: rolecall.dev/v1alpha1
kind: RoleBinding
metadata: {name: lock}
spec:
  roles: [lock]
  subjects: [{type: user, id: "*"}, {type: service_account, id: "*"}, {type: system, id: "*"}, {type: anonymous, id: "*"}]
  scope: "*"
`
	r.kubectl(t, "create", "serviceaccount", "some-controller", "-n", "kube-system")
	r.kubectl(t, "create", "clusterrolebinding", "some-controller", "--clusterrole=cluster-admin", "--serviceaccount=kube-system:some-controller")
	r.kubectl(t, "create", "clusterrolebinding", "scheduler", "--clusterrole=cluster-admin", "--user=system:some-scheduler")
	r.apply(t, lock)
	refused(t, "a cluster-admin", list(ada, "team-a"), "Rolecall: ExplicitDeny: lock")

	allowed(t, "a controller", list(r.account(t, "kube-system", "some-controller"), "team-a"))
	allowed(t, "a part of the control plane", list(r.user(t, "system:some-scheduler"), "team-a"))
	allowed(t, "one of system:masters", list(r.user(t, "ann", "system:masters"), "team-a"))
	allowed(t, "what lies in Rolecall's own namespace", list(ada, operatorNamespace))
	allowed(t, "a node's own object", func(ctx context.Context) error {
		node := r.user(t, "system:node:n1", "system:nodes")
		_, err := node.CoreV1().Nodes().Create(ctx, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n1"}}, metav1.CreateOptions{})
		return err
	})
	r.kubectl(t, "wait", "--for=condition=Ready", "--timeout=1m", "roles.rolecall.dev/lock", "-n", policyNamespace) // Rolecall writes status
	mend := ada.RESTClient().Delete().AbsPath("/apis/rolecall.dev/v1alpha1/namespaces", policyNamespace, "roles/lock")
	if err := mend.Do(t.Context()).Error(); err != nil {
		t.Errorf("a cluster-admin cannot mend the policy: %v", err)
	}
	allowed(t, "a cluster-admin who has mended it", list(ada, "team-a"))
}
