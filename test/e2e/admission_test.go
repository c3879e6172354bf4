// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/rolecall/rolecall/internal/testkit/live"
)

const uncompiled = `
apiVersion: rolecall.dev/v1alpha1
kind: Role
metadata: {name: uncompiled, namespace: ` + apps + `}
spec: {permissions: [{resource: document, actions: [read], condition: contxt.mfa}]}
`

// admission: kubectl is told by the webhook, through its Service and with the
// operator's own certificate, what an object lacks; and by the API server itself what
// its author may not give.
func admission(t *testing.T, c *cluster, _ *report) {
	// The API server takes note of the certificate's authority after a moment.
	live.Eventually(t, "a dangling reference is warned of", func(ctx context.Context) error {
		_, complaint, err := c.run(ctx, dangling, "kubectl", "apply", "--dry-run=server", "-f", "-")
		if err == nil && !strings.Contains(complaint, `Warning: spec.roles[0]: "reviewer"`) {
			return errors.New("kubectl says " + complaint)
		}
		return err
	})
	// What the webhook does not answer in time is let through.
	c.refused(t, "a condition that does not compile", `"contxt"`, uncompiled)

	c.kubectl(t, "create", "rolebinding", "mallory-edits", "-n", apps, "--clusterrole=rolecall-rolebinding-editor", "--user=mallory")
	live.Eventually(t, "mallory may write bindings", func(ctx context.Context) error {
		_, complaint, err := c.run(ctx, "", "kubectl", "auth", "can-i", "create", "rolebindings.rolecall.dev", "-n", apps, "--as=mallory")
		if err != nil {
			return errors.New(complaint)
		}
		return nil
	})
	own := strings.NewReplacer("[reviewer]", "[editor]", "reviewers", "mallorys", "bob", "mallory").Replace(dangling)
	// Policies are in force a moment after they were installed.
	c.refused(t, "mallory gives himself a role", `may not bind the rcrole "editor"`, own, "--as=mallory")
	c.kubectl(t, "create", "rolebinding", "mallory-binds", "-n", apps, "--clusterrole=rolecall-binder", "--user=mallory")
	live.Eventually(t, "mallory may bind", func(ctx context.Context) error {
		_, _, err := c.run(ctx, own, "kubectl", "apply", "--as=mallory", "-f", "-")
		return err
	})
	c.kubectl(t, "delete", "-n", apps, "rcbind/mallorys")
}

// refused waits until a write would be refused for a reason, without trying it.
func (c *cluster) refused(t *testing.T, what, reason, object string, args ...string) {
	t.Helper()
	live.Eventually(t, what+" is refused", func(ctx context.Context) error {
		_, complaint, err := c.run(ctx, object, "kubectl", append([]string{"apply", "--dry-run=server", "-f", "-"}, args...)...)
		if err == nil || !strings.Contains(complaint, reason) {
			return fmt.Errorf("it ends with %v: %s", err, complaint) //nolint:errorlint // also with none
		}
		return nil
	})
}
