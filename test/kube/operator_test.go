// SPDX-License-Identifier: Apache-2.0

//go:build kube

package kube

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	coordination "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/testkit/live"
)

// TestOperator runs the command in a cluster, as a service account that has the
// rights of config/rbac and no others.
func TestOperator(t *testing.T) {
	t.Parallel()
	program := live.Build(t, root)
	c := startCluster(t)
	c.installOperator(t)
	kubeconfig := c.operatorKubeconfig(t, c.address())
	first := startOperator(t, program, kubeconfig)
	t.Run("waits for the CRDs and says so", func(t *testing.T) { waitsForCRDs(t, c, first) })
	t.Run("its rights are no more than it needs", func(t *testing.T) { narrowRights(t, c) })
	t.Run("reports every fault of the broken sample", func(t *testing.T) { brokenSample(t, c) })
	t.Run("answers the checks of the broken sample", func(t *testing.T) { brokenChecks(t, first) })
	t.Run("fills the printer columns", func(t *testing.T) { printerColumns(t, c) })
	t.Run("tells of transitions by events", func(t *testing.T) { events(t, c) })
	second := startOperator(t, program, kubeconfig)
	t.Run("a second replica serves and does not lead", func(t *testing.T) { follower(t, c, second) })
	t.Run("the second takes over when the first stops, which gives the lease back", func(t *testing.T) {
		takeover(t, c, "stopped", func(t *testing.T) { givesBack(t, c, first) })
	})
	l := startLink(t, c.address())
	third := startOperator(t, program, c.operatorKubeconfig(t, l.address))
	t.Run("the third takes over when the second is killed", func(t *testing.T) {
		takeover(t, c, "killed", func(t *testing.T) { second.End(t, os.Kill) })
	})
	t.Run("checks go on without the API server, and status does with it", func(t *testing.T) { outage(t, c, third, l) })
	t.Run("nothing was forbidden to any of them", func(t *testing.T) {
		for _, o := range []*operator{first, second, third} {
			if log := o.Log.String(); strings.Contains(log, "forbidden") {
				t.Errorf("config/rbac lacks a right:\n%s", log)
			}
		}
	})
}

// waitsForCRDs begins with a server that does not know the kinds.
func waitsForCRDs(t *testing.T, c *cluster, o *operator) {
	live.Eventually(t, "the log speaks of the CRDs", func(context.Context) error {
		if log := o.Log.String(); !strings.Contains(log, "config/crd") {
			return fmt.Errorf("it says %q", log)
		}
		return nil
	})
	if err := o.ready(t.Context()); err == nil {
		t.Error("the operator is ready without having seen a list")
	}
	c.kubectl(t, "apply", "-k", installation)
	c.waitForKinds(t)
	live.Eventually(t, "the operator is ready", o.ready)
}

func narrowRights(t *testing.T, c *cluster) {
	account := fmt.Sprintf("--as=system:serviceaccount:%s:%s", operatorNamespace, operatorAccount)
	for _, what := range []string{
		"get roles.rolecall.dev", "create roles.rolecall.dev", "update rolebindings.rolecall.dev", "delete resources.rolecall.dev",
		"update groups.rolecall.dev", "create groups.rolecall.dev",
		"get secrets", "list configmaps", "get roles.rbac.authorization.k8s.io", "update leases.coordination.k8s.io",
	} {
		args := append([]string{"auth", "can-i", account, "-n", "default"}, strings.Fields(what)...)
		if out, err := c.tryKubectl(t.Context(), "", args...); err == nil {
			t.Errorf("the operator may %s: %s", what, out)
		}
	}
}

// object is an object of any of the kinds, with what all of them report.
type object struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Status            v1alpha1.Status `json:"status"`
}

// reasons are the False conditions of an object; empty, it is Ready.
type reasons struct{ Accepted, ResolvedRefs, Ready, Stalled string }

func (o object) reasons() reasons {
	reason := func(condition string, bad metav1.ConditionStatus) string {
		if found := meta.FindStatusCondition(o.Status.Conditions, condition); found != nil && found.Status == bad {
			return found.Reason
		}
		return ""
	}
	return reasons{
		Accepted:     reason(v1alpha1.ConditionAccepted, metav1.ConditionFalse),
		ResolvedRefs: reason(v1alpha1.ConditionResolvedRefs, metav1.ConditionFalse),
		Ready:        reason(v1alpha1.ConditionReady, metav1.ConditionFalse),
		Stalled:      reason(v1alpha1.ConditionStalled, metav1.ConditionTrue),
	}
}

