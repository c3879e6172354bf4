// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rolecall/rolecall/api/v1alpha1"
)

// clock stands still until it is moved.
type clock struct{ time.Time }

func (c *clock) now() time.Time { return c.Time }

func (c *clock) pass(d time.Duration) { c.Time = c.Add(d) }

func newClock() *clock { return &clock{time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)} }

func bound(roles ...v1alpha1.ID) *v1alpha1.RoleBinding {
	return &v1alpha1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: "app"},
		Spec:       v1alpha1.RoleBindingSpec{Roles: roles},
	}
}

var reader = types.NamespacedName{Namespace: "app", Name: "reader"}

// TestTallyOfAFlood: bindings that keep coming cost few reports, and the last one
// has all of them.
func TestTallyOfAFlood(t *testing.T) {
	c := newClock()
	tally := newTally(c.now)
	reports := 0
	const bindings = 50_000
	for range bindings { // for 500 seconds
		tally.add(bound("reader"), 1)
		c.pass(10 * time.Millisecond)
		reports += len(tally.settled())
	}
	if reports > 9 {
		t.Errorf("%d reports while they came, want at most one a minute", reports)
	}
	c.pass(recountAfter)
	if diff := cmp.Diff([]types.NamespacedName{reader}, tally.settled()); diff != "" {
		t.Errorf("roles to report when they have come (-want +got):\n%s", diff)
	}
	if n := tally.count("app", "reader"); n != bindings {
		t.Errorf("%d bindings are reported, want %d", n, bindings)
	}
	if again := tally.settled(); len(again) > 0 {
		t.Errorf("reported again: %v", again)
	}
}

// TestTallyAtRest: while the count moves, what is reported stays; a count that
// comes back to what it was is no news; what nobody names any more is forgotten.
func TestTallyAtRest(t *testing.T) {
	c := newClock()
	tally := newTally(c.now)
	tally.list(bound("reader", "editor"))
	tally.list(bound("reader", "reader"))
	expect := func(when string, reader, editor int32, want ...types.NamespacedName) {
		t.Helper()
		if diff := cmp.Diff(want, tally.settled()); diff != "" {
			t.Errorf("%s: to report (-want +got):\n%s", when, diff)
		}
		got := fmt.Sprint(tally.count("app", "reader"), tally.count("app", "editor"))
		if want := fmt.Sprint(reader, editor); got != want {
			t.Errorf("%s: readers and editors %s, want %s", when, got, want)
		}
	}
	c.pass(time.Hour)
	expect("after the first list", 2, 1)
	tally.add(bound("reader"), 1)
	expect("at a change", 2, 1)
	c.pass(recountAfter)
	expect("when it rests", 3, 1, reader)
	tally.add(bound("reader"), 1)
	tally.add(bound("reader"), -1)
	c.pass(recountAfter)
	expect("when it has come back", 3, 1)
	tally.add(bound("reader", "editor"), -1)
	tally.add(bound("reader"), -2)
	c.pass(recountAfter)
	if n := len(tally.settled()); n != 2 || len(tally.roles) != 0 || len(tally.moved) != 0 {
		t.Errorf("%d roles to report, %d and %d remembered, want 2, 0 and 0", n, len(tally.roles), len(tally.moved))
	}
}
