// SPDX-License-Identifier: Apache-2.0

//go:build kube

package kube

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/rolecall/rolecall/internal/testkit/live"
)

// policies is what an administrator applies who wants nothing but the policies.
var policies = filepath.Join(root, "config/admission/policies")

// people are what the users of the policies' tests may do beside writing objects,
// which all of them may.
const people = `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: writers}
rules:
- {apiGroups: [rolecall.dev], resources: [roles, rolebindings, groups, resources], verbs: [get, list, create, update, patch, delete, deletecollection]}
- {apiGroups: [rolecall.dev], resources: [roles/status, rolebindings/status], verbs: [patch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: writers}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: writers}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: writers}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: one-of-each, namespace: default}
rules:
- {apiGroups: [rolecall.dev], resources: [roles, groups], resourceNames: ["Team:lead/x"], verbs: [bind]}
- {apiGroups: [rolecall.dev], resources: [roles, resources], resourceNames: ["Team:lead/x"], verbs: [escalate]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: one-of-each, namespace: default}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: one-of-each}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: lead}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: binders, namespace: default}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: rolecall-binder}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: binder}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: escalators, namespace: default}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: rolecall-escalator}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: escalator}]
`

// The users: one who only writes, one who may give one id of each kind, and those who
// have the rights that are shipped.
const (
	writer    = "writer"
	lead      = "lead"
	binder    = "binder"
	escalator = "escalator"
)

// TestPolicies applies the policies as they are shipped to a cluster in which there
// is no Rolecall at all, and lets people write.
func TestPolicies(t *testing.T) {
	t.Parallel()
	c := startClusterWithCRDs(t)
	c.kubectl(t, "apply", "-k", policies)
	c.kubectlApply(t, people, "apply", "-f", "-")
	c.kubectlApply(t, policyObjects, "apply", "-f", "-")
	users := map[string]client.Client{}
	for _, name := range []string{writer, lead, binder, escalator} {
		users[name] = c.impersonate(t, name)
	}
	c.waitForPolicies(t, users)
	t.Run("RoleBindings", func(t *testing.T) { writes(t, users, bindingWrites) })
	t.Run("Groups", func(t *testing.T) { writes(t, users, groupWrites) })
	t.Run("Roles", func(t *testing.T) { writes(t, users, roleWrites) })
	t.Run("Resources", func(t *testing.T) { writes(t, users, resourceWrites) })
	t.Run("what is no spec", func(t *testing.T) { besideSpecs(t, users[writer]) })
	t.Run("deletion", func(t *testing.T) { deletions(t, users) })
	t.Run("a name that is made up", func(t *testing.T) { generatedName(t, users[writer]) })
	t.Run("kubectl says why", func(t *testing.T) { refusedByKubectl(t, c) })
	t.Run("a namespace goes with its Denies", func(t *testing.T) { endOfNamespace(t, c) })
}

// impersonate returns a client of somebody who writes objects.
func (c *cluster) impersonate(t *testing.T, name string) client.Client {
	t.Helper()
	config := rest.CopyConfig(c.env.Config)
	config.Impersonate = rest.ImpersonationConfig{UserName: name, Groups: []string{"writers", "system:authenticated"}}
	user, err := client.New(config, client.Options{Scheme: runtime.NewScheme()})
	if err != nil {
		t.Fatal(err)
	}
	return client.WithFieldValidation(user, "Strict")
}

