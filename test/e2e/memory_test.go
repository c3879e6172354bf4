// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/hack/e2e/agent"
	"github.com/rolecall/rolecall/internal/testkit/live"
)

// crowd is where the many bindings are, and writers how many write them.
const (
	crowd   = "crowd"
	writers = 32
)

// memory measures what a replica needs, as the kubelet sees it: at rest, and with
// bindings of as many users.
func memory(t *testing.T, c *cluster, r *report) {
	r.add("megabytes of a replica at rest: %.0f", c.workingSet(t))
	c.kubectl(t, "create", "namespace", crowd)
	c.kubectl(t, "create", "-n", crowd, "-f", "testdata/crowd.yaml")
	sizes := []int{10_000}
	if os.Getenv("E2E_LONG") != "" {
		sizes = append(sizes, 100_000)
	}
	made := 0
	for _, size := range sizes {
		start := time.Now()
		c.bind(t, made, size)
		made = size
		last := agent.Question{Namespace: crowd, Subject: user(size - 1), Action: "read", ResourceType: "document", ResourceID: "1"}
		c.everyReplica(t, last, true)
		r.add("seconds until %d bindings were written and granted: %.1f", size, time.Since(start).Seconds())
		r.add("megabytes of a replica with %d bindings: %.0f", size, c.workingSet(t))
	}
}

func user(i int) string { return fmt.Sprintf("user-%06d", i) }

// bind makes the bindings of the users from one number to another.
func (c *cluster) bind(t *testing.T, from, to int) {
	t.Helper()
	group, ctx := errgroup.WithContext(t.Context())
	group.SetLimit(writers)
	for i := from; i < to && ctx.Err() == nil; i++ {
		group.Go(func() error {
			return c.client.Create(ctx, &v1alpha1.RoleBinding{
				ObjectMeta: metav1.ObjectMeta{Namespace: crowd, Name: user(i)},
				Spec: v1alpha1.RoleBindingSpec{
					Roles: []v1alpha1.ID{"reader"}, Scope: "*",
					Subjects: []v1alpha1.Subject{{Type: "user", ID: user(i)}},
				},
			}, &client.CreateOptions{})
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
}

// workingSet returns the most that the kubelet has measured of any replica, in
// megabytes: what it counts against a limit. It waits for a look that is newer than
// the call.
func (c *cluster) workingSet(t *testing.T) float64 {
	t.Helper()
	start := time.Now()
	var most float64
	live.Eventually(t, "the kubelet has measured", func(ctx context.Context) error {
		pods, err := c.pods(ctx)
		if err != nil {
			return err
		}
		most = 0
		for _, pod := range pods {
			text, err := c.kube.CoreV1().RESTClient().Get().AbsPath("/api/v1/nodes", pod.Spec.NodeName, "proxy/stats/summary").DoRaw(ctx)
			if err != nil {
				return err
			}
			bytes, err := measured(text, pod.Name, start)
			if err != nil {
				return err
			}
			most = max(most, bytes/1e6)
		}
		return nil
	})
	return most
}

// measured finds a pod's working set in the kubelet's summary.
func measured(summary []byte, pod string, after time.Time) (float64, error) {
	var s struct {
		Pods []struct {
			PodRef     struct{ Name string }
			Containers []struct {
				Memory struct {
					Time            time.Time
					WorkingSetBytes *float64
				}
			}
		}
	}
	if err := json.Unmarshal(summary, &s); err != nil {
		return 0, err
	}
	for _, p := range s.Pods {
		if p.PodRef.Name != pod || len(p.Containers) != 1 || p.Containers[0].Memory.WorkingSetBytes == nil {
			continue
		}
		if m := p.Containers[0].Memory; m.Time.After(after) {
			return *m.WorkingSetBytes, nil
		}
		return 0, fmt.Errorf("%s was last measured at %s", pod, p.Containers[0].Memory.Time)
	}
	return 0, fmt.Errorf("%s was not measured", pod)
}
