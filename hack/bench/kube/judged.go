// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/conditions"
)

// judge writes the status of RoleBindings as a leader of earlier days has left them,
// until so many are left without one. A leader writes one after the other, out of
// others' way; that takes long where there are many.
func (c *cluster) judge(ctx context.Context, leave int) error {
	page := client.ListOptions{Namespace: namespace, Limit: 2000}
	for {
		var list v1alpha1.RoleBindingList
		if err := c.client.List(ctx, &list, &page); err != nil {
			return err
		}
		err := parallel(ctx, min(leave, len(list.Items)), len(list.Items), func(ctx context.Context, i int) error {
			return c.writeStatus(ctx, &list.Items[i])
		})
		if err != nil {
			return err
		}
		leave = max(0, leave-len(list.Items))
		if page.Continue = list.Continue; page.Continue == "" {
			return nil
		}
	}
}

func (c *cluster) writeStatus(ctx context.Context, b *v1alpha1.RoleBinding) error {
	status := v1alpha1.RoleBindingStatus{Subjects: int32(len(b.Spec.Subjects))}
	conditions.Apply(&status.Status, nil, b.Generation, metav1.Now())
	patch, err := json.Marshal(map[string]any{"status": status})
	if err != nil {
		return err
	}
	if err := c.client.Status().Patch(ctx, b, client.RawPatch("application/merge-patch+json", patch)); err != nil {
		return fmt.Errorf("write the status of %s: %w", b.Name, err)
	}
	return nil
}
