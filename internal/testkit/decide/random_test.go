// SPDX-License-Identifier: Apache-2.0

package decide_test

import (
	"flag"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/compile"
	"github.com/rolecall/rolecall/internal/testkit"
	"github.com/rolecall/rolecall/internal/testkit/decide"
	"github.com/rolecall/rolecall/internal/testkit/random"
)

var (
	decisions = flag.Int("decisions", 40_000, "how many random decisions TestRandom compares with the oracle")
	seed      = flag.Uint64("seed", 1, "the seed of the first random policy; each further one has the next")
)

const (
	// perPolicy is how many requests are put to one random policy.
	perPolicy = 200
	// perCrowd is in how many policies there is one with a great many bindings,
	// which takes the oracle fifty times as long.
	perCrowd = 50
	// logged is after how many decisions TestRandom says how far it is.
	logged = 2000 * perPolicy
)

// TestRandom compares the compiled snapshot with the oracle on random policies
// and requests, and shows that they are worth comparing on.
func TestRandom(t *testing.T) {
	t.Parallel()
	env := decide.Env(t)
	compare := comparison{programs: decide.NewPrograms(env), compiler: compile.New(env), reasons: map[authz.Reason]int{}}
	t.Logf("%d decisions from -seed=%d", *decisions, *seed)
	for done, s := 0, *seed; done < *decisions; s++ {
		if !compare.policy(t, s) {
			t.Fatalf("again with: -run '^TestRandom$' -seed=%d -decisions=%d", s, perPolicy)
		}
		done += perPolicy
		if done%logged == 0 {
			t.Logf("%d decisions agree, the last of -seed=%d", done, s)
		}
	}
	for _, r := range authz.Reasons() {
		share := 100 * float64(compare.reasons[r]) / float64(*decisions)
		t.Logf("%-15s %5.1f %%", r, share)
		if *decisions >= 10*perPolicy && share < 0.1 {
			t.Errorf("only %.2f %% of the decisions are %s, which is too few to prove something", share, r)
		}
	}
}

type comparison struct {
	programs *decide.Programs
	compiler *compile.Compiler
	reasons  map[authz.Reason]int
}

// policy compares on one random policy; if there is a disagreement, it reports
// the smallest part of the policy that shows it.
func (c *comparison) policy(t *testing.T, seed uint64) bool {
	t.Helper()
	g := random.New(seed)
	objects := policyOf(g, seed)
	snapshot, oracle := decide.Snapshot(c.compiler, objects), decide.Oracle(c.programs, objects)
	var d authz.Decision
	for range perPolicy {
		r := g.Request(objects)
		err := snapshot.Check(r, &d)
		want, got := testkit.Answer(oracle.Judged(r)), testkit.Answer(d, err)
		if cmp.Equal(want, got) {
			c.reasons[d.Reason]++
			continue
		}
		c.report(t, objects, r)
		return false
	}
	return true
}

func policyOf(g *random.Generator, seed uint64) []testkit.Object {
	if seed%perCrowd == 0 {
		return g.Crowd()
	}
	return g.Policy()
}

func (c *comparison) report(t *testing.T, objects []testkit.Object, r *authz.Request) {
	t.Helper()
	small := random.Shrink(objects, func(objects []testkit.Object) bool { return c.diff(objects, r) != "" })
	text, err := testkit.YAML(small...)
	if err != nil {
		t.Fatal(err)
	}
	t.Errorf("the snapshot disagrees with the oracle (-oracle +snapshot):\n%s\nrequest:\n%s\nobjects:\n%s",
		c.diff(small, r), testkit.FormatRequest(r), text)
}

func (c *comparison) diff(objects []testkit.Object, r *authz.Request) string {
	var d authz.Decision
	err := decide.Snapshot(c.compiler, objects).Check(r, &d)
	return cmp.Diff(testkit.Answer(decide.Oracle(c.programs, objects).Judged(r)), testkit.Answer(d, err))
}
