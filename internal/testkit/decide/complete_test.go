// SPDX-License-Identifier: Apache-2.0

package decide_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/config/samples"
	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/testkit/corpus"
	"github.com/rolecall/rolecall/internal/testkit/decide"
)

// TestEveryReasonHasACase: of a decision, and of a condition or a warning.
func TestEveryReasonHasACase(t *testing.T) {
	t.Parallel()
	decided, reported := map[string]bool{}, map[string]bool{}
	for _, c := range decide.Cases(t) {
		for _, check := range c.Checks {
			decided[check.Want.Reason] = true
		}
		addReported(reported, c)
	}
	for _, r := range authz.Reasons() {
		if !decided[r.String()] {
			t.Errorf("no check of the corpus is decided as %s", r)
		}
	}
	for _, reason := range faultReasons(t) {
		if !reported[reason] {
			t.Errorf("no object of the corpus has the fault %s", reason)
		}
	}
}

// TestBrokenHasEveryFault: the sample promises it. What the schema refuses, and
// so only an old object can hold, is another sample.
func TestBrokenHasEveryFault(t *testing.T) {
	t.Parallel()
	broken, err := corpus.Sample(samples.Broken)
	if err != nil {
		t.Fatal(err)
	}
	reported := map[string]bool{v1alpha1.ReasonInvalidSpec: true}
	addReported(reported, broken)
	for _, reason := range faultReasons(t) {
		if !reported[reason] {
			t.Errorf("the sample has no fault %s", reason)
		}
	}
}

func addReported(reported map[string]bool, c corpus.Case) {
	for _, w := range c.Conditions {
		reported[w.Accepted], reported[w.ResolvedRefs] = true, true
		for _, warning := range w.Warnings {
			reported[warning] = true
		}
	}
}

// faultReasons returns the API's constants that name a fault.
func faultReasons(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../../api/v1alpha1/conditions.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	fine := map[string]bool{v1alpha1.ReasonAccepted: true, v1alpha1.ReasonResolvedRefs: true, v1alpha1.ReasonReady: true}
	var reasons []string
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || strings.HasPrefix(spec.Names[0].Name, "Condition") {
			return true
		}
		literal, ok := spec.Values[0].(*ast.BasicLit)
		if !ok {
			return true
		}
		if reason, err := strconv.Unquote(literal.Value); err == nil && !fine[reason] {
			reasons = append(reasons, reason)
		}
		return true
	})
	if len(reasons) < 10 {
		t.Fatalf("found only the reasons %v", reasons)
	}
	return reasons
}
