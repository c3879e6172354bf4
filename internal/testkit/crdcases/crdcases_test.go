// SPDX-License-Identifier: Apache-2.0

package crdcases_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/rolecall/rolecall/internal/testkit/crdcases"
)

// TestEveryBoundHasCases is what makes the table complete: a rule or a limit
// that comes into a CRD without a case fails here.
func TestEveryBoundHasCases(t *testing.T) {
	cases := load(t)
	for _, crd := range readCRDs(t) {
		for _, version := range crd.Spec.Versions {
			for _, bound := range crdcases.Bounds(version) {
				name := crd.Spec.Names.Kind + " " + bound.String()
				checkBound(t, name, bound, cases[crd.Spec.Names.Kind])
			}
		}
	}
}

func checkBound(t *testing.T, name string, bound crdcases.Bound, cases []crdcases.Case) {
	t.Helper()
	if bound.Message == "" {
		t.Errorf("%s: the rule has no message", name)
		return
	}
	if !refuses(cases, bound) {
		t.Errorf("%s: no case is refused by it", name)
	}
	if bound.Limit >= 0 && !reaches(cases, bound) {
		t.Errorf("%s: no accepted case is at the limit", name)
	}
	for _, value := range bound.Values {
		if !holds(cases, bound.Path, value) {
			t.Errorf("%s: no accepted case has the value %s", name, value)
		}
	}
}

func refuses(cases []crdcases.Case, bound crdcases.Bound) bool {
	for _, c := range cases {
		if slices.ContainsFunc(c.Refused, bound.Covers) {
			return true
		}
	}
	return false
}

// reaches says whether an accepted case has a text, a list or an object of exactly the
// size of the limit; ids in the cases are ASCII where they are at a limit.
func reaches(cases []crdcases.Case, bound crdcases.Bound) bool {
	for _, value := range accepted(cases, bound.Path) {
		switch value := value.(type) {
		case string:
			if int64(len(value)) == bound.Limit {
				return true
			}
		case []any:
			if int64(len(value)) == bound.Limit {
				return true
			}
		case map[string]any:
			if int64(len(value)) == bound.Limit {
				return true
			}
		}
	}
	return false
}

func holds(cases []crdcases.Case, path, value string) bool {
	for _, v := range accepted(cases, path) {
		if text, err := json.Marshal(v); err == nil && string(text) == value {
			return true
		}
	}
	return false
}

// accepted returns the values that accepted objects have at the path.
func accepted(cases []crdcases.Case, path string) []any {
	var values []any
	for _, c := range cases {
		if len(c.Refused) == 0 {
			values = append(values, at(c.Object.Object, strings.Split(path, "."))...)
		}
	}
	return values
}

func at(value any, path []string) []any {
	if len(path) == 0 {
		return []any{value}
	}
	object, ok := value.(map[string]any)
	if !ok {
		return nil
	}
	name, isList := strings.CutSuffix(path[0], "[]")
	child, ok := object[name]
	if !ok {
		return nil
	}
	if !isList {
		return at(child, path[1:])
	}
	var values []any
	items, _ := child.([]any)
	for _, item := range items {
		values = append(values, at(item, path[1:])...)
	}
	return values
}

// TestEachCaseIsOneObject guards the table itself: an update is of the same
// object, and a patch did something.
func TestEachCaseIsOneObject(t *testing.T) {
	for kind, cases := range load(t) {
		base := cases[0]
		for _, c := range cases[1:] {
			if c.Object.GetName() != base.Object.GetName() {
				t.Errorf("%s: %s: is called %q, want the base's name %q", kind, c.Name, c.Object.GetName(), base.Object.GetName())
			}
			if c.Before == nil && same(c.Object, base.Object) {
				t.Errorf("%s: %s: is the base object", kind, c.Name)
			}
			if c.Before != nil && same(c.Object, c.Before) {
				t.Errorf("%s: %s: the update changes nothing", kind, c.Name)
			}
		}
	}
}

func same(a, b *unstructured.Unstructured) bool {
	x, errX := a.MarshalJSON()
	y, errY := b.MarshalJSON()
	return errX == nil && errY == nil && string(x) == string(y)
}

func load(t *testing.T) map[string][]crdcases.Case {
	t.Helper()
	all, err := crdcases.Load()
	if err != nil {
		t.Fatal(err)
	}
	byKind := map[string][]crdcases.Case{}
	for _, c := range all {
		byKind[c.Kind()] = append(byKind[c.Kind()], c)
	}
	return byKind
}

func readCRDs(t *testing.T) []apiextensionsv1.CustomResourceDefinition {
	t.Helper()
	names, err := filepath.Glob("../../../config/crd/bases/*.yaml")
	if err != nil || len(names) == 0 {
		t.Fatalf("no CRDs in config/crd/bases: %v", err)
	}
	var crds []apiextensionsv1.CustomResourceDefinition
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var crd apiextensionsv1.CustomResourceDefinition
		if err := yaml.UnmarshalStrict(text, &crd); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		crds = append(crds, crd)
	}
	return crds
}
