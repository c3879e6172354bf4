// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/compile"
	"github.com/rolecall/rolecall/internal/testkit"
	"github.com/rolecall/rolecall/internal/testkit/corpus"
)

// cases returns the corpus and the samples.
func cases(tb testing.TB) []corpus.Case {
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

// TestCorpus puts the cases to what decides within the process.
func TestCorpus(t *testing.T) {
	t.Parallel()
	env := newEnv(t)
	programs := &programs{env: env}
	compiler := compile.New(env)
	for name, checkerOf := range map[string]func(c *corpus.Case) authz.Checker{
		"compiled snapshot": func(c *corpus.Case) authz.Checker { return snapshotOf(compiler, c.Objects) },
		"oracle":            func(c *corpus.Case) authz.Checker { return checker{oracleOf(programs, c.Objects)} },
	} {
		for _, c := range cases(t) {
			if c.Invalid && name == "oracle" {
				continue // it is about objects that the schema accepts
			}
			t.Run(name+"/"+c.Name, func(t *testing.T) {
				t.Parallel()
				verify(t, checkerOf(&c), c.Checks)
			})
		}
	}
}

func verify(t *testing.T, checker authz.Checker, checks []testkit.Check) {
	t.Helper()
	var d authz.Decision
	for _, check := range checks {
		err := checker.Check(&check.Request, &d)
		if diff := cmp.Diff(check.Want, testkit.Answer(d, err)); diff != "" {
			t.Errorf("%s (-want +got):\n%s%s", check.Name, diff, testkit.FormatRequest(&check.Request))
		}
	}
}

// TestFaults compares what the compiler and the linker report with what the
// cases expect.
func TestFaults(t *testing.T) {
	t.Parallel()
	compiler := compile.New(newEnv(t))
	for _, c := range cases(t) {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			for i, faults := range compiler.Diagnose(testkit.MetaObjects(c.Objects)) {
				name := testkit.Name(c.Objects[i])
				want := c.Conditions[name]
				got := testkit.FromFaults(faults)
				if unsaid := want.Unsaid(faults.Message(1024)); len(unsaid) > 0 {
					t.Errorf("%s does not say %q but\n%s", name, unsaid, faults.Message(1024))
				}
				got.Says = want.Says
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s%s", name, diff, faults.Message(1024))
				}
			}
		})
	}
}
