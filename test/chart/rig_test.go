// SPDX-License-Identifier: Apache-2.0

//go:build chart

package chart

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

const (
	root = "../.."
	// release and namespace are those of the documentation.
	release   = "rolecall"
	namespace = "rolecall-system"
)

var chart = filepath.Join(root, "charts/rolecall")

// program returns the path in an environment variable, which hack/chart/test.sh sets.
func program(t *testing.T, variable string) string {
	t.Helper()
	path := os.Getenv(variable)
	if path == "" {
		t.Fatalf("%s is not set: run make test-chart", variable)
	}
	return path
}

// run runs a program and returns what it writes to its outputs.
func run(t *testing.T, name string, arguments ...string) (stdout, stderr string, err error) {
	t.Helper()
	var out, faults bytes.Buffer
	command := exec.CommandContext(t.Context(), name, arguments...)
	// Neither a cluster nor settings of whoever runs the tests matter.
	command.Env = append(os.Environ(), "KUBECONFIG=/dev/null", "HELM_NAMESPACE=", "HELM_KUBECONTEXT=")
	command.Stdout, command.Stderr = &out, &faults
	err = command.Run()
	return out.String(), faults.String(), err
}

// render returns what the chart makes of values.
func render(t *testing.T, arguments ...string) string {
	t.Helper()
	out, faults, err := run(t, program(t, "HELM"), append([]string{"template", release, chart, "-n", namespace}, arguments...)...)
	if err != nil {
		t.Fatalf("helm template %s: %v\n%s", strings.Join(arguments, " "), err, faults)
	}
	return out
}

// object is one of a rendering.
type object map[string]any

// at returns what stands at the path, or nil.
func (o object) at(path ...string) any {
	var here any = map[string]any(o)
	for _, step := range path {
		fields, ok := here.(map[string]any)
		if !ok {
			return nil
		}
		here = fields[step]
	}
	return here
}

// text returns the string at the path, or "".
func (o object) text(path ...string) string {
	s, _ := o.at(path...).(string)
	return s
}

// in returns the fields at the path, or nil.
func (o object) in(path ...string) map[string]any {
	fields, _ := o.at(path...).(map[string]any)
	return fields
}

// key tells the objects of a rendering apart: `apps/v1 Deployment rolecall-system/rolecall`.
func (o object) key() string {
	return o.text("apiVersion") + " " + o.text("kind") + " " + o.text("metadata", "namespace") + "/" + o.text("metadata", "name")
}

// documents returns the texts of the objects in a stream.
func documents(stream string) []string {
	var all []string
	for document := range strings.SplitSeq("\n"+stream, "\n---\n") {
		if strings.Trim(document, "\n") != "" {
			all = append(all, document)
		}
	}
	return all
}

// objects returns the objects in a stream by kind, namespace and name. One that comes
// twice fails the test: the second would overwrite the first.
func objects(t *testing.T, stream string) map[string]object {
	t.Helper()
	all := map[string]object{}
	for _, document := range documents(stream) {
		var o object
		if err := yaml.UnmarshalStrict([]byte(document), &o); err != nil {
			t.Fatalf("%v in\n%s", err, document)
		}
		if o == nil {
			continue
		}
		if all[o.key()] != nil {
			t.Errorf("%s is there twice", o.key())
		}
		all[o.key()] = o
	}
	return all
}

// json returns the object as the API server would be sent it.
func (o object) json(t *testing.T) []byte {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
