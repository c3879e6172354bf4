// SPDX-License-Identifier: Apache-2.0

package conformance_test

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

var seed = flag.Uint64("seed", 1, "the seed of random histories and policies")

// ways are how the same objects come to a store.
func ways() map[string]func(l *live, g *random.Generator, objects []testkit.Object) {
	return map[string]func(l *live, g *random.Generator, objects []testkit.Object){
		"one list": func(l *live, _ *random.Generator, objects []testkit.Object) {
			l.Replace(lists(objects)...)
		},
		"one by one, in any order": func(l *live, g *random.Generator, objects []testkit.Object) {
			l.Replace(lists(nil)...)
			for _, o := range g.Shuffled(objects) {
				l.Put(o)
			}
		},
		"before the list": func(l *live, g *random.Generator, objects []testkit.Object) {
			for _, o := range g.Shuffled(objects) {
				l.Put(o)
			}
			l.Replace(lists(objects)...)
		},
		"through other contents, deletions and rivals": func(l *live, g *random.Generator, objects []testkit.Object) {
			l.Replace(lists(nil)...)
			for _, e := range g.Edits(objects) {
				l.apply(e)
			}
		},
		"over a history that a list ends": func(l *live, g *random.Generator, objects []testkit.Object) {
			l.Replace(lists(nil)...)
			edits := g.Edits(objects)
			for _, e := range edits[:len(edits)/2] {
				l.apply(e)
			}
			l.Replace(lists(objects)...)
		},
	}
}

// TestStore puts the cases to a store, which the objects reach in every way:
// same answers, same revision.
// bug: an outcome that depended on the order after a restart (authorino issue
// 317), and on what was there before (openfga 1.17.1)
func TestStore(t *testing.T) {
	t.Parallel()
	compiler := compile.New(decide.Env(t))
	for _, c := range decide.Cases(t) {
		for _, o := range c.Objects {
			random.Stamp(o, 1)
		}
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			revisions := map[string]bool{}
			for name, bring := range ways() {
				l := newLive(t, compiler)
				bring(l, random.New(*seed), c.Objects)
				checker := l.settle(t)
				revisions[checker.Revision()] = true
				t.Run(name, func(t *testing.T) { decide.Verify(t, checker, c.Checks) })
			}
			if len(revisions) != 1 {
				t.Errorf("the same objects have the revisions %v", revisions)
			}
		})
	}
}

// TestRandomStore compares stores that random objects reach in every way with
// the oracle.
func TestRandomStore(t *testing.T) {
	t.Parallel()
	env := decide.Env(t)
	compiler, programs := compile.New(env), decide.NewPrograms(env)
	const policies, requests = 10, 100
	for s := *seed; s < *seed+policies; s++ {
		g := random.New(s)
		objects := g.Policy()
		for _, o := range objects {
			random.Stamp(o, 1)
		}
		oracle := decide.Oracle(programs, objects)
		for name, bring := range ways() {
			l := newLive(t, compiler)
			bring(l, g, objects)
			checker := l.settle(t)
			for range requests {
				r := g.Request(objects)
				var d authz.Decision
				err := checker.Check(r, &d)
				if diff := cmp.Diff(testkit.Answer(oracle.Judged(r)), testkit.Answer(d, err)); diff != "" {
					t.Fatalf("-seed=%d, %s: (-oracle +store):\n%s%s", s, name, diff, testkit.FormatRequest(r))
				}
			}
		}
	}
}