// objects lists all objects of Rolecall's in a namespace, by kind and name.
func (c *cluster) objects(ctx context.Context, namespace string) (map[string]object, error) {
	text, err := c.tryKubectl(ctx, "", "get", "rolecall", "-n", namespace, "-o", "json")
	if err != nil {
		return nil, err
	}
	var list struct {
		Items []object `json:"items"`
	}
	if err := yaml.Unmarshal([]byte(text), &list); err != nil {
		return nil, err
	}
	byName := map[string]object{}
	for _, item := range list.Items {
		byName[item.Kind+"/"+item.Name] = item
	}
	return byName, nil
}

// brokenFile is the part of the sample's expectations that is about conditions
// and checks.
type brokenFile struct {
	Conditions map[string]struct {
		Accepted     string   `json:"accepted"`
		ResolvedRefs string   `json:"resolvedRefs"`
		Says         []string `json:"says"`
	} `json:"conditions"`
	Checks []struct {
		Name     string `json:"name"`
		Subject  entity `json:"subject"`
		Action   string `json:"action"`
		Resource entity `json:"resource"`
		Want     struct {
			Decision bool     `json:"decision"`
			Reason   string   `json:"reason"`
			Roles    []string `json:"roles"`
		} `json:"want"`
	} `json:"checks"`
}

func readBroken(t *testing.T) brokenFile {
	t.Helper()
	var file brokenFile
	readYAML(t, filepath.Join(samples, "checks/broken.yaml"), &file)
	return file
}

func brokenSample(t *testing.T, c *cluster) {
	c.kubectl(t, "create", "namespace", "broken")
	c.kubectl(t, "apply", "-n", "broken", "-f", filepath.Join(samples, "broken"))
	want := readBroken(t)
	live.Eventually(t, "the conditions of the broken sample", func(ctx context.Context) error {
		got, err := c.objects(ctx, "broken")
		if err != nil {
			return err
		}
		return want.differ(got)
	})
}

// differ returns what is not as the file says.
func (f brokenFile) differ(got map[string]object) error {
	var faults []error
	for name := range f.Conditions {
		if _, ok := got[name]; !ok {
			faults = append(faults, fmt.Errorf("%s is not there", name))
		}
	}
	for name, o := range got {
		want := f.Conditions[name]
		r := reasons{Accepted: want.Accepted, ResolvedRefs: want.ResolvedRefs, Stalled: want.Accepted, Ready: want.Accepted}
		if r.Ready == "" {
			r.Ready = want.ResolvedRefs
		}
		if diff := cmp.Diff(r, o.reasons()); diff != "" {
			faults = append(faults, fmt.Errorf("%s: reasons (-want +got):\n%s", name, diff))
		}
		faults = append(faults, wellFormed(name, o), mentions(name, o, want.Says))
	}
	return errors.Join(faults...)
}

func wellFormed(name string, o object) error {
	if o.Status.ObservedGeneration != o.Generation {
		return fmt.Errorf("%s: generation %d is observed, want %d", name, o.Status.ObservedGeneration, o.Generation)
	}
	for _, condition := range []string{v1alpha1.ConditionAccepted, v1alpha1.ConditionResolvedRefs, v1alpha1.ConditionReady} {
		if meta.FindStatusCondition(o.Status.Conditions, condition) == nil {
			return fmt.Errorf("%s: there is no condition %s", name, condition)
		}
	}
	return nil
}

func mentions(name string, o object, parts []string) error {
	var messages strings.Builder
	for _, condition := range o.Status.Conditions {
		messages.WriteString(condition.Message + "\n")
	}
	for _, part := range parts {
		if !strings.Contains(messages.String(), part) {
			return fmt.Errorf("%s: no message says %q: %s", name, part, messages.String())
		}
	}
	return nil
}

