// SPDX-License-Identifier: Apache-2.0

//go:build kube

package ha

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/compile"
	"github.com/rolecall/rolecall/internal/store"
	"github.com/rolecall/rolecall/internal/testkit"
	"github.com/rolecall/rolecall/internal/testkit/decide"
)

// moment is how far the history of each kind had come: how many of its states had
// been left behind. A replica hears of each kind by a watch of its own, so that it
// may have come further with one than with another, but never back.
type moment struct{ roles, bindings int }

func (m moment) before(n moment) bool { return m.roles <= n.roles && m.bindings <= n.bindings }

// state is all the objects of a kind at one time.
type state struct {
	objects map[string]testkit.Object
	sum     uint64
}

// history is all that was ever written.
type history struct {
	programs *decide.Programs
	compiler *compile.Compiler

	mu              sync.Mutex
	roles, bindings []state
	// fixed are the objects that are not changed.
	fixed state
}

func newHistory(t *testing.T) *history {
	env := decide.Env(t)
	empty := state{objects: map[string]testkit.Object{}}
	return &history{
		programs: decide.NewPrograms(env), compiler: compile.New(env), fixed: empty,
		roles: []state{empty}, bindings: []state{empty},
	}
}

// digest is what an object adds to the revision of a policy that has it: the
// revision of one that has nothing else, made by the store itself.
func (h *history) digest(ctx context.Context, o testkit.Object) (uint64, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	published := make(chan string, 1)
	s := store.New(store.Options{Compiler: h.compiler, Now: testkit.Now, Observer: observer(published)})
	kind := kindOf(o)
	var lists []store.List
	for _, p := range store.Partitions(nil) {
		l := store.List{Partition: p}
		if p.Kind == kind {
			l.Objects = []metav1.Object{o}
		}
		lists = append(lists, l)
	}
	s.Replace(lists...)
	go func() { _ = s.Run(ctx) }()
	return strconv.ParseUint(<-published, 16, 64)
}

func kindOf(o testkit.Object) store.Kind {
	switch o.(type) {
	case *v1alpha1.Resource:
		return store.KindResource
	case *v1alpha1.Role:
		return store.KindRole
	}
	return store.KindRoleBinding
}

type observer chan string

// Published implements store.Observer.
func (c observer) Published(info store.Info, _ time.Duration) { c <- info.Revision }

// with returns the state after an object was written, or, without a spec, deleted.
func (h *history) with(ctx context.Context, s state, o testkit.Object, gone bool) (state, error) {
	next := state{objects: maps.Clone(s.objects), sum: s.sum}
	if before := s.objects[o.GetName()]; before != nil {
		d, err := h.digest(ctx, before)
		if err != nil {
			return s, err
		}
		next.sum -= d
		delete(next.objects, o.GetName())
	}
	if gone {
		return next, nil
	}
	d, err := h.digest(ctx, o)
	next.sum += d
	next.objects[o.GetName()] = o
	return next, err
}

// written notes a write of a Role or a RoleBinding.
func (h *history) written(ctx context.Context, o testkit.Object, gone bool) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	states := &h.bindings
	if _, ok := o.(*v1alpha1.Resource); ok {
		next, err := h.with(ctx, h.fixed, o, gone)
		h.fixed = next
		return err
	}
	if _, ok := o.(*v1alpha1.Role); ok {
		states = &h.roles
	}
	next, err := h.with(ctx, (*states)[len(*states)-1], o, gone)
	*states = append(*states, next)
	return err
}

// now is the present moment.
func (h *history) now() moment {
	h.mu.Lock()
	defer h.mu.Unlock()
	return moment{len(h.roles) - 1, len(h.bindings) - 1}
}

// revision names the objects of a moment.
func (h *history) revision(m moment) string {
	return fmt.Sprintf("%016x", h.fixed.sum+h.roles[m.roles].sum+h.bindings[m.bindings].sum)
}

// latest is the revision of now.
func (h *history) latest() string {
	now := h.now()
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.revision(now)
}

// moments are those that each revision stands for, in order.
func (h *history) moments() map[string][]moment {
	all := map[string][]moment{}
	for i := range h.roles {
		for j := range h.bindings {
			m := moment{i, j}
			all[h.revision(m)] = append(all[h.revision(m)], m)
		}
	}
	return all
}

// decide is what the oracle says at a moment.
func (h *history) decide(m moment, r *authz.Request) (bool, error) {
	var objects []testkit.Object
	for _, s := range []state{h.fixed, h.roles[m.roles], h.bindings[m.bindings]} {
		for _, name := range slices.Sorted(maps.Keys(s.objects)) {
			objects = append(objects, s.objects[name])
		}
	}
	d, err := decide.Oracle(h.programs, objects).Judged(r)
	return d.Allowed, err
}

// verify holds what was answered against what was written, and returns how many
// different answers there were.
func (h *history) verify(t *testing.T, answers map[answerKey]bool, sights []*sight) int {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	moments := h.moments()
	for key, allowed := range answers {
		at := moments[key.revision]
		if len(at) == 0 {
			t.Errorf("no state that was ever written has the revision %q", key.revision)
			continue
		}
		want, err := h.decide(at[0], &questions[key.question])
		if err != nil || allowed != want {
			t.Errorf("the revision %s says %v to %s, and the oracle %v (%v)", key.revision, allowed, show(key.question), want, err)
		}
	}
	for _, s := range sights {
		s.verify(t, moments)
	}
	return len(answers)
}

// sight is what one replica showed, one answer after the other.
type sight struct {
	replica string
	// since is what had been written when it was started.
	since moment

	mu        sync.Mutex
	revisions []string
}

func (s *sight) saw(revision string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.revisions); n == 0 || s.revisions[n-1] != revision {
		s.revisions = append(s.revisions, revision)
	}
}

// verify demands that the replica never went back, and began no earlier than it
// was started.
func (s *sight) verify(t *testing.T, moments map[string][]moment) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	at := []moment{s.since}
	for i, revision := range s.revisions {
		var next []moment
		for _, m := range moments[revision] {
			if slices.ContainsFunc(at, func(earlier moment) bool { return earlier.before(m) }) {
				next = append(next, m)
			}
		}
		if len(next) == 0 {
			t.Errorf("%s went back in time with its revision %d, %s: it stands for the moments %v, and it was at %v of %s",
				s.replica, i, revision, moments[revision], at, strings.Join(s.revisions[max(0, i-2):i], " "))
			return
		}
		at = next
	}
}
