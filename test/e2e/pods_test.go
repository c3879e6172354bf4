// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rolecall/rolecall/hack/e2e/agent"
	"github.com/rolecall/rolecall/internal/testkit/live"
)

// application is a pod that asks for decisions as a careful team would have it:
// nothing that the restricted Pod Security Standard forbids, its service account's
// token for Rolecall alone, and the image's own user.
func (c *cluster) application(name, image string, args ...string) *corev1.Pod {
	hour := int64(3600)
	volumes := []corev1.Volume{{Name: "token", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{
		Sources: []corev1.VolumeProjection{
			{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Audience: "rolecall.dev", ExpirationSeconds: &hour, Path: "token"}},
			{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: corev1.LocalObjectReference{Name: authorities}}},
		},
	}}}}
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: apps},
		Spec: corev1.PodSpec{
			ServiceAccountName: "checkout",
			RestartPolicy:      corev1.RestartPolicyNever,
			HostAliases:        c.aliases,
			SecurityContext: &corev1.PodSecurityContext{
				RunAsNonRoot:   new(true),
				SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
			},
			Volumes: volumes,
			Containers: []corev1.Container{{
				Name: "main", Image: image, ImagePullPolicy: corev1.PullIfNotPresent, Args: args,
				SecurityContext: &corev1.SecurityContext{
					AllowPrivilegeEscalation: new(false),
					ReadOnlyRootFilesystem:   new(true),
					Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
				},
				VolumeMounts: []corev1.VolumeMount{{Name: "token", MountPath: "/var/run/secrets/rolecall", ReadOnly: true}},
			}},
		},
	}
}

// complete runs a pod to its end, and returns its exit status and what it wrote.
func (c *cluster) complete(t *testing.T, pod *corev1.Pod) (int32, string) {
	t.Helper()
	if err := c.client.Create(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
	var status int32
	live.Eventually(t, "pod "+pod.Name+" ends", func(ctx context.Context) error {
		now, err := c.kube.CoreV1().Pods(apps).Get(ctx, pod.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if len(now.Status.ContainerStatuses) != 1 || now.Status.ContainerStatuses[0].State.Terminated == nil {
			return fmt.Errorf("its status is %+v", now.Status.ContainerStatuses)
		}
		status = now.Status.ContainerStatuses[0].State.Terminated.ExitCode
		return nil
	})
	text, err := c.kube.CoreV1().Pods(apps).GetLogs(pod.Name, &corev1.PodLogOptions{}).DoRaw(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return status, string(text)
}

// startAgent starts the pod that asks and measures.
func (c *cluster) startAgent(t *testing.T) {
	t.Helper()
	pod := c.application("agent", setting(t, "E2E_AGENT_IMAGE"), "--server="+serviceURL, "--grpc="+serviceGRPC,
		"--authorities-namespace="+system, "--authorities="+authorities, "--token-file=/var/run/secrets/rolecall/token")
	pod.Spec.RestartPolicy = corev1.RestartPolicyOnFailure // RBAC takes note of its rights after a moment
	pod.Spec.Containers[0].ReadinessProbe = &corev1.Probe{
		ProbeHandler:  corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/readyz", Port: agentPort}},
		PeriodSeconds: 1,
	}
	if err := c.client.Create(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
	c.kubectl(t, "wait", "-n", apps, "pod/agent", "--for=condition=Ready", waitTimeout)
}

// tell asks the agent to do something, through the API server.
func (c *cluster) tell(ctx context.Context, path string, query map[string]string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	r := c.kube.CoreV1().RESTClient().Post().Namespace(apps).Resource("pods").Name("agent:" + agentPort.String()).
		SubResource("proxy").Suffix(path).Body(body)
	for name, value := range query {
		r = r.Param(name, value)
	}
	text, err := r.DoRaw(ctx)
	if err != nil {
		return fmt.Errorf("agent %s: %w: %s", path, err, text)
	}
	return json.Unmarshal(text, out)
}

// everyReplica waits until each replica answers the question as wanted.
func (c *cluster) everyReplica(t *testing.T, q agent.Question, allowed bool) {
	t.Helper()
	for _, replica := range c.replicas(t) {
		live.Eventually(t, fmt.Sprintf("%s says %t to %+v", replica, allowed, q), func(ctx context.Context) error {
			var answer agent.Answer
			if err := c.tell(ctx, "ask", map[string]string{"replica": replica}, q, &answer); err != nil {
				return err
			}
			if answer.Status != 200 || answer.Allowed != allowed {
				return fmt.Errorf("it says %d %s", answer.Status, answer.Body)
			}
			return nil
		})
	}
}

// pods returns the release's pods that are not on their way out.
func (c *cluster) pods(ctx context.Context) ([]corev1.Pod, error) {
	list, err := c.kube.CoreV1().Pods(system).List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return nil, err
	}
	var pods []corev1.Pod
	for _, pod := range list.Items {
		if pod.DeletionTimestamp == nil {
			pods = append(pods, pod)
		}
	}
	return pods, nil
}

// settled fails unless just the replicas that there should be are there, and Ready.
func (c *cluster) settled(ctx context.Context) error {
	list, err := c.kube.CoreV1().Pods(system).List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return err
	}
	if len(list.Items) != replicas {
		return fmt.Errorf("there are %d pods", len(list.Items))
	}
	for _, pod := range list.Items {
		if !ready(&pod) {
			return errors.New(pod.Name + " is not Ready")
		}
	}
	return nil
}

func ready(pod *corev1.Pod) bool {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// replicas returns where each replica answers checks.
func (c *cluster) replicas(t *testing.T) []string {
	t.Helper()
	pods, err := c.pods(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var at []string
	for _, pod := range pods {
		at = append(at, pod.Status.PodIP+":8080")
	}
	return at
}
