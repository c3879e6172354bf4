// SPDX-License-Identifier: Apache-2.0

package crdcases_test

import (
	"context"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rolecall/rolecall/internal/devcluster/devclustertest"
	"github.com/rolecall/rolecall/internal/testkit/crdcases"
)

func TestMain(m *testing.M) { devclustertest.Main(m) }

// TestEmbeddedServerSaysTheSame puts the table to the embedded API server. The
// real one has it in test/kube, the folder source in its own package.
func TestEmbeddedServerSaysTheSame(t *testing.T) {
	admin, err := client.New(devclustertest.Start(t), client.Options{Scheme: runtime.NewScheme()})
	if err != nil {
		t.Fatal(err)
	}
	strict := client.WithFieldValidation(admin, metav1.FieldValidationStrict)
	all, err := crdcases.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		t.Run(c.Kind()+": "+c.Name, func(t *testing.T) {
			if err := c.Verdict(put(t.Context(), strict, devclustertest.Namespace(t), c)); err != nil {
				t.Error(err)
			}
		})
	}
}

// put creates the case's object, or what was before it and then updates that.
func put(ctx context.Context, c client.Client, namespace string, tc crdcases.Case) error {
	object := tc.Object.DeepCopy()
	object.SetNamespace(namespace)
	if tc.Before == nil {
		return c.Create(ctx, object)
	}
	before := tc.Before.DeepCopy()
	before.SetNamespace(namespace)
	if err := c.Create(ctx, before); err != nil {
		return err
	}
	object.SetResourceVersion(before.GetResourceVersion())
	return c.Update(ctx, object)
}
