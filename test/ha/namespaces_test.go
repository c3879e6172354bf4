// SPDX-License-Identifier: Apache-2.0

//go:build kube

package ha

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	eventsv1 "k8s.io/api/events/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/testkit/live"
)

// account is the service account of these tests' operators.
const account = "operator"

// TestNamespacedRights runs the program with `namespaces` and no right outside
// them: what config/rbac grants in the whole cluster it has in them alone, and the
// rest in its own.
func TestNamespacedRights(t *testing.T) {
	c := startCluster(t)
	c.kubectl(t, "apply", "--server-side", "-f", filepath.Join(root, "config/crd/bases"))
	c.served(t)
	wide, own := shippedRights(t)
	served := []string{"shop", "office"}
	for _, namespace := range append([]string{operatorNamespace, "elsewhere"}, served...) {
		c.kubectl(t, "create", "namespace", namespace)
	}
	c.kubectl(t, "create", "serviceaccount", account, "-n", operatorNamespace)
	for _, namespace := range served {
		c.grant(t, namespace, slices.DeleteFunc(slices.Clone(wide), ofCluster))
	}
	c.grant(t, operatorNamespace, own)
	for _, namespace := range served {
		c.granted(t, account, namespace)
	}
	h := &house{t: t, cluster: c, program: live.Build(t, root), token: c.token(t, operatorNamespace, account)}
	const config = "namespaces: [shop, office]\n"

	t.Run("it serves those namespaces and writes status and events there", func(t *testing.T) {
		r := h.newReplica(config)
		c.serves(t, r, served)
		if log := r.Log.String(); strings.Contains(log, "forbidden") {
			t.Errorf("it lacks a right:\n%s", log)
		}
		r.End(t, syscall.SIGTERM)
		c.released(t)
	})
	t.Run("it has no right elsewhere", func(t *testing.T) {
		for _, what := range []string{
			"list roles.rolecall.dev", "patch roles.rolecall.dev/status", "create events.events.k8s.io", "create leases.coordination.k8s.io",
			"get secrets",
		} {
			args := append([]string{"auth", "can-i", "--as=system:serviceaccount:" + operatorNamespace + ":" + account, "-n", "elsewhere"}, strings.Fields(what)...)
			if c.may(t, args...) {
				t.Errorf("it may %s elsewhere", what)
			}
		}
	})
	t.Run("callers by service accounts need two rights in the cluster", func(t *testing.T) { h.reviews(t, config, wide) })
}

// reviews has callers authenticated without the rights for it, and then with them.
func (h *house) reviews(t *testing.T, config string, wide []rbacv1.PolicyRule) {
	c := h.cluster
	r := h.newReplica(config + "callers: {serviceAccounts: {refusalTTL: 1s}}\n")
	live.Eventually(t, "it is ready", r.ready)
	c.kubectl(t, "create", "serviceaccount", "checkout", "-n", "shop")
	request, err := c.kube.CoreV1().ServiceAccounts("shop").CreateToken(t.Context(), "checkout", tokenFor("rolecall.dev"), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ask := func(want int) func(context.Context) error {
		return func(ctx context.Context) error {
			status, err := r.askAbout(ctx, "shop", request.Status.Token)
			if err == nil && status != want {
				err = fmt.Errorf("the answer is %d, want %d", status, want)
			}
			return err
		}
	}
	live.Eventually(t, "callers are not reviewed", ask(http.StatusServiceUnavailable))
	c.apply(t, &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "reviews"}, Rules: slices.DeleteFunc(slices.Clone(wide), func(r rbacv1.PolicyRule) bool { return !ofCluster(r) })})
	c.apply(t, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "reviews"}, Subjects: operatorSubjects(),
		RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "reviews"},
	})
	live.Eventually(t, "a caller without the right is refused", ask(http.StatusForbidden))
}

// shippedRights are the rules of config/rbac: those in the whole cluster, and those
// in the operator's own namespace.
func shippedRights(t *testing.T) (wide, own []rbacv1.PolicyRule) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "config/rbac/role.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for document := range strings.SplitSeq(string(text), "\n---\n") {
		var role rbacv1.ClusterRole // a Role has the same rules
		if err := yaml.Unmarshal([]byte(document), &role); err != nil {
			t.Fatal(err)
		}
		switch role.Kind {
		case "ClusterRole":
			wide = append(wide, role.Rules...)
		case "Role":
			own = append(own, role.Rules...)
		}
	}
	if len(wide) == 0 || len(own) == 0 {
		t.Fatalf("config/rbac/role.yaml has %d rules of a ClusterRole and %d of a Role", len(wide), len(own))
	}
	return wide, own
}

// ofCluster reports whether a rule is about what is in no namespace.
func ofCluster(r rbacv1.PolicyRule) bool {
	return !slices.Contains(r.APIGroups, v1alpha1.GroupName) && !slices.Contains(r.APIGroups, eventsv1.GroupName)
}

func operatorSubjects() []rbacv1.Subject {
	return []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Name: account, Namespace: operatorNamespace}}
}

// grant gives the operator rights in a namespace.
func (c *cluster) grant(t *testing.T, namespace string, rules []rbacv1.PolicyRule) {
	t.Helper()
	meta := metav1.ObjectMeta{Namespace: namespace, Name: "operator"}
	c.apply(t, &rbacv1.Role{ObjectMeta: meta, Rules: rules})
	c.apply(t, &rbacv1.RoleBinding{
		ObjectMeta: meta, Subjects: operatorSubjects(), RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: meta.Name},
	})
}

func (c *cluster) apply(t *testing.T, o client.Object) {
	t.Helper()
	if err := c.admin.Create(t.Context(), o); err != nil {
		t.Fatal(err)
	}
}

// serves shows that a replica decides by the objects of the namespaces, writes
// their status and tells of them by events, and knows of no other namespace.
func (c *cluster) serves(t *testing.T, r *replica, served []string) {
	t.Helper()
	for _, namespace := range served {
		c.apply(t, &v1alpha1.Role{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "reader"},
			Spec:       v1alpha1.RoleSpec{Permissions: []v1alpha1.Permission{{Resource: "document", Actions: []v1alpha1.Pattern{"read"}}}},
		})
	}
	for _, namespace := range served {
		live.Eventually(t, "the status and an event of the Role in "+namespace, func(ctx context.Context) error {
			var role v1alpha1.Role
			if err := c.admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "reader"}, &role); err != nil {
				return err
			}
			if role.Status.ObservedGeneration == 0 {
				return errors.New("there is no status")
			}
			events, err := c.kube.EventsV1().Events(namespace).List(ctx, metav1.ListOptions{})
			if err == nil && len(events.Items) == 0 {
				err = errors.New("there are no events")
			}
			return err
		})
	}
	live.Eventually(t, "it is ready", r.ready)
	for namespace, want := range map[string]int{"shop": http.StatusOK, "office": http.StatusOK, "elsewhere": http.StatusNotFound} {
		if status, err := r.askAbout(t.Context(), namespace, ""); err != nil || status != want {
			t.Errorf("of %s: status %d, %v; want %d", namespace, status, err, want)
		}
	}
}

// released waits until nobody leads.
func (c *cluster) released(t *testing.T) {
	t.Helper()
	lease, err := c.kube.CoordinationV1().Leases(operatorNamespace).Get(t.Context(), "rolecall.rolecall.dev", metav1.GetOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		t.Fatal(err)
	}
	if lease.Spec.HolderIdentity != nil && *lease.Spec.HolderIdentity != "" {
		t.Errorf("after an orderly end %s leads", *lease.Spec.HolderIdentity)
	}
}
