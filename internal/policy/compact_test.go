// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/rolecall/rolecall/internal/authz"
)

// TestSparseNumbersAreGivenBack: of what has been removed nothing is left but room for as
// much as there is, also in the snapshots, and everything that stays is found.
func TestSparseNumbersAreGivenBack(t *testing.T) {
	x := NewIndex(nil)
	x.SetVocabulary("app", Link(
		[]*Resource{{Type: "document", Actions: []string{"read"}}},
		[]*Role{{Meta: Meta{Name: "reader"}, ID: "reader", Permissions: []Permission{{Resource: "document", Actions: WordsOf("read")}}}},
	))
	const all, every = 70_000, 100
	name := func(i int) string { return fmt.Sprintf("binding-%06d", i) }
	binding := func(i int) *Binding {
		b := &Binding{
			Meta: Meta{Name: name(i)}, Roles: []string{"reader"}, Scope: fmt.Sprintf("org:%d", i),
			Subjects: []Key{{Type: "user", ID: fmt.Sprintf("user-%d", i)}},
		}
		switch i % (3 * every) {
		case every:
			b.Subjects = append(b.Subjects, Key{Type: "user", ID: "everyone's friend"})
		case 2 * every:
			b.NotAfter = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		}
		return b
	}
	empty := live(x)
	for i := range all {
		x.Put("app", binding(i), uint64(i))
	}
	x.Publish("1")
	peak := live(x)
	for i := range all {
		if i%every != 0 {
			x.Delete("app", name(i))
		}
	}
	sparse := x.Publish("2")
	if s := x.spaces["app"]; s.book.records.n != all/every || len(s.scopes.names) != all/every+1 {
		t.Errorf("%d bindings have room for %d, and for %d scopes", s.book.live, s.book.records.n, len(s.scopes.names))
	}
	if left := live(x); left-empty > (peak-empty)/20 {
		t.Errorf("with 1 %% of the bindings, %d of %d bytes are left", left-empty, peak-empty)
	}
	for i := 0; i < all; i += every / 2 {
		checkReader(t, sparse, i, i%every == 0)
		if d, found := x.Digest("app", name(i)); found != (i%every == 0) || (found && d != uint64(i)) {
			t.Errorf("the digest of %s is %d, %v", name(i), d, found)
		}
	}
	x.Put("app", binding(0), 1)
	x.Delete("app", name(every))
	last := x.Publish("3")
	checkReader(t, last, 0, true)
	checkReader(t, last, every, false)
	checkReader(t, last, 4*every, true)
}

func checkReader(t *testing.T, s *Snapshot, i int, want bool) {
	t.Helper()
	r := authz.Request{
		Namespace: "app", Time: time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC), Scope: fmt.Sprintf("org:%d", i),
		Subject: authz.Subject{Type: "user", ID: fmt.Sprintf("user-%d", i)},
		Action:  authz.Action{Name: "read"}, Resource: authz.Resource{Type: "document"},
	}
	var d authz.Decision
	if err := s.Check(&r, &d); err != nil || d.Allowed != want {
		t.Errorf("user %d in scope %d: %+v, %v; want %v", i, i, d, err, want)
	}
	found, err := s.Search(t.Context(), &authz.Search{Request: r, Limit: 9, Candidates: 9})
	if err != nil || slices.Contains(found.IDs, r.Subject.ID) != want {
		t.Errorf("users in scope %d: %q, %v; want user %d: %v", i, found.IDs, err, i, want)
	}
}

// TestSparseInstancesAreGivenBack is the same for the instances that bindings name.
func TestSparseInstancesAreGivenBack(t *testing.T) {
	x := NewIndex(nil)
	x.SetVocabulary("app", Link(
		[]*Resource{{Type: "document", Actions: []string{"read"}}},
		[]*Role{{Meta: Meta{Name: "reader"}, ID: "reader", Permissions: []Permission{{Resource: "document", Actions: WordsOf("read")}}}},
	))
	const all, every = 6000, 60
	id := func(kind string, i int) string { return fmt.Sprintf("%s-%d", kind, i) }
	x.Put("app", &Binding{Meta: Meta{Name: "all"}, Roles: []string{"reader"}, Scope: "*", Subjects: []Key{{Type: "user", ID: "admin"}}}, 0)
	for i := range all {
		x.Put("app", &Binding{
			Meta: Meta{Name: id("b", i)}, Roles: []string{"reader"}, Scope: "*", Subjects: []Key{{Type: "user", ID: id("user", i)}},
			Resources: []Instance{{Type: "document", ID: id("doc", i)}, {Type: "document", ID: "home"}},
		}, 0)
	}
	x.Publish("1")
	for i := range all {
		if i%every != 0 {
			x.Delete("app", id("b", i))
		}
	}
	s := x.Publish("2")
	if left := len(x.spaces["app"].instances.numbers.names); left != all/every+1 {
		t.Errorf("%d instances have numbers, want %d", left, all/every+1)
	}
	q := authz.Search{Limit: all, Candidates: all, Request: authz.Request{
		Namespace: "app", Time: time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC), Action: authz.Action{Name: "read"},
		Subject: authz.Subject{Type: "user", ID: "admin"}, Resource: authz.Resource{Type: "document"},
	}}
	for i := 0; i < all; i += every / 2 {
		q.Request.Resource.ID = id("doc", i)
		want := []string{"admin", id("user", i)}
		if i%every != 0 {
			want = want[:1]
		}
		if found, err := s.Search(t.Context(), &q); err != nil || !slices.Equal(found.IDs, want) {
			t.Errorf("who may read %s: %q, %v, want %q", q.Request.Resource.ID, found.IDs, err, want)
		}
	}
	q.Sought = authz.Resources
	if found, err := s.Search(t.Context(), &q); err != nil || len(found.IDs) != all/every+1 {
		t.Errorf("the admin may read %d, %v, want %d", len(found.IDs), err, all/every+1)
	}
}

// live returns the bytes that are reachable, the index among them.
func live(x *Index) int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	runtime.KeepAlive(x)
	return int64(m.HeapAlloc)
}
