// SPDX-License-Identifier: Apache-2.0

package monitoring

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// golden returns the texts of the objects that a set of values makes, which test/chart
// renders, by kind and name.
func golden(t *testing.T, set string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../chart/testdata/golden", set+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for document := range strings.SplitSeq("\n"+string(text), "\n---\n") {
		var head struct {
			Kind     string `json:"kind"`
			Metadata struct {
				Name string `json:"name"`
			} `json:"metadata"`
		}
		if err := yaml.Unmarshal([]byte(document), &head); err != nil {
			t.Fatal(err)
		}
		all[head.Kind+" "+head.Metadata.Name] = document
	}
	return all
}

// decode decodes an object as the API server does if it is told to be strict: a field
// that its type does not have, in upper and lower case too, fails the test, and so does
// one that is there twice.
func decode(t *testing.T, text string, into any) {
	t.Helper()
	if text == "" {
		t.Fatal("there is no such object")
	}
	object, err := yaml.YAMLToJSONStrict([]byte(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	faults, err := json.UnmarshalStrict(object, into)
	if err != nil || len(faults) > 0 {
		t.Fatalf("%v %v in\n%s", err, faults, text)
	}
}
