// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"maps"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/compile"
	"github.com/rolecall/rolecall/internal/diag"
	"github.com/rolecall/rolecall/internal/testkit"
	"github.com/rolecall/rolecall/internal/testkit/decide"
	"github.com/rolecall/rolecall/internal/testkit/random"
)

// lifeEdits are two seasons of a random.Life.
const lifeEdits = 3300

// TestLife lets a store live through thousands of changes, of which some come to
// it as lists, while readers ask without pause. At random moments it must be what
// a store is that knows only the objects that are left: in its decisions, which
// are the oracle's too, in its revision, and in what it counts.
func TestLife(t *testing.T) {
	t.Parallel()
	env := decide.Env(t)
	l := &lifetime{compiler: compile.New(env), programs: decide.NewPrograms(env), g: random.New(*seed)}
	l.life = random.NewLife(l.g)
	l.worn = newLive(t, l.compiler)
	l.worn.Replace(lists(nil)...)
	l.worn.settle(t)
	stop := l.read(t)
	defer stop()
	for i := 0; i < lifeEdits; i++ {
		compare := 2 // times of a hundred
		switch {
		case l.g.Chance(1):
			for range 20 { // which nobody says, until the list comes
				l.life.Edit()
			}
			i += 20
			l.worn.Replace(lists(l.g.Shuffled(l.life.Objects()))...)
		case l.g.Chance(1):
			all := lists(l.life.Objects())
			l.worn.Replace(all[i%len(all)])
		default:
			e := l.life.Edit()
			l.worn.apply(e)
			if _, bound := e.Object.(*v1alpha1.RoleBinding); !bound {
				compare = 30 // before another edit hides what this one has left
			}
		}
		if l.g.Chance(compare) {
			l.compare(t)
		}
		if t.Failed() {
			t.Fatalf("again with -seed=%d", *seed)
		}
	}
	l.compare(t)
	if l.faults < 100 {
		t.Errorf("%d faults are too few to prove something", l.faults)
	}
}

// lifetime is a store and the life that it follows.
type lifetime struct {
	compiler *compile.Compiler
	programs *decide.Programs
	g        *random.Generator
	life     *random.Life
	worn     *live
	faults   int
}

// read starts readers: what a snapshot has answered once, it answers again.
func (l *lifetime) read(t *testing.T) (stop func()) {
	t.Helper()
	var requests []*authz.Request
	g := random.New(*seed + 1)
	for range 50 {
		requests = append(requests, g.Request(g.Policy()))
	}
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-done:
					return
				default:
				}
				twice(t, l.worn, requests, i)
			}
		})
	}
	return func() {
		close(done)
		readers.Wait()
	}
}

// twice asks one snapshot for an answer, then for others, and then again.
func twice(t *testing.T, from *live, requests []*authz.Request, i int) {
	checker, err := from.Checker()
	if err != nil {
		t.Errorf("the store has become unready: %v", err)
		return
	}
	r := requests[i%len(requests)]
	first := ask(checker, r)
	for _, other := range requests {
		ask(checker, other)
	}
	if diff := cmp.Diff(first, ask(checker, r)); diff != "" {
		t.Errorf("a snapshot changes its mind (-before +now):\n%s%s", diff, testkit.FormatRequest(r))
	}
}

func ask(checker authz.Checker, r *authz.Request) testkit.Want {
	var d authz.Decision
	err := checker.Check(r, &d)
	return testkit.Answer(d, err)
}

// compare holds the store to the objects that are left.
func (l *lifetime) compare(t *testing.T) {
	t.Helper()
	objects := l.life.Objects()
	worn := l.worn.settle(t)
	other := newLive(t, l.compiler)
	other.Replace(lists(l.g.Shuffled(objects))...)
	anew := other.settle(t)
	oracle := decide.Oracle(l.programs, objects)
	for range 20 {
		r := l.g.Request(objects)
		want := testkit.Answer(oracle.Judged(r))
		for name, checker := range map[string]authz.Checker{"worn": worn, "new": anew} {
			if diff := cmp.Diff(want, ask(checker, r)); diff != "" {
				t.Errorf("%d objects: the %s store disagrees with the oracle (-oracle +store):\n%s%s", len(objects), name, diff, testkit.FormatRequest(r))
			}
		}
	}
	got, want := l.worn.Info(), other.Info()
	got.Published = want.Published
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%d objects (-new store +worn store):\n%s", len(objects), diff)
	}
	faults := l.diagnosed(objects)
	if diff := cmp.Diff(faults, maps.Clone(got.Faults)); diff != "" {
		t.Errorf("%d objects: what the store counts (-diagnosed +counted):\n%s", len(objects), diff)
	}
	for _, n := range faults {
		l.faults += n
	}
}

// diagnosed counts the faults that a store counts: see store.Info.
func (l *lifetime) diagnosed(objects []testkit.Object) map[string]int {
	n := map[string]int{}
	for i, faults := range l.compiler.Diagnose(testkit.MetaObjects(objects)) {
		_, isRole := objects[i].(*v1alpha1.Role)
		_, isGroup := objects[i].(*v1alpha1.Group)
		for _, f := range faults {
			if f.Aspect == diag.Accepted || ((isRole || isGroup) && f.Severity == diag.Error) {
				n[f.Reason]++
			}
		}
	}
	return n
}
