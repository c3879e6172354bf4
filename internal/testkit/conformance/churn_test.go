// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/compile"
	"github.com/rolecall/rolecall/internal/testkit"
	"github.com/rolecall/rolecall/internal/testkit/decide"
	"github.com/rolecall/rolecall/internal/testkit/random"
)

// TestChurn reads without pause while the policy changes. Every answer must be
// the oracle's for the objects that its revision names, and every policy must be
// what a number of edits, from the first on, has made.
func TestChurn(t *testing.T) {
	t.Parallel()
	env := decide.Env(t)
	compiler := compile.New(env)
	g := random.New(*seed)
	objects := g.Policy()
	edits := g.Edits(objects)
	for range 9 {
		edits = append(edits, g.Edits(objects)...)
	}
	edits = append(edits, random.Edit{Object: testkit.Resource("last").Obj()})
	var requests []*authz.Request
	for range 40 {
		requests = append(requests, g.Request(objects))
	}
	versions, last := replay(t, newLive(t, compiler), edits)

	busy := newLive(t, compiler)
	busy.Replace(lists(nil)...)
	<-busy.published
	var readers sync.WaitGroup
	done, passes := make(chan struct{}), make(chan struct{}, 1)
	logs := make([]*readerLog, 2)
	for i := range logs {
		logs[i] = &readerLog{answers: map[answerKey]testkit.Want{}}
		readers.Go(func() { logs[i].read(t, reading{busy, requests, passes, done}) })
	}
	for i, e := range edits {
		busy.apply(e)
		if i%5 == 0 {
			<-passes
		}
	}
	for info := range busy.published {
		if info.Revision == last {
			break
		}
	}
	close(done)
	readers.Wait()
	programs := decide.NewPrograms(env)
	for _, log := range logs {
		log.verify(t, requests, versions, programs)
	}
}

// replay makes the edits one after the other and returns the objects that each
// revision names, and the last of them.
func replay(t *testing.T, calm *live, edits []random.Edit) (versions map[string][]testkit.Object, last string) {
	t.Helper()
	var objects []testkit.Object
	calm.Replace(lists(nil)...)
	last = calm.settle(t).Revision()
	versions = map[string][]testkit.Object{last: nil}
	for _, e := range edits {
		calm.apply(e)
		objects = slices.DeleteFunc(slices.Clone(objects), func(o testkit.Object) bool {
			return testkit.Name(o) == testkit.Name(e.Object)
		})
		if !e.Gone {
			objects = append(objects, e.Object)
		}
		last = calm.settle(t).Revision()
		versions[last] = objects
	}
	return versions, last
}

type answerKey struct {
	revision string
	request  int
}

// readerLog is what one reader has been told.
type readerLog struct {
	answers map[answerKey]testkit.Want
}

// reading is what readers share.
type reading struct {
	live     *live
	requests []*authz.Request
	// passes is told when all requests have been asked once more.
	passes chan<- struct{}
	done   <-chan struct{}
}

func (l *readerLog) read(t *testing.T, r reading) {
	for i := 0; ; i++ {
		select {
		case <-r.done:
			return
		default:
		}
		n := i % len(r.requests)
		l.ask(t, r.live, n, r.requests[n])
		if n == 0 {
			select {
			case r.passes <- struct{}{}:
			default:
			}
		}
	}
}

func (l *readerLog) ask(t *testing.T, live *live, n int, r *authz.Request) {
	key, answer := answerKey{request: n}, testkit.Want{}
	if checker, err := live.Checker(); err != nil {
		answer.Error = err.Error()
	} else {
		var d authz.Decision
		err = checker.Check(r, &d)
		key.revision, answer = checker.Revision(), testkit.Answer(d, err)
	}
	if before, asked := l.answers[key]; asked && !cmp.Equal(before, answer) {
		t.Errorf("the same question to the same revision: %v, then %v", before, answer)
	}
	l.answers[key] = answer
}

func (l *readerLog) verify(t *testing.T, requests []*authz.Request, versions map[string][]testkit.Object, programs *decide.Programs) {
	t.Helper()
	for key, got := range l.answers {
		objects, ok := versions[key.revision]
		if !ok {
			t.Errorf("no number of edits makes the revision %q, which says %v", key.revision, got)
			continue
		}
		want := testkit.Answer(decide.Oracle(programs, objects).Judged(requests[key.request]))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("revision %s (-oracle +store):\n%s%s", key.revision, diff, testkit.FormatRequest(requests[key.request]))
		}
	}
	if len(l.answers) < len(requests) {
		t.Errorf("a reader was told only %d answers, too few to prove something", len(l.answers))
	}
}
