// SPDX-License-Identifier: Apache-2.0

//go:build kube

package kube

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	eventsv1 "k8s.io/api/events/v1"
	"sigs.k8s.io/yaml"

	"github.com/rolecall/rolecall/internal/testkit/live"
)

// emptyRole is a role whose binding comes before it.
const emptyRole = `
apiVersion: rolecall.dev/v1alpha1
kind: Role
metadata: {name: editor}
spec: {description: Has no permission.}
`

// events drives a binding through its transitions, and through changes that are
// none.
func events(t *testing.T, c *cluster) {
	c.kubectl(t, "create", "namespace", "events")
	in := []string{"-n", "events"}
	c.kubectlApply(t, editorsBinding, append(in, "apply", "-f", "-")...)
	c.wantEvents(t, map[string]int{"Warning RoleNotFound": 1})

	c.kubectl(t, append(in, "label", "rcbind/editors", "team=a")...)
	c.kubectlApply(t, emptyRole, append(in, "apply", "-f", "-")...)
	c.kubectl(t, append(in, "wait", "--for=condition=Ready", "--timeout=1m", "rcbind/editors")...)
	c.wantEvents(t, map[string]int{"Warning RoleNotFound": 1, "Normal Ready": 1})

	c.kubectl(t, append(in, "label", "rcbind/editors", "team=b", "--overwrite")...)
	c.kubectl(t, append(in, "delete", "rcrole/editor")...)
	c.kubectl(t, append(in, "wait", "--for=condition=Ready=false", "--timeout=1m", "rcbind/editors")...)
	c.wantEvents(t, map[string]int{"Warning RoleNotFound": 2, "Normal Ready": 1})
}

// editorsBinding is bindingOf with a subject.
const editorsBinding = `
apiVersion: rolecall.dev/v1alpha1
kind: RoleBinding
metadata: {name: editors}
spec:
  scope: org:acme
  roles: [editor]
  subjects:
  - {type: user, id: ann}
`

// wantEvents waits until so many events of each type and reason were recorded
// about the binding, and fails if there are others.
func (c *cluster) wantEvents(t *testing.T, want map[string]int) {
	t.Helper()
	live.Eventually(t, "the events of the binding", func(ctx context.Context) error {
		text, err := c.tryKubectl(ctx, "", "get", "events.events.k8s.io", "-n", "events", "-o", "json")
		if err != nil {
			return err
		}
		var list eventsv1.EventList
		if err := yaml.Unmarshal([]byte(text), &list); err != nil {
			return err
		}
		if diff := cmp.Diff(want, count(list.Items)); diff != "" {
			return fmt.Errorf("(-want +got):\n%s", diff)
		}
		return nil
	})
}

// count counts what happened to bindings: an event that stands for a series
// happened more than once.
func count(events []eventsv1.Event) map[string]int {
	got := map[string]int{}
	for _, event := range events {
		if event.Regarding.Kind != "RoleBinding" {
			continue
		}
		n := 1
		if event.Series != nil {
			n = int(event.Series.Count)
		}
		got[event.Type+" "+event.Reason] += n
	}
	return got
}
