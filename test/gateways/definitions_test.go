// SPDX-License-Identifier: Apache-2.0

package gateways

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"
)

// definitions are where the projects publish the CustomResourceDefinitions of what the
// configurations hold: modules, and files in them.
var definitions = map[string]string{
	"istio.io/api":                  "kubernetes/customresourcedefinitions.gen.yaml",
	"github.com/envoyproxy/gateway": "charts/gateway-helm/charts/crds/crds/generated/*.yaml",
	"sigs.k8s.io/gateway-api":       "config/crd/standard/*.yaml",
}

// published returns the schemas of all kinds that the projects define.
func published(t *testing.T) map[schema.GroupVersionKind]*apiextensionsv1.JSONSchemaProps {
	t.Helper()
	all := map[schema.GroupVersionKind]*apiextensionsv1.JSONSchemaProps{}
	for module, pattern := range definitions {
		files, err := filepath.Glob(filepath.Join(folder(t, module), pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s has no %s: %v", module, pattern, err)
		}
		for _, file := range files {
			for _, text := range documents(t, file) {
				collect(t, all, text)
			}
		}
	}
	return all
}

// folder returns where a module is that this one requires.
func folder(t *testing.T, module string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", module).Output() //nolint:gosec // one of definitions
	if err != nil {
		t.Fatalf("find %s: %v", module, err)
	}
	return strings.TrimSpace(string(out))
}

// collect takes the schemas of a definition into account. Other objects define nothing.
func collect(t *testing.T, all map[schema.GroupVersionKind]*apiextensionsv1.JSONSchemaProps, text []byte) {
	t.Helper()
	var d apiextensionsv1.CustomResourceDefinition
	if err := yaml.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	for _, v := range d.Spec.Versions {
		if v.Served {
			all[schema.GroupVersionKind{Group: d.Spec.Group, Version: v.Name, Kind: d.Spec.Names.Kind}] = v.Schema.OpenAPIV3Schema
		}
	}
}

// documents returns what is in a file of YAML.
func documents(t *testing.T, file string) [][]byte {
	t.Helper()
	text, err := os.ReadFile(file) //nolint:gosec // a configuration, or a definition
	if err != nil {
		t.Fatal(err)
	}
	var all [][]byte
	decoder := utilyaml.NewDocumentDecoder(io.NopCloser(bytes.NewReader(text)))
	defer func() { _ = decoder.Close() }()
	for {
		buffer := make([]byte, len(text))
		n, err := decoder.Read(buffer)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all = append(all, buffer[:n])
	}
}

// faults says what an API server would refuse of an object when asked to be strict:
// unknown fields, what its schema forbids, and rules that it breaks.
func faults(t *testing.T, published map[schema.GroupVersionKind]*apiextensionsv1.JSONSchemaProps, object *unstructured.Unstructured) []string {
	t.Helper()
	v1 := published[object.GroupVersionKind()]
	if v1 == nil {
		return []string{fmt.Sprintf("nobody defines %s", object.GroupVersionKind())}
	}
	var props apiextensions.JSONSchemaProps
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(v1, &props, nil); err != nil {
		t.Fatal(err)
	}
	structural, err := structuralschema.NewStructural(&props)
	if err != nil {
		t.Fatal(err)
	}
	openAPI, _, err := validation.NewSchemaValidator(&props)
	if err != nil {
		t.Fatal(err)
	}
	content := object.DeepCopy().Object
	var found []string
	for _, path := range pruning.PruneWithOptions(content, structural, true, structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true}) {
		found = append(found, "unknown field "+path)
	}
	defaulting.Default(content, structural)
	for _, err := range validation.ValidateCustomResource(nil, content, openAPI) {
		found = append(found, err.Error())
	}
	rules, _ := cel.NewValidator(structural, true, celconfig.PerCallLimit).Validate(t.Context(), nil, structural, content, nil, celconfig.RuntimeCELCostBudget)
	for _, err := range rules {
		found = append(found, err.Error())
	}
	return found
}
