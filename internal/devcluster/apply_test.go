// SPDX-License-Identifier: Apache-2.0

package devcluster_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"

	"github.com/rolecall/rolecall/internal/devcluster"
	"github.com/rolecall/rolecall/internal/devcluster/devclustertest"
)

const apiVersion = "apiVersion: rolecall.dev/v1alpha1\n"

// folder writes files, by path.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestApplyDir(t *testing.T) {
	namespace := devclustertest.Namespace(t)
	config := devclustertest.Start(t)
	dir := folder(t, map[string]string{
		"a.yaml": "# Two roles.\n---\n" + apiVersion + "kind: Role\nmetadata: {name: apply-a}\nspec: {id: a}\n---\n" +
			apiVersion + "kind: Role\nmetadata: {name: apply-b, namespace: " + namespace + "}\nspec: {}\n---\n# and nothing\n",
		"sub/c.json":         `{"apiVersion":"rolecall.dev/v1alpha1","kind":"Role","metadata":{"name":"apply-c"},"spec":{}}`,
		"kustomization.yaml": "resources: [a.yaml]\n",
		"README.md":          "not a manifest",
	})
	for range 2 { // applying again changes nothing
		applied, err := devcluster.ApplyDir(t.Context(), config, dir)
		if err != nil || applied != 3 {
			t.Fatalf("applied %d, error %v; want 3", applied, err)
		}
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	for name, in := range map[string]string{"apply-a": "default", "apply-b": namespace, "apply-c": "default"} {
		got, err := client.Resource(roles).Namespace(in).Get(t.Context(), name, metav1.GetOptions{})
		if err != nil {
			t.Error(err)
			continue
		}
		if managers := got.GetManagedFields(); len(managers) != 1 || managers[0].Manager != devcluster.FieldManager {
			t.Errorf("%s is managed by %v, want %s", name, managers, devcluster.FieldManager)
		}
	}
}

func TestApplyErrorsSayWhere(t *testing.T) {
	tests := map[string]struct {
		files map[string]string
		want  []string
	}{
		"a refusal names file, document, kind and name": {
			files: map[string]string{"bad.yaml": apiVersion + "kind: Role\nmetadata: {name: fine}\nspec: {}\n---\n" +
				apiVersion + "kind: Role\nmetadata: {name: bad}\nspec: {assertable: 3}\n"},
			want: []string{"bad.yaml, document 2 (Role bad)", "assertable"},
		},
		"an unknown field is refused": {
			files: map[string]string{"typo.yaml": apiVersion + "kind: Role\nmetadata: {name: typo}\nspec: {inherit: [a]}\n"},
			want:  []string{"typo.yaml (Role typo)", "inherit"},
		},
		"a kind that nobody defines": {
			files: map[string]string{"pod.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\n"},
			want:  []string{"pod.yaml (Pod web)", "no CRD", "kind Pod in v1"},
		},
		"a document without a kind": {
			files: map[string]string{"values.yaml": apiVersion + "replicas: 3\n"},
			want:  []string{"values.yaml", "kind: required"},
		},
		"a document without a version": {
			files: map[string]string{"role.yaml": "kind: Role\nmetadata: {name: a}\n"},
			want:  []string{"role.yaml", "apiVersion: required"},
		},
		"an object without a name": {
			files: map[string]string{"role.yaml": apiVersion + "kind: Role\nspec: {}\n"},
			want:  []string{"role.yaml", "metadata.name: required"},
		},
		"a key that is given twice": {
			files: map[string]string{"role.yaml": apiVersion + "kind: Role\nmetadata: {name: a}\nspec: {id: a, id: b}\n"},
			want:  []string{"role.yaml", `"id"`, "already set"},
		},
		"text that is no YAML": {
			files: map[string]string{"role.yaml": "{kind: Role"},
			want:  []string{"role.yaml"},
		},
		"every fault at once": {
			files: map[string]string{"a.yaml": "kind: Role\n", "b.yaml": apiVersion},
			want:  []string{"a.yaml", "b.yaml"},
		},
		"a folder without manifests": {
			files: map[string]string{"README.md": "nothing here"},
			want:  []string{"no manifests"},
		},
	}
	config := devclustertest.Start(t)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := devcluster.ApplyDir(t.Context(), config, folder(t, tt.files))
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
		})
	}
}

func TestApplyGoesOnAfterARefusal(t *testing.T) {
	dir := folder(t, map[string]string{
		"a.yaml": apiVersion + "kind: Role\nmetadata: {name: goes-on-a}\nspec: {assertable: 3}\n",
		"b.yaml": apiVersion + "kind: Role\nmetadata: {name: goes-on-b}\nspec: {}\n",
	})
	applied, err := devcluster.ApplyDir(t.Context(), devclustertest.Start(t), dir)
	if err == nil || applied != 1 {
		t.Errorf("applied %d, error %v; want 1 and an error", applied, err)
	}
}

func TestApplyDirOfNoFolder(t *testing.T) {
	file := filepath.Join(folder(t, map[string]string{"a.yaml": ""}), "a.yaml")
	for _, dir := range []string{file, filepath.Join(file, "nowhere")} {
		if _, err := devcluster.ApplyDir(t.Context(), devclustertest.Start(t), dir); err == nil || !strings.Contains(err.Error(), dir) {
			t.Errorf("apply %s: %v, want an error that names it", dir, err)
		}
	}
}

const crdHead = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: clashes.example.com}
spec:
  group: example.com
  scope: Cluster
  names: {plural: clashes, singular: clash, kind: Clash}
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object`

func TestInstallCRDsErrors(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"what is no CRD":                 {text: apiVersion + "kind: Role\nmetadata: {name: a}\n", want: `kind is "Role"`},
		"what the API server refuses":    {text: crdHead + ", properties: {a: {type: strung}}}}}\n", want: "strung"},
		"what is no CRD of this version": {text: strings.Replace(crdHead, "served: true", "served: often", 1) + "}}}\n", want: "decode"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			fsys := fstest.MapFS{"crd.yaml": {Data: []byte(tt.text)}}
			err := devcluster.InstallCRDs(t.Context(), devclustertest.Start(t), fsys)
			if err == nil || !strings.Contains(err.Error(), "crd.yaml") || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want one that says crd.yaml and %q", err, tt.want)
			}
		})
	}
}

func TestReadManifestsSaysWhere(t *testing.T) {
	got, err := devcluster.ReadManifests(fstest.MapFS{
		"two.yml":  {Data: []byte("---\n" + apiVersion + "kind: Role\nmetadata: {name: a}\n---\n" + apiVersion + "kind: Role\nmetadata: {name: b}\n")},
		"one.yaml": {Data: []byte(apiVersion + "kind: Role\nmetadata: {name: c}\n")},
	})
	if err != nil {
		t.Fatal(err)
	}
	var places []string
	for _, m := range got {
		places = append(places, m.Where+": "+m.Object.GetName())
	}
	want := []string{"one.yaml: c", "two.yml, document 1: a", "two.yml, document 2: b"}
	if diff := cmp.Diff(want, places); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
