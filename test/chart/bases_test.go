// SPDX-License-Identifier: Apache-2.0

//go:build chart

package chart

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// kustomize returns what a base below config/ gives.
func kustomize(t *testing.T, base string) string {
	t.Helper()
	out, faults, err := run(t, program(t, "KUBECTL"), "kustomize", filepath.Join(root, "config", base))
	if err != nil {
		t.Fatalf("kubectl kustomize config/%s: %v\n%s", base, err, faults)
	}
	return out
}

// TestBases: config/default gives what the chart gives by default. What differs is
// here, and says why.
func TestBases(t *testing.T) {
	fromChart, fromBase := objects(t, render(t, "--no-hooks")), objects(t, kustomize(t, "default"))
	// Helm makes the namespace itself, if it is told to.
	delete(fromBase, "v1 Namespace /rolecall-system")
	for key, o := range fromBase {
		// Kustomize tells pods of a changed configuration by a name that changes with it,
		// the chart by an annotation.
		if hash, found := strings.CutPrefix(o.text("metadata", "name"), "rolecall-server-"); found && o.text("kind") == "ConfigMap" && len(hash) == 10 {
			delete(fromBase, key)
			o.in("metadata")["name"] = "rolecall-server"
			fromBase[o.key()] = o
		}
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(fromBase)), slices.Sorted(maps.Keys(fromChart))); diff != "" {
		t.Errorf("config/default and the chart give different objects (-config/default +chart):\n%s", diff)
	}
	for key, want := range fromBase {
		got := fromChart[key]
		if got == nil {
			continue
		}
		alike(t, want)
		alike(t, got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-config/default +chart):\n%s", key, diff)
		}
	}
}

// alike takes away from an object what differs on purpose.
func alike(t *testing.T, o object) {
	t.Helper()
	for _, metadata := range []map[string]any{o.in("metadata"), o.in("spec", "template", "metadata")} {
		if labels, ok := metadata["labels"].(map[string]any); ok {
			// What Helm's conventions ask for, and nobody else.
			for _, name := range []string{"helm.sh/chart", "app.kubernetes.io/managed-by", "app.kubernetes.io/version"} {
				delete(labels, name)
			}
		}
		if annotations, ok := metadata["annotations"].(map[string]any); ok {
			delete(annotations, "checksum/configuration")
			// What only Helm reads.
			delete(annotations, "helm.sh/resource-policy")
			if len(annotations) == 0 {
				delete(metadata, "annotations")
			}
		}
	}
	if volumes, ok := o.at("spec", "template", "spec", "volumes").([]any); ok && o.text("kind") == "Deployment" {
		configuration, _ := object(volumes[0].(map[string]any)).at("configMap").(map[string]any)
		configuration["name"] = "rolecall-server"
	}
	if file := o.text("data", "server.yaml"); file != "" {
		// Comments and the order of fields are for readers.
		var parsed map[string]any
		if err := yaml.UnmarshalStrict([]byte(file), &parsed); err != nil {
			t.Fatal(err)
		}
		o.in("data")["server.yaml"] = parsed
	}
}

// TestCRDs: the chart installs the CustomResourceDefinitions as they are generated.
func TestCRDs(t *testing.T) {
	const kept = "helm.sh/resource-policy"
	for name, test := range map[string]struct {
		values []string
		keep   any
	}{
		"kept":                  {keep: "keep"},
		"not kept":              {values: []string{"--set", "crds.keep=false"}},
		"with labels of theirs": {values: []string{"--set", "commonAnnotations.a=b,commonLabels.c=d"}, keep: "keep"},
	} {
		t.Run(name, func(t *testing.T) {
			rendered := objects(t, render(t, test.values...))
			paths, err := filepath.Glob(filepath.Join(root, "config/crd/bases/*.yaml"))
			if err != nil || len(paths) != 4 {
				t.Fatalf("found %d CustomResourceDefinitions, want 4: %v", len(paths), err)
			}
			for _, path := range paths {
				text, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				for key, want := range objects(t, strings.TrimPrefix(string(text), "# SPDX-License-Identifier: Apache-2.0\n")) {
					got := rendered[key]
					if diff := cmp.Diff(want["spec"], got["spec"]); diff != "" {
						t.Errorf("%s (-config +chart):\n%s", key, diff)
					}
					annotations := got.in("metadata", "annotations")
					if annotations[kept] != test.keep {
						t.Errorf("%s: %s is %v, want %v", key, kept, annotations[kept], test.keep)
					}
					if version := "controller-gen.kubebuilder.io/version"; annotations[version] != want.in("metadata", "annotations")[version] {
						t.Errorf("%s: the annotation %s is lost: %v", key, version, annotations)
					}
				}
			}
		})
	}
	for key := range objects(t, render(t, "--set", "crds.enabled=false")) {
		if strings.Contains(key, "CustomResourceDefinition") {
			t.Errorf("with crds.enabled=false there is %s", key)
		}
	}
}

// TestRights: the operator has no right on Secrets, ConfigMaps and webhooks where it
// makes no certificate.
func TestRights(t *testing.T) {
	for name, test := range map[string]struct {
		values []string
		want   []string
	}{
		"generated":    {want: []string{"configmaps", "secrets", "validatingwebhookconfigurations"}},
		"no webhook":   {values: []string{"--set", "admission.webhook.enabled=false"}, want: []string{"configmaps", "secrets"}},
		"cert-manager": {values: []string{"--set", "tls.source=CertManager,tls.certManager.issuerRef.name=a"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			rendered := objects(t, render(t, test.values...))
			for _, key := range []string{"ClusterRole /rolecall", "Role rolecall-system/rolecall"} {
				rules, _ := rendered["rbac.authorization.k8s.io/v1 "+key]["rules"].([]any)
				for _, rule := range byText(t, rules) {
					for _, resource := range []string{"configmaps", "secrets", "validatingwebhookconfigurations"} {
						if strings.Contains(rule, resource) && !slices.Contains(got, resource) {
							got = append(got, resource)
						}
					}
				}
			}
			slices.Sort(got)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("rights about (-want +got):\n%s", diff)
			}
		})
	}
}

// TestWatchNamespaces: rights in namespaces together with those that are about no
// namespace are the rights for everywhere, no more and no less.
func TestWatchNamespaces(t *testing.T) {
	everywhere := objects(t, render(t))
	some := objects(t, render(t, "--set", "watchNamespaces={shop,editor}"))
	cluster := "rbac.authorization.k8s.io/v1 ClusterRole /rolecall"
	rest, _ := some[cluster]["rules"].([]any)
	for _, namespace := range []string{"shop", "editor"} {
		role := some["rbac.authorization.k8s.io/v1 Role "+namespace+"/rolecall-watch"]
		rules, _ := role["rules"].([]any)
		all := slices.Concat(rest, rules)
		want, _ := everywhere[cluster]["rules"].([]any)
		if diff := cmp.Diff(byText(t, want), byText(t, all)); diff != "" {
			t.Errorf("%s (-everywhere +there):\n%s", namespace, diff)
		}
	}
	for _, rule := range rest {
		if text := byText(t, []any{rule})[0]; strings.Contains(text, "rolecall.dev") || strings.Contains(text, "events") {
			t.Errorf("may do everywhere what is asked for in two namespaces only: %s", text)
		}
	}
}

// byText returns rules as text, sorted.
func byText(t *testing.T, rules []any) []string {
	t.Helper()
	all := make([]string, len(rules))
	for i, rule := range rules {
		all[i] = string(object(rule.(map[string]any)).json(t))
	}
	slices.Sort(all)
	return all
}