// waitForPolicies waits until every policy is in force, and every right known.
func (c *cluster) waitForPolicies(t *testing.T, users map[string]client.Client) {
	t.Helper()
	for _, manifest := range probes {
		live.Eventually(t, "the policies are in force", func(ctx context.Context) error {
			err := users[writer].Create(ctx, objectOf(t, manifest), client.DryRunAll)
			if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "ValidatingAdmissionPolicy") {
				return fmt.Errorf("creating an object that gives something ends with %v", err) //nolint:errorlint // also with none
			}
			return nil
		})
	}
	admin, err := kubernetes.NewForConfig(c.env.Config)
	if err != nil {
		t.Fatal(err)
	}
	for user, right := range map[string]authorizationv1.ResourceAttributes{
		lead:      {Verb: "bind", Resource: "roles", Name: "Team:lead/x"},
		binder:    {Verb: "bind", Resource: "groups"},
		escalator: {Verb: "escalate", Resource: "resources"},
	} {
		right.Group, right.Namespace = "rolecall.dev", "default"
		live.Eventually(t, user+" has the right", func(ctx context.Context) error {
			review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{User: user, ResourceAttributes: &right}}
			review, err := admin.AuthorizationV1().SubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
			if err == nil && !review.Status.Allowed {
				return errors.New(review.Status.Reason)
			}
			return err
		})
	}
}

// probes are objects that give something, one of each kind.
var probes = []string{
	"{kind: RoleBinding, metadata: {name: probe}, spec: {roles: [a], subjects: [{type: user, id: a}], scope: a}}",
	"{kind: Role, metadata: {name: probe}, spec: {assertable: true}}",
	"{kind: Group, metadata: {name: probe}, spec: {members: [{type: user, id: a}]}}",
	"{kind: Resource, metadata: {name: probe}, spec: {instances: [{id: a, properties: {b: c}}]}}",
}

// objectOf reads an object of the namespace default.
func objectOf(t *testing.T, manifest string) *unstructured.Unstructured {
	t.Helper()
	o := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(manifest), &o.Object); err != nil {
		t.Fatal(err)
	}
	o.SetAPIVersion("rolecall.dev/v1alpha1")
	o.SetNamespace("default")
	return o
}

// policyWrite is a change of an object of policyObjects by a user: a merge patch.
type policyWrite struct {
	user, what, object, patch string
	// refused is what the refusal says; nothing if the write is allowed.
	refused string
}

// writes tries each write. Only its own fate counts: it is a dry run.
func writes(t *testing.T, users map[string]client.Client, all []policyWrite) {
	for _, w := range all {
		t.Run(w.user+": "+w.what, func(t *testing.T) {
			kind, name, _ := strings.Cut(w.object, "/")
			o := objectOf(t, "{kind: "+kind+", metadata: {name: "+name+"}}")
			patch, err := yaml.YAMLToJSON([]byte(w.patch))
			if err != nil {
				t.Fatal(err)
			}
			err = users[w.user].Patch(t.Context(), o, client.RawPatch(types.MergePatchType, patch), client.DryRunAll)
			judgeWrite(t, err, w.refused)
		})
	}
}

func judgeWrite(t *testing.T, err error, refused string) {
	t.Helper()
	switch {
	case refused == "" && err != nil:
		t.Errorf("it is refused: %v", err)
	case refused != "" && (!apierrors.IsForbidden(err) || !strings.Contains(err.Error(), refused)):
		t.Errorf("error %v, want one that forbids it with %q", err, refused)
	}
}

// besideSpecs: labels, finalizers, owners and the status are nobody's authority.
func besideSpecs(t *testing.T, user client.Client) {
	for _, name := range []string{"RoleBinding/leads", "Role/lead"} {
		for _, patch := range []string{
			"metadata: {labels: {a: b}}", "metadata: {annotations: {a: b}}", "metadata: {finalizers: [example.com/a]}",
			"metadata: {ownerReferences: [{apiVersion: v1, kind: ConfigMap, name: a, uid: a}]}",
		} {
			kind, name, _ := strings.Cut(name, "/")
			text, err := yaml.YAMLToJSON([]byte(patch))
			if err != nil {
				t.Fatal(err)
			}
			o := objectOf(t, "{kind: "+kind+", metadata: {name: "+name+"}}")
			judgeWrite(t, user.Patch(t.Context(), o, client.RawPatch(types.MergePatchType, text), client.DryRunAll), "")
		}
		kind, name, _ := strings.Cut(name, "/")
		o := objectOf(t, "{kind: "+kind+", metadata: {name: "+name+"}}")
		status := client.RawPatch(types.MergePatchType, []byte(`{"status":{"observedGeneration":7}}`))
		judgeWrite(t, user.Status().Patch(t.Context(), o, status, &client.SubResourcePatchOptions{
			PatchOptions: client.PatchOptions{DryRun: []string{metav1.DryRunAll}},
		}), "")
	}
}

