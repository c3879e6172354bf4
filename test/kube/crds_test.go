// SPDX-License-Identifier: Apache-2.0

//go:build kube

package kube

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rolecall/rolecall/internal/testkit/crdcases"
)

// sizeLimit is half of what fits into the annotation of client-side apply.
const sizeLimit = 128 * 1024

// TestCRDs installs the CRDs as a user does and asks the server for all that it
// knows of them.
func TestCRDs(t *testing.T) {
	t.Parallel()
	c := startCluster(t)
	t.Run("each is small enough for client-side apply", func(t *testing.T) { smallCRDs(t) })
	t.Run("client-side apply installs them, twice", func(t *testing.T) {
		for range 2 {
			c.kubectl(t, "apply", "-f", filepath.Join(root, "config/crd/bases"))
		}
		c.kubectl(t, "wait", "--for=condition=Established", "--timeout=1m", "crd", "--all")
	})
	t.Run("server-side apply takes them over", func(t *testing.T) {
		c.kubectl(t, "apply", "--server-side", "--force-conflicts", "-f", filepath.Join(root, "config/crd/bases"))
	})
	t.Run("the server has nothing to say against them", func(t *testing.T) { healthyCRDs(t, c) })
	t.Run("kinds, short names and category", func(t *testing.T) { servedKinds(t, c) })
	t.Run("cases", func(t *testing.T) { everyCase(t, c) })
}

func smallCRDs(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root, "config/crd/bases/*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no CRDs: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if len(text) > sizeLimit {
			t.Errorf("%s has %d bytes, want at most %d", file, len(text), sizeLimit)
		}
	}
}

func healthyCRDs(t *testing.T, c *cluster) {
	want := map[apiextensionsv1.CustomResourceDefinitionConditionType]apiextensionsv1.ConditionStatus{
		apiextensionsv1.Established: apiextensionsv1.ConditionTrue, apiextensionsv1.NamesAccepted: apiextensionsv1.ConditionTrue,
	}
	for _, crd := range installedCRDs(t, c) {
		// What the server objects to (NonStructuralSchema, say) is a condition more.
		got := map[apiextensionsv1.CustomResourceDefinitionConditionType]apiextensionsv1.ConditionStatus{}
		for _, condition := range crd.Status.Conditions {
			got[condition.Type] = condition.Status
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: conditions (-want +got):\n%s", crd.Name, diff)
		}
	}
}

func servedKinds(t *testing.T, c *cluster) {
	type names struct {
		ShortNames, Categories []string
		Scope                  apiextensionsv1.ResourceScope
		Versions               []string
	}
	want := map[string]names{
		"Resource":    {[]string{"rcres"}, []string{"rolecall"}, "Namespaced", []string{"v1alpha1"}},
		"Role":        {[]string{"rcrole"}, []string{"rolecall"}, "Namespaced", []string{"v1alpha1"}},
		"Group":       {[]string{"rcgroup"}, []string{"rolecall"}, "Namespaced", []string{"v1alpha1"}},
		"RoleBinding": {[]string{"rcbind"}, []string{"rolecall"}, "Namespaced", []string{"v1alpha1"}},
	}
	got := map[string]names{}
	for _, crd := range installedCRDs(t, c) {
		n := names{crd.Status.AcceptedNames.ShortNames, crd.Status.AcceptedNames.Categories, crd.Spec.Scope, nil}
		for _, v := range crd.Spec.Versions {
			if v.Served && v.Storage {
				n.Versions = append(n.Versions, v.Name)
			}
		}
		got[crd.Status.AcceptedNames.Kind] = n
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("kinds (-want +got):\n%s", diff)
	}
}

func installedCRDs(t *testing.T, c *cluster) []apiextensionsv1.CustomResourceDefinition {
	t.Helper()
	var list apiextensionsv1.CustomResourceDefinitionList
	if err := json.Unmarshal([]byte(c.kubectl(t, "get", "crd", "-o", "json")), &list); err != nil {
		t.Fatal(err)
	}
	return list.Items
}

// everyCase puts the whole table of good and bad objects to the server. That
// the table has a case for every rule and bound is crdcases' own test.
func everyCase(t *testing.T, c *cluster) {
	cases, err := crdcases.Load()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, tc := range cases {
		seen[tc.Kind()] = true
		t.Run(tc.Kind()+": "+tc.Name, func(t *testing.T) { putCase(t, c, tc) })
	}
	if kinds := slices.Sorted(maps.Keys(seen)); len(kinds) != len(installedCRDs(t, c)) {
		t.Errorf("there are cases of %s only", strings.Join(kinds, ", "))
	}
}

func putCase(t *testing.T, c *cluster, tc crdcases.Case) {
	object := tc.Object.DeepCopy()
	object.SetNamespace("default")
	t.Cleanup(func() {
		// The test's own context has ended by now.
		ctx := context.WithoutCancel(t.Context())
		if err := client.IgnoreNotFound(c.client.Delete(ctx, object)); err != nil {
			t.Errorf("delete: %v", err)
		}
	})
	if err := tc.Verdict(put(t, c, tc, object)); err != nil {
		t.Error(err)
	}
}

// put creates the object, or updates what was before to it.
func put(t *testing.T, c *cluster, tc crdcases.Case, object client.Object) error {
	if tc.Before == nil {
		return c.client.Create(t.Context(), object)
	}
	before := tc.Before.DeepCopy()
	before.SetNamespace("default")
	if err := c.client.Create(t.Context(), before); err != nil {
		t.Fatalf("create what is to be updated: %v", err)
	}
	object.SetResourceVersion(before.GetResourceVersion())
	return c.client.Update(t.Context(), object)
}
