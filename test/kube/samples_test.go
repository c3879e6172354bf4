// SPDX-License-Identifier: Apache-2.0

//go:build kube

package kube

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	yamlstream "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"github.com/rolecall/rolecall/internal/testkit/crdcases"
)

// samples is where the samples are.
var samples = filepath.Join(root, "config/samples")

// refusedSample puts each object of the sample of what is refused to the server
// by itself, and then the file to kubectl, which must leave nothing behind.
func refusedSample(t *testing.T, c *cluster) {
	c.kubectl(t, "create", "namespace", "refused")
	var want struct {
		Refused map[string]string `json:"refused"`
	}
	readYAML(t, filepath.Join(samples, "checks/broken-refused.yaml"), &want)
	file := filepath.Join(samples, "broken-refused/objects.yaml")
	objects := readObjects(t, file)
	if len(objects) != len(want.Refused) {
		t.Errorf("%d objects, but %d refusals", len(objects), len(want.Refused))
	}
	for _, object := range objects {
		name := object.GetKind() + "/" + object.GetName()
		field, message, _ := strings.Cut(want.Refused[name], ": ")
		tc := crdcases.Case{Object: object, Refused: []crdcases.Refusal{{Field: field, Message: message}}}
		object.SetNamespace("refused")
		if err := tc.Mentions(c.client.Create(t.Context(), object)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := c.tryKubectl(t.Context(), "", "apply", "-n", "refused", "-f", file); err == nil {
		t.Error("kubectl apply took the file")
	}
	if out := c.kubectl(t, "get", "rolecall", "-n", "refused", "-o", "name"); out != "" {
		t.Errorf("kubectl apply created some of it: %s", out)
	}
}

func readYAML(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

func readObjects(t *testing.T, file string) []*unstructured.Unstructured {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	decoder := yamlstream.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096)
	var objects []*unstructured.Unstructured
	for {
		object := &unstructured.Unstructured{}
		if err := decoder.Decode(object); errors.Is(err, io.EOF) {
			return objects
		} else if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if len(object.Object) > 0 {
			objects = append(objects, object)
		}
	}
}
