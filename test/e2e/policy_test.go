// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rolecall/rolecall/hack/e2e/agent"
	"github.com/rolecall/rolecall/internal/testkit/live"
)

// changeByKubectl: what kubectl writes is what the door says, at every replica.
func changeByKubectl(t *testing.T, c *cluster, _ *report) {
	c.everyReplica(t, publish, true)
	c.everyReplica(t, foreign, false)

	c.kubectl(t, "patch", "-n", apps, "rcrole/editor", "--type=json",
		`-p=[{"op": "replace", "path": "/spec/permissions/0/actions", "value": ["read"]}]`)
	c.everyReplica(t, publish, false)
	c.everyReplica(t, read, true)

	c.kubectl(t, "delete", "-n", apps, "rcbind/editors")
	c.everyReplica(t, read, false)

	c.kubectl(t, "apply", "-f", "testdata/policy.yaml")
	c.everyReplica(t, publish, true)
	c.sameRevision(t)
}

// sameRevision: replicas that hold the same objects say so in the same words.
func (c *cluster) sameRevision(t *testing.T) {
	t.Helper()
	live.Eventually(t, "all replicas have one revision", func(ctx context.Context) error {
		first := ""
		for _, replica := range c.replicas(t) {
			var answer agent.Answer
			if err := c.tell(ctx, "ask", map[string]string{"replica": replica}, publish, &answer); err != nil {
				return err
			}
			if answer.Revision == "" {
				return errors.New("the answer has no Rolecall-Revision")
			}
			if first == "" {
				first = answer.Revision
			}
			if answer.Revision != first {
				return fmt.Errorf("%s and %s", first, answer.Revision)
			}
		}
		return nil
	})
}

const dangling = `
apiVersion: rolecall.dev/v1alpha1
kind: RoleBinding
metadata: {name: reviewers, namespace: ` + apps + `}
spec: {roles: [reviewer], scope: "*", subjects: [{type: user, id: bob}]}
`

const reviewer = `
apiVersion: rolecall.dev/v1alpha1
kind: Role
metadata: {name: reviewer, namespace: ` + apps + `}
spec: {permissions: [{resource: document, actions: [read]}]}
`

// status: a binding before its role waits for it, says so, and heals.
func status(t *testing.T, c *cluster, _ *report) {
	c.apply(t, dangling, "apply", "-f", "-")
	c.kubectl(t, "wait", "-n", apps, "rcbind/reviewers", "--for=condition=ResolvedRefs=false", waitTimeout)
	message := c.kubectl(t, "get", "-n", apps, "rcbind/reviewers", "-o",
		`jsonpath={.status.conditions[?(@.type=="ResolvedRefs")].message}`)
	if !strings.Contains(message, "reviewer") {
		t.Errorf("the condition does not name the role: %s", message)
	}
	if out := c.kubectl(t, "get", "-n", apps, "rcbind"); !columns(out, "reviewers", "False") || !columns(out, "editors", "True") {
		t.Errorf("kubectl get rcbind does not tell the two apart:\n%s", out)
	}

	c.apply(t, reviewer, "apply", "-f", "-")
	c.kubectl(t, "wait", "-n", apps, "rcbind/reviewers", "--for=condition=Ready", waitTimeout)
	live.Eventually(t, "events tell both", func(ctx context.Context) error {
		out, _, err := c.run(ctx, "", "kubectl", "events", "-n", apps, "--for=rolebinding.rolecall.dev/reviewers")
		if err == nil && (!strings.Contains(out, "Warning") || !strings.Contains(out, "Normal")) {
			return errors.New(out)
		}
		return err
	})
	all := c.kubectl(t, "get", "rolecall", "-n", apps)
	for _, want := range []string{"resource.rolecall.dev/document", "role.rolecall.dev/reviewer", "rolebinding.rolecall.dev/reviewers"} {
		if !strings.Contains(all, want) {
			t.Errorf("kubectl get rolecall does not list %s:\n%s", want, all)
		}
	}
	c.kubectl(t, "delete", "-n", apps, "rcbind/reviewers", "rcrole/reviewer")
}

// columns tells whether the row of an object has a cell.
func columns(table, name, cell string) bool {
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		if len(fields) > 1 && fields[0] == name && slices.Contains(fields[1:], cell) {
			return true
		}
	}
	return false
}

// revocation measures how long after its deletion a binding still grants.
func revocation(t *testing.T, c *cluster, r *report) {
	plan := agent.RevocationPlan{
		Question: agent.Question{Namespace: apps, Subject: "eve", Action: "publish", ResourceType: "document", ResourceID: "1"},
		Role:     "editor", Replicas: c.replicas(t), Rounds: 100,
	}
	var result agent.RevocationReport
	if err := c.tell(t.Context(), "revocation", nil, plan, &result); err != nil {
		t.Fatal(err)
	}
	if want := plan.Rounds * replicas; result.Samples != want {
		t.Errorf("there are %d samples, want %d", result.Samples, want)
	}
	r.add("revocation on each of %d replicas, after the API server confirmed it: median %s, p99 %s, most %s (%d samples)",
		replicas, milliseconds(result.Median), milliseconds(result.P99), milliseconds(result.Max), result.Samples)
	r.add("revocation, after it was sent: median %s, p99 %s, most %s",
		milliseconds(result.SentMedian), milliseconds(result.SentP99), milliseconds(result.SentMax))
}
