// SPDX-License-Identifier: Apache-2.0

package decide

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/expr"
	"github.com/rolecall/rolecall/internal/testkit"
	"github.com/rolecall/rolecall/internal/testkit/corpus"
)

// Cases returns the corpus and the samples.
func Cases(tb testing.TB) []corpus.Case {
	tb.Helper()
	all, err := corpus.Load()
	if err != nil {
		tb.Fatal(err)
	}
	samples, err := corpus.Samples()
	if err != nil {
		tb.Fatal(err)
	}
	return append(all, samples...)
}

// Env returns the environment of conditions.
func Env(tb testing.TB) *expr.Env {
	tb.Helper()
	env, err := expr.NewEnv()
	if err != nil {
		tb.Fatal(err)
	}
	return env
}

// Verify puts checks to a checker.
func Verify(t *testing.T, checker authz.Checker, checks []testkit.Check) {
	t.Helper()
	var d authz.Decision
	for _, check := range checks {
		err := checker.Check(&check.Request, &d)
		if diff := cmp.Diff(check.Want, testkit.Answer(d, err)); diff != "" {
			t.Errorf("%s (-want +got):\n%s%s", check.Name, diff, testkit.FormatRequest(&check.Request))
		}
	}
}
