// SPDX-License-Identifier: Apache-2.0

//go:build kube

package kube

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
)

// TestKubectl shows what a user of kubectl sees of the kinds, without any
// operator.
func TestKubectl(t *testing.T) {
	t.Parallel()
	c := startClusterWithCRDs(t)
	t.Run("explain has a text for every field", func(t *testing.T) { explainAll(t, c) })
	t.Run("client-side apply", func(t *testing.T) { clientSideApply(t, c) })
	t.Run("server-side apply merges lists by their keys", func(t *testing.T) { serverSideApply(t, c) })
	t.Run("apply says what is wrong", func(t *testing.T) { refusedApply(t, c) })
	t.Run("the sample of what is refused", func(t *testing.T) { refusedSample(t, c) })
	t.Run("short names and category", func(t *testing.T) { shortNames(t, c) })
}

// explainAll asks for every node that has fields: kubectl prints the texts of
// all of them, and a remark where one is missing.
func explainAll(t *testing.T, c *cluster) {
	for _, crd := range installedCRDs(t, c) {
		schema := crd.Spec.Versions[0].Schema.OpenAPIV3Schema
		for _, path := range nodes(crd.Spec.Names.ShortNames[0], *schema) {
			if strings.HasSuffix(path, ".metadata") {
				continue
			}
			out := c.kubectl(t, "explain", path)
			if !strings.Contains(out, "DESCRIPTION:") || strings.Contains(out, "<empty>") || strings.Contains(out, "<no description>") {
				t.Errorf("kubectl explain %s lacks a text:\n%s", path, out)
			}
		}
	}
	out := c.kubectl(t, "explain", "rcrole.spec.permissions.effect")
	for _, want := range []string{"KIND:       Role", "VERSION:    v1alpha1", "ENUM:", "Allow", "Deny", "wins over every Allow"} {
		if !strings.Contains(out, want) {
			t.Errorf("kubectl explain of the effect does not say %q:\n%s", want, out)
		}
	}
}

// nodes lists the paths of everything that has fields.
func nodes(path string, schema apiextensionsv1.JSONSchemaProps) []string {
	if schema.Items != nil && schema.Items.Schema != nil {
		return nodes(path, *schema.Items.Schema)
	}
	if len(schema.Properties) == 0 {
		return nil
	}
	all := []string{path}
	for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
		all = append(all, nodes(path+"."+name, schema.Properties[name])...)
	}
	return all
}

const editorRole = `
apiVersion: rolecall.dev/v1alpha1
kind: Role
metadata: {name: editor}
spec:
  description: Writes documents.
  permissions:
  - {resource: document, actions: [create, download]}
`

func clientSideApply(t *testing.T, c *cluster) {
	steps := []struct{ manifest, want string }{
		{editorRole, "created"},
		{editorRole, "unchanged"},
		{strings.Replace(editorRole, "[create, download]", "[create]", 1), "configured"},
		{strings.Replace(editorRole, "  description: Writes documents.\n", "", 1), "configured"},
	}
	for _, step := range steps {
		if out := c.kubectlApply(t, step.manifest, "apply", "-f", "-"); !strings.Contains(out, step.want) {
			t.Errorf("kubectl apply said %q, want %q", out, step.want)
		}
	}
	if out := c.kubectl(t, "get", "rcrole", "editor", "-o", "jsonpath={.spec}"); strings.Contains(out, "description") {
		t.Errorf("the description was taken out of the manifest, but not of the object: %s", out)
	}
}

const bindingOf = `
apiVersion: rolecall.dev/v1alpha1
kind: RoleBinding
metadata: {name: editors}
spec:
  scope: "*"
  roles: [editor]
  subjects:
  - {type: user, id: USER}
`

// serverSideApply lets two teams own a subject each of the same binding.
func serverSideApply(t *testing.T, c *cluster) {
	subjects := func() string {
		return c.kubectl(t, "get", "rcbind", "editors", "-o", "jsonpath={.spec.subjects[*].id}")
	}
	apply := func(manager, manifest string) {
		c.kubectlApply(t, manifest, "apply", "--server-side", "--field-manager", manager, "-f", "-")
	}
	apply("team-a", strings.Replace(bindingOf, "USER", "ann", 1))
	apply("team-b", strings.Replace(bindingOf, "USER", "bob", 1))
	if got := subjects(); got != "ann bob" {
		t.Errorf("after two teams' apply the subjects are %q, want both", got)
	}
	apply("team-a", strings.Replace(bindingOf, "USER", "cleo", 1))
	if got := subjects(); got != "bob cleo" {
		t.Errorf("after a team replaced its subject they are %q, want the other team's and the new one", got)
	}
	_, err := c.tryKubectl(t.Context(), strings.Replace(bindingOf, `scope: "*"`, "scope: org:acme", 1),
		"apply", "--server-side", "--field-manager", "team-b", "-f", "-")
	if err == nil || !strings.Contains(err.Error(), `conflict with "team-a"`) || !strings.Contains(err.Error(), ".spec.scope") {
		t.Errorf("a team changed the other's scope: %v, want a conflict", err)
	}
}

func refusedApply(t *testing.T, c *cluster) {
	clientSide := []string{"apply", "-f", "-"}
	serverSide := []string{"apply", "--server-side", "--force-conflicts", "-f", "-"}
	misnamed := strings.Replace(editorRole, "description:", "text:", 1)
	otherID := strings.Replace(editorRole, "spec:", "spec:\n  id: writer", 1)
	noScope := strings.Replace(bindingOf, `"*"`, `""`, 1)
	immutable := "spec.id: Forbidden: the id is immutable (without spec.id it is metadata.name): delete the Role and create it anew"
	cases := map[string]struct {
		how      []string
		manifest string
		want     string
	}{
		"a field that does not exist":                      {clientSide, misnamed, `unknown field "spec.text"`},
		"a field that does not exist, server-side":         {serverSide, misnamed, ".spec.text: field not declared in schema"},
		"an id that would change":                          {clientSide, otherID, immutable},
		"an id that would change, server-side":             {serverSide, otherID, immutable},
		"a binding whose scope renders empty":              {clientSide, noScope, "spec.scope in body should be at least 1 chars long"},
		"a binding whose scope renders empty, server-side": {serverSide, noScope, "spec.scope in body should be at least 1 chars long"},
	}
	for name, tc := range cases {
		_, err := c.tryKubectl(t.Context(), tc.manifest, tc.how...)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: want %q: %v", name, tc.want, err)
		}
	}
}

func shortNames(t *testing.T, c *cluster) {
	for _, short := range []string{"rcres", "rcrole", "rcbind", "rcgroup"} {
		c.kubectl(t, "get", short)
	}
	got := strings.Fields(c.kubectl(t, "get", "rolecall", "-o", "name"))
	slices.Sort(got)
	want := []string{"role.rolecall.dev/editor", "rolebinding.rolecall.dev/editors"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("kubectl get rolecall (-want +got):\n%s", diff)
	}
}
