// SPDX-License-Identifier: Apache-2.0

package decide_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/compile"
	"github.com/rolecall/rolecall/internal/testkit"
	"github.com/rolecall/rolecall/internal/testkit/corpus"
	"github.com/rolecall/rolecall/internal/testkit/decide"
)

// TestCorpus puts the cases to what decides within the process.
func TestCorpus(t *testing.T) {
	t.Parallel()
	env := decide.Env(t)
	programs := decide.NewPrograms(env)
	compiler := compile.New(env)
	for name, checkerOf := range map[string]func(c *corpus.Case) authz.Checker{
		"compiled snapshot": func(c *corpus.Case) authz.Checker { return decide.Snapshot(compiler, c.Objects) },
		"oracle":            func(c *corpus.Case) authz.Checker { return decide.Checker{decide.Oracle(programs, c.Objects)} },
	} {
		for _, c := range decide.Cases(t) {
			if c.Undecided && name == "oracle" {
				continue
			}
			t.Run(name+"/"+c.Name, func(t *testing.T) {
				t.Parallel()
				decide.Verify(t, checkerOf(&c), c.Checks)
			})
		}
	}
}

// TestFaults compares what the compiler and the linker report with what the
// cases expect.
func TestFaults(t *testing.T) {
	t.Parallel()
	compiler := compile.New(decide.Env(t))
	for _, c := range decide.Cases(t) {
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
