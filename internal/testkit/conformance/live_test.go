// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"context"
	"testing"
	"time"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/compile"
	"github.com/rolecall/rolecall/internal/store"
	"github.com/rolecall/rolecall/internal/testkit"
	"github.com/rolecall/rolecall/internal/testkit/random"
)

// live is a store that runs, and a way to wait for it.
type live struct {
	*store.Store
	published chan store.Info
}

// newLive starts a store; each publication that nobody waits for is dropped.
func newLive(t *testing.T, compiler *compile.Compiler) *live {
	t.Helper()
	l := &live{published: make(chan store.Info, 1)}
	l.Store = store.New(store.Options{Compiler: compiler, Now: testkit.Now, Observer: l})
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the store ended with %v", err)
		}
	})
	return l
}

// Published implements store.Observer.
func (l *live) Published(info store.Info, _ time.Duration) {
	select {
	case <-l.published:
	default:
	}
	l.published <- info
}

// settle returns the policy in force once everything that was said to the store
// before is in it: it sees an object of its own come and go.
func (l *live) settle(t *testing.T) authz.Checker {
	t.Helper()
	mark := testkit.In("marks", testkit.Resource("mark", "seen").Obj())
	l.Put(mark)
	l.await(t, authz.ReasonNoRole)
	l.Delete(store.KindResource, mark.Namespace, mark.Name)
	return l.await(t, authz.ReasonUnknownResource)
}

// await waits until the mark is decided so.
func (l *live) await(t *testing.T, want authz.Reason) authz.Checker {
	t.Helper()
	r := &authz.Request{
		Namespace: "marks", Subject: authz.Subject{Type: "user", ID: "u"}, Action: authz.Action{Name: "seen"},
		Resource: authz.Resource{Type: "mark"}, Time: testkit.Now(),
	}
	for {
		var d authz.Decision
		checker, err := l.Checker()
		if err == nil {
			err = checker.Check(r, &d)
		}
		if err == nil && d.Reason == want {
			return checker
		}
		select {
		case <-l.published:
		case <-t.Context().Done():
			t.Fatalf("the store did not take in what it was told: %v, %v", d.Reason, err)
		}
	}
}

// apply says an edit to the store.
func (l *live) apply(e random.Edit) {
	if e.Gone {
		kind := store.Kind(e.Object.GetObjectKind().GroupVersionKind().Kind)
		l.Delete(kind, e.Object.GetNamespace(), e.Object.GetName())
		return
	}
	l.Put(e.Object)
}

// lists are objects as a source lists them.
func lists(objects []testkit.Object) []store.List {
	var all []store.List
	for _, p := range store.Partitions(nil) {
		l := store.List{Partition: p}
		for _, o := range objects {
			if o.GetObjectKind().GroupVersionKind().Kind == string(p.Kind) {
				l.Objects = append(l.Objects, o)
			}
		}
		all = append(all, l)
	}
	return all
}
