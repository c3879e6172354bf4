// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rolecall/rolecall/hack/e2e/agent"
	"github.com/rolecall/rolecall/internal/testkit/live"
)

// underLoad asks all the while something happens, and until all replicas are
// settled again: with one retry no request may be lost, and no answer may be wrong.
func (c *cluster) underLoad(t *testing.T, r *report, what string, retry retry, happen func()) agent.LoadReport {
	t.Helper()
	plan := agent.LoadPlan{Allowed: publish, Denied: foreign, Clients: 8, Rate: 400, Pause: time.Second, Hold: retry == whenSettled}
	if err := c.tell(t.Context(), "load/start", nil, plan, &struct{}{}); err != nil {
		t.Fatal(err)
	}
	c.moreRequests(t, plan.Rate)
	happen()
	live.Eventually(t, "all replicas are Ready", c.settled)
	if err := c.tell(t.Context(), "load/release", nil, struct{}{}, &struct{}{}); err != nil {
		t.Fatal(err)
	}
	c.moreRequests(t, plan.Rate)
	var result agent.LoadReport
	if err := c.tell(t.Context(), "load/stop", nil, struct{}{}, &result); err != nil {
		t.Fatal(err)
	}
	r.add("%s: %d requests, %d retried, %d lost, %d wrong; median %s, p99 %s, most %s", what, result.Requests,
		result.Broken, result.Lost, result.Wrong, milliseconds(result.Median), milliseconds(result.P99), milliseconds(result.Max))
	if result.Lost > 0 || result.Wrong > 0 {
		t.Errorf("%s: of %d requests %d were lost and %d answered wrongly:\n%s", what,
			result.Requests, result.Lost, result.Wrong, strings.Join(result.Faults, "\n"))
	}
	return result
}

// moreRequests waits until the load has made so many more.
func (c *cluster) moreRequests(t *testing.T, more int) {
	t.Helper()
	begin := -1
	live.Eventually(t, "the load goes on", func(ctx context.Context) error {
		var now agent.LoadReport
		if err := c.tell(ctx, "load/so-far", nil, struct{}{}, &now); err != nil {
			return err
		}
		if begin < 0 {
			begin = now.Requests
		}
		if now.Requests < begin+more {
			return fmt.Errorf("%d requests were made since", now.Requests-begin)
		}
		return nil
	})
}

// retry is when a client makes its one retry. Where nobody could tell the Service
// that a replica is gone, it goes on sending half of the connections there until the
// kubelet has noticed, however long that takes.
type retry bool

const (
	// soon is after a pause.
	soon retry = false
	// whenSettled is not before all replicas are Ready again.
	whenSettled retry = true
)

// onePod returns one of the release's pods.
func (c *cluster) onePod(t *testing.T) corev1.Pod {
	t.Helper()
	pods, err := c.pods(t.Context())
	if err != nil || len(pods) == 0 {
		t.Fatalf("the pods: %d, %v", len(pods), err)
	}
	return pods[0]
}

// podDeleted: a node is drained, or somebody deletes a pod. It has time to say
// good-bye.
func podDeleted(t *testing.T, c *cluster, r *report) {
	pod := c.onePod(t)
	c.underLoad(t, r, "a pod is deleted", soon, func() {
		c.kubectl(t, "delete", "-n", system, "pod", pod.Name, "--wait=true")
	})
}

// podKilled: a pod is gone from one moment to the next, for those who watch the API.
func podKilled(t *testing.T, c *cluster, r *report) {
	pod := c.onePod(t)
	c.underLoad(t, r, "a pod is killed", soon, func() { c.kill(t, pod.Name) })
}

// processKilled: the kernel ends a replica, which has no time for anything. The
// kubelet starts its container again.
func processKilled(t *testing.T, c *cluster, r *report) {
	pod := c.onePod(t)
	before := pod.Status.ContainerStatuses[0]
	_, container, _ := strings.Cut(before.ContainerID, "://")
	c.underLoad(t, r, "a process is killed", whenSettled, func() {
		for _, pid := range processes(t, container) {
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
		}
		live.Eventually(t, "the container is started again", func(ctx context.Context) error {
			now, err := c.kube.CoreV1().Pods(system).Get(ctx, pod.Name, metav1.GetOptions{})
			if err == nil && now.Status.ContainerStatuses[0].RestartCount == before.RestartCount {
				return errors.New("it is not yet")
			}
			return err
		})
	})
}

// processes returns those of a container. The tests see them, for they run on the
// node.
func processes(t *testing.T, container string) []int {
	t.Helper()
	paths, err := filepath.Glob("/proc/[0-9]*/cgroup")
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, path := range paths {
		groups, err := os.ReadFile(path) // a process may have ended meanwhile
		if err != nil || !strings.Contains(string(groups), container) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	if len(pids) == 0 {
		t.Fatalf("no process is in the cgroup of container %s", container)
	}
	return pids
}

// kill deletes a pod at once, with no time to end.
func (c *cluster) kill(t *testing.T, pod string) {
	t.Helper()
	c.kubectl(t, "delete", "-n", system, "pod", pod, "--grace-period=0", "--force")
}

// leaderKilled: another replica writes status after it.
func leaderKilled(t *testing.T, c *cluster, r *report) {
	before := c.leader(t, "")
	start := time.Now()
	c.underLoad(t, r, "the leader is killed", soon, func() {
		c.kill(t, before)
		c.leader(t, before)
		r.add("seconds until another pod leads: %.1f", time.Since(start).Seconds())
	})
	c.apply(t, reviewer, "apply", "-f", "-")
	c.kubectl(t, "wait", "-n", apps, "rcrole/reviewer", "--for=condition=Ready", waitTimeout)
	c.kubectl(t, "delete", "-n", apps, "rcrole/reviewer")
}

// leader waits until a pod that is not the given one holds the lease and renews it,
// and returns its name. A pod that was killed holds the lease for some seconds more.
func (c *cluster) leader(t *testing.T, not string) string {
	t.Helper()
	start := time.Now()
	var name string
	live.Eventually(t, "a pod leads", func(ctx context.Context) error {
		lease, err := c.kube.CoordinationV1().Leases(system).Get(ctx, "rolecall", metav1.GetOptions{})
		if err != nil {
			return err
		}
		if lease.Spec.HolderIdentity == nil || lease.Spec.RenewTime == nil {
			return errors.New("nobody holds the lease")
		}
		name, _, _ = strings.Cut(*lease.Spec.HolderIdentity, "_")
		if name == "" || name == not || !lease.Spec.RenewTime.After(start) {
			return fmt.Errorf("the lease is held by %q, renewed at %s", *lease.Spec.HolderIdentity, lease.Spec.RenewTime)
		}
		return nil
	})
	return name
}

// upgrade rolls the release over to another configuration, and back.
func upgrade(t *testing.T, c *cluster, r *report) {
	c.underLoad(t, r, "helm upgrade", soon, func() { c.upgrade(t, "--set=config.log.level=debug") })
	c.underLoad(t, r, "helm rollback", soon, func() { c.helm(t, "rollback", "rolecall", "-n", system, "--wait", helmTimeout) })
}

// upgrade has the release have these values besides those that it always has.
func (c *cluster) upgrade(t *testing.T, values ...string) {
	t.Helper()
	c.helm(t, slices.Concat([]string{"upgrade", "rolecall", chart, "-n", system, "--wait", helmTimeout}, c.values(t), values)...)
}