// deletions: what gives goes without more; what denies does not.
func deletions(t *testing.T, users map[string]client.Client) {
	for _, tt := range []struct{ user, object, refused string }{
		{writer, "RoleBinding/leads", ""},
		{writer, "Group/sales", ""},
		{writer, "Role/reader", ""},
		{writer, "Resource/plain", ""},
		{writer, "Role/lead", `the verb escalate on roles.rolecall.dev "Team:lead/x"`},
		{writer, "Resource/document", `the verb escalate on resources.rolecall.dev "Team:lead/x"`},
		{binder, "Role/lead", "the verb escalate"},
		{lead, "Role/lead", ""},
		{escalator, "Resource/document", ""},
	} {
		kind, name, _ := strings.Cut(tt.object, "/")
		o := objectOf(t, "{kind: "+kind+", metadata: {name: "+name+"}}")
		t.Run(tt.user+": "+tt.object, func(t *testing.T) {
			judgeWrite(t, users[tt.user].Delete(t.Context(), o, client.DryRunAll), tt.refused)
		})
	}
	t.Run("a whole collection", func(t *testing.T) {
		o := objectOf(t, "{kind: Role}")
		err := users[writer].DeleteAllOf(t.Context(), o, client.InNamespace("default"), client.DryRunAll)
		judgeWrite(t, err, "the verb escalate")
	})
}

// generatedName: the id is the name, also if the server makes it up.
func generatedName(t *testing.T, user client.Client) {
	o := objectOf(t, "{kind: Role, metadata: {generateName: made-up-}, spec: {assertable: true}}")
	judgeWrite(t, user.Create(t.Context(), o, client.DryRunAll), `the verb escalate on roles.rolecall.dev "made-up-`)
}

// refusedByKubectl is what people see.
func refusedByKubectl(t *testing.T, c *cluster) {
	manifest := strings.Replace(bindingOf, "USER", "jane", 1)
	_, err := c.tryKubectl(t.Context(), manifest, "apply", "-n", "default", "-f", "-", "--as=writer", "--as-group=writers")
	const want = `Error from server (Forbidden): error when creating "STDIN": rolebindings.rolecall.dev "editors" is forbidden: ` +
		`ValidatingAdmissionPolicy 'rolebindings.rolecall.dev' with binding 'rolebindings.rolecall.dev' denied request: ` +
		`you may not bind the rcrole "editor", and a new RoleBinding gives it: ask for the verb bind on roles.rolecall.dev "editor" in the namespace "default", which rolecall-binder has`
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("kubectl says:\n%v\nwant:\n%s", err, want)
	}
}

// endOfNamespace deletes what is in a namespace that is being deleted as the
// controller does, which may delete everything and has no other right.
func endOfNamespace(t *testing.T, c *cluster) {
	c.kubectl(t, "create", "namespace", "ending")
	deny := strings.ReplaceAll(policyObjects, "namespace: default", "namespace: ending")
	c.kubectlApply(t, deny, "apply", "-f", "-")
	controller := []string{"--as=system:serviceaccount:kube-system:namespace-controller", "-n", "ending"}
	if _, err := c.tryKubectl(t.Context(), "", append([]string{"delete", "rcrole", "lead"}, controller...)...); err == nil {
		t.Error("the controller takes a Deny away without a reason")
	}
	c.kubectl(t, "delete", "namespace", "ending", "--wait=false")
	live.Eventually(t, "the objects go with their namespace", func(ctx context.Context) error {
		_, err := c.tryKubectl(ctx, "", append([]string{"delete", "rcrole,rcres,rcbind,rcgroup", "--all"}, controller...)...)
		return err
	})
}
