// SPDX-License-Identifier: Apache-2.0

//go:build chart

package chart

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	podsecurity "k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/config"
)

// elsewhere are the API groups whose types this module does not have; test/monitoring
// holds objects of theirs against the types that their operators publish.
var elsewhere = []string{"cert-manager.io/", "monitoring.coreos.com/"}

// decoder refuses what is no field of the types.
func decoder(t *testing.T) runtime.Decoder {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, apiextensionsv1.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	return serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
}

// TestObjects: what is rendered is what the API server knows, field by field, and
// pods are restricted.
func TestObjects(t *testing.T) {
	strict := decoder(t)
	for _, name := range sets(t) {
		t.Run(name, func(t *testing.T) {
			for key, o := range objects(t, renderSet(t, name)) {
				if slices.ContainsFunc(elsewhere, func(group string) bool { return strings.HasPrefix(o.text("apiVersion"), group) }) {
					continue
				}
				decoded, _, err := strict.Decode(o.json(t), nil, nil)
				if err != nil {
					t.Errorf("%s: %v", key, err)
					continue
				}
				restricted(t, key, decoded)
			}
		})
	}
}

// restricted fails if pods would be refused in a namespace that enforces the
// restricted Pod Security Standard.
func restricted(t *testing.T, key string, o runtime.Object) {
	t.Helper()
	var pod corev1.PodTemplateSpec
	switch o := o.(type) {
	case *appsv1.Deployment:
		pod = o.Spec.Template
	case *corev1.Pod:
		pod = corev1.PodTemplateSpec{ObjectMeta: o.ObjectMeta, Spec: o.Spec}
	default:
		return
	}
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	level := podsecurity.LevelVersion{Level: podsecurity.LevelRestricted, Version: podsecurity.LatestVersion()}
	for _, result := range evaluator.EvaluatePod(level, &pod.ObjectMeta, &pod.Spec) {
		if !result.Allowed {
			t.Errorf("%s: %s: %s", key, result.ForbiddenReason, result.ForbiddenDetail)
		}
	}
}

// TestConfiguration: the server takes the configuration that the chart gives it.
func TestConfiguration(t *testing.T) {
	for _, name := range sets(t) {
		t.Run(name, func(t *testing.T) {
			var found int
			for key, o := range objects(t, renderSet(t, name)) {
				text := o.text("data", "server.yaml")
				if text == "" {
					continue
				}
				found++
				path := filepath.Join(t.TempDir(), "server.yaml")
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				if _, err := config.Load(path); err != nil {
					t.Errorf("%s: %v\n%s", key, err, text)
				}
			}
			if found != 1 {
				t.Errorf("found %d configurations, want 1", found)
			}
		})
	}
}
