// SPDX-License-Identifier: Apache-2.0

package gateways

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	egv1alpha1 "github.com/envoyproxy/gateway/api/v1alpha1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	meshv1alpha1 "istio.io/api/mesh/v1alpha1"
	securityv1 "istio.io/api/security/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	gatewayv1beta1 "sigs.k8s.io/gateway-api/apis/v1beta1"
	"sigs.k8s.io/yaml"
)

// configurations are what docs/gateways.md shows.
const configurations = "../../hack/proxies"

// objects returns what is in a configuration, each as YAML and decoded.
func objects(t *testing.T, name string) (texts [][]byte, decoded []*unstructured.Unstructured) {
	t.Helper()
	texts = documents(t, filepath.Join(configurations, name))
	for _, text := range texts {
		o := &unstructured.Unstructured{}
		j, err := yaml.YAMLToJSONStrict(text)
		if err == nil {
			err = o.UnmarshalJSON(j)
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		decoded = append(decoded, o)
	}
	return texts, decoded
}

// TestDefinitions: an API server that knows the projects' definitions takes the
// objects as they are.
func TestDefinitions(t *testing.T) {
	t.Parallel()
	published := published(t)
	for _, name := range []string{"istio.yaml", "envoy-gateway.yaml"} {
		_, all := objects(t, name)
		for _, o := range all {
			for _, fault := range faults(t, published, o) {
				t.Errorf("%s: %s: %s", name, o.GetKind(), fault)
			}
		}
	}
}

// TestTheDefinitionsRefuse what is misspelt, misplaced or contradictory: each change
// of a configuration has a fault that says so.
func TestTheDefinitionsRefuse(t *testing.T) {
	t.Parallel()
	published := published(t)
	tests := map[string]struct {
		file  string
		path  []string
		value any
		want  string
	}{
		"an unknown field of Istio's":         {"istio.yaml", []string{"spec", "providers"}, map[string]any{"name": "rolecall"}, "unknown field spec.providers"},
		"an action that there is not":         {"istio.yaml", []string{"spec", "action"}, "ASK", "spec.action"},
		"an unknown field of Envoy Gateway's": {"envoy-gateway.yaml", []string{"spec", "extAuth", "grpc", "backends"}, map[string]any{"name": "rolecall"}, "unknown field spec.extAuth.grpc.backends"},
		"two protocols":                       {"envoy-gateway.yaml", []string{"spec", "extAuth", "http"}, map[string]any{"backendRefs": []any{map[string]any{"name": "rolecall"}}}, "only one of grpc or http can be specified"},
		"a duration that is none":             {"envoy-gateway.yaml", []string{"spec", "extAuth", "timeout"}, "0.2s", "spec.extAuth.timeout"},
		"a status that is none":               {"envoy-gateway.yaml", []string{"spec", "extAuth", "statusOnError"}, int64(200), "spec.extAuth.statusOnError"},
		"another kind of backend":             {"envoy-gateway.yaml", []string{"spec", "extAuth", "grpc", "backendRefs"}, []any{map[string]any{"name": "rolecall", "kind": "Pod", "port": int64(9090)}}, "BackendRefs only supports"},
		"a version that there is not":         {"istio.yaml", []string{"apiVersion"}, "security.istio.io/v2", "nobody defines"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, all := objects(t, tt.file)
			o := all[0]
			if err := unstructured.SetNestedField(o.Object, tt.value, tt.path...); err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(faults(t, published, o), "\n"); !strings.Contains(got, tt.want) {
				t.Errorf("faults:\n%s\nwant one with %q", got, tt.want)
			}
		})
	}
}

// TestIstio: the mesh knows the provider that the policy names, and waits for it as
// long as Envoy would.
func TestIstio(t *testing.T) {
	t.Parallel()
	mesh, policy := &meshv1alpha1.MeshConfig{}, &securityv1.AuthorizationPolicy{}
	into(t, documents(t, filepath.Join(configurations, "istio-mesh.yaml"))[0], mesh)
	_, all := objects(t, "istio.yaml")
	spec, err := yaml.Marshal(all[0].Object["spec"])
	if err != nil {
		t.Fatal(err)
	}
	into(t, spec, policy)
	provider := mesh.GetExtensionProviders()[0]
	if provider.GetName() != policy.GetProvider().GetName() || policy.GetAction() != securityv1.AuthorizationPolicy_CUSTOM {
		t.Errorf("the mesh has %q, and the policy is %v", provider.GetName(), policy)
	}
	if ext := provider.GetEnvoyExtAuthzGrpc(); ext.GetPort() != 9090 || ext.GetTimeout().AsDuration() != envoyTimeout || ext.GetFailOpen() || ext.GetStatusOnError() != "503" {
		t.Errorf("the provider is %v", ext)
	}
	if err := protojson.Unmarshal([]byte(`{"extensionProviders": [{"name": "rolecall", "envoyExtAuthzGRPC": {}}]}`), mesh); err == nil {
		t.Error("a misspelt provider is one")
	}
}

// envoyTimeout is how long Envoy waits unless it is told otherwise.
const envoyTimeout = 200 * time.Millisecond

// into decodes YAML into a message, which must have every field.
func into(t *testing.T, text []byte, m proto.Message) {
	t.Helper()
	j, err := yaml.YAMLToJSONStrict(text)
	if err != nil {
		t.Fatal(err)
	}
	if err := protojson.Unmarshal(j, m); err != nil {
		t.Fatal(err)
	}
}

// TestEnvoyGateway: the policy's types have every field of it, and the grant lets just
// this policy's namespace name just this Service.
func TestEnvoyGateway(t *testing.T) {
	t.Parallel()
	texts, _ := objects(t, "envoy-gateway.yaml")
	var policy egv1alpha1.SecurityPolicy
	var grant gatewayv1beta1.ReferenceGrant
	for i, o := range []any{&policy, &grant} {
		if err := yaml.UnmarshalStrict(texts[i], o); err != nil {
			t.Fatal(err)
		}
	}
	auth := policy.Spec.ExtAuth
	if d, err := time.ParseDuration(string(*auth.Timeout)); err != nil || d != envoyTimeout || *auth.FailOpen || *auth.StatusOnError != 503 {
		t.Errorf("the policy says %v", auth)
	}
	if e := auth.ContextExtensions[0]; e.Name != "rolecall-namespace" || *e.Value != policy.Namespace {
		t.Errorf("the policy of %q asks with %v", policy.Namespace, e)
	}
	service, from, to := auth.GRPC.BackendRefs[0], grant.Spec.From[0], grant.Spec.To[0]
	if string(*service.Namespace) != grant.Namespace || service.Name != *to.Name || to.Kind != "Service" ||
		string(from.Namespace) != policy.Namespace || string(from.Kind) != policy.Kind || string(from.Group) != policy.GroupVersionKind().Group {
		t.Errorf("the policy names %v, and the grant of %q is %v to %v", service, grant.Namespace, from, to)
	}
}