func brokenChecks(t *testing.T, o *operator) {
	for _, check := range readBroken(t).Checks {
		t.Run(check.Name, func(t *testing.T) {
			var want answer
			want.Decision, want.Context.Reason, want.Context.Roles = check.Want.Decision, check.Want.Reason, check.Want.Roles
			q := question{Subject: check.Subject, Action: action{check.Action}, Resource: check.Resource}
			got, err := o.ask(t.Context(), "broken", q)
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Context.Roles) == 0 {
				got.Context.Roles = nil
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}

// leader returns who holds the lease; it is empty while nobody does.
func (c *cluster) leader(ctx context.Context) (string, error) {
	text, err := c.tryKubectl(ctx, "", "get", "lease", "rolecall.rolecall.dev", "-n", operatorNamespace, "-o", "json")
	if err != nil {
		return "", err
	}
	var lease coordination.Lease
	if err := yaml.Unmarshal([]byte(text), &lease); err != nil {
		return "", err
	}
	if lease.Spec.HolderIdentity == nil {
		return "", nil
	}
	return *lease.Spec.HolderIdentity, nil
}

func follower(t *testing.T, c *cluster, second *operator) {
	before, err := c.leader(t.Context())
	if err != nil || before == "" {
		t.Fatalf("nobody leads: %v", err)
	}
	live.Eventually(t, "the second replica is ready", second.ready)
	brokenChecks(t, second)
	if after, err := c.leader(t.Context()); err != nil || after != before {
		t.Errorf("the leader changed from %q to %q: %v", before, after, err)
	}
}

// takeover ends the leader and shows that another replica goes on with its work:
// the status of an object that comes afterwards. What has a status already is
// left alone.
func takeover(t *testing.T, c *cluster, namespace string, end func(*testing.T)) {
	before, err := c.leader(t.Context())
	if err != nil || before == "" {
		t.Fatalf("nobody leads: %v", err)
	}
	versions := c.versions(t, "broken")
	end(t)
	live.Eventually(t, "another replica leads", func(ctx context.Context) error {
		after, err := c.leader(ctx)
		if err == nil && (after == "" || after == before) {
			return fmt.Errorf("the lease is held by %q", after)
		}
		return err
	})
	c.kubectl(t, "create", "namespace", namespace)
	c.kubectlApply(t, editorRole, "apply", "-n", namespace, "-f", "-")
	c.waitForReason(t, namespace, v1alpha1.ReasonResourceNotFound)
	if diff := cmp.Diff(versions, c.versions(t, "broken")); diff != "" {
		t.Errorf("the new leader wrote what was written (-before +after):\n%s", diff)
	}
}

// givesBack stops the leader, and demands that the lease is not its own by when it has
// ended: another replica need not wait until it runs out.
func givesBack(t *testing.T, c *cluster, leads *operator) {
	before, err := c.leader(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	leads.stop(t)
	if after, err := c.leader(t.Context()); err != nil || after == before {
		t.Errorf("the replica that has stopped (%s) still holds the lease: %q, %v", before, after, err)
	}
}

// versions returns the versions of all objects in a namespace.
func (c *cluster) versions(t *testing.T, namespace string) map[string]string {
	t.Helper()
	all, err := c.objects(t.Context(), namespace)
	if err != nil || len(all) == 0 {
		t.Fatalf("no objects in %s: %v", namespace, err)
	}
	versions := map[string]string{}
	for name, o := range all {
		versions[name] = o.ResourceVersion
	}
	return versions
}

// waitForReason waits until the editor role's Ready has the reason.
func (c *cluster) waitForReason(t *testing.T, namespace, reason string) {
	t.Helper()
	condition := fmt.Sprintf(`--for=jsonpath={.status.conditions[?(@.type=="Ready")].reason}=%s`, reason)
	c.kubectl(t, "wait", "-n", namespace, condition, "--timeout=1m", "rcrole/editor")
}

// outage cuts the leader off for so long that it loses the lead, and shows that
// it answers checks all the while, and writes status again afterwards.
func outage(t *testing.T, c *cluster, o *operator, l *link) {
	l.cut()
	live.Eventually(t, "the log says that no status is written", func(context.Context) error {
		if !strings.Contains(o.Log.String(), "status is not written for now") {
			return errors.New("it does not")
		}
		return nil
	})
	brokenChecks(t, o)
	if err := o.ready(t.Context()); err != nil {
		t.Errorf("the operator is not ready without the API server: %v", err)
	}
	l.restore(t)
	c.kubectlApply(t, documentResource, "apply", "-n", "killed", "-f", "-")
	c.waitForReason(t, "killed", v1alpha1.ReasonReady)
	if err := o.ready(t.Context()); err != nil {
		t.Error(err)
	}
}

// documentResource is what editorRole refers to.
const documentResource = `
apiVersion: rolecall.dev/v1alpha1
kind: Resource
metadata: {name: document}
spec: {actions: [{name: create}, {name: download}]}
`
