// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"fmt"
	"strings"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rolecall/rolecall/api/v1alpha1"
)

// group has members.
func group(name string, members ...v1alpha1.Subject) *v1alpha1.Group {
	return &v1alpha1.Group{ObjectMeta: named(name), Spec: v1alpha1.GroupSpec{Members: members}}
}

// team is a member that is a group.
func team(id string) v1alpha1.Subject { return v1alpha1.Subject{Type: "group", ID: id} }

// TestGroup: a group needs nobody, and its members need no object. The count is
// that of its own list.
func TestGroup(t *testing.T) {
	h := newHouse(t)
	editors := group("editors", team("from-a-token"), v1alpha1.Subject{Type: "user", ID: "ann"})
	editors.Spec.ID = "Team:editors"
	nobody := group("nobody")
	h.create(editors, nobody)
	h.await(editors, ready)
	h.await(nobody, ready)
	want := func(o client.Object, id string, members int32) {
		t.Helper()
		h.until(func() string {
			var got v1alpha1.Group
			h.read(o, &got)
			if got.Status.ID != id || got.Status.Members != members {
				return fmt.Sprintf("%s: id %q, %d members, want %q, %d", o.GetName(), got.Status.ID, got.Status.Members, id, members)
			}
			return ""
		})
	}
	want(editors, "Team:editors", 2)
	want(nobody, "nobody", 0)
	h.edit(editors, `{"spec": {"members": null}}`)
	want(editors, "Team:editors", 0)
	h.await(editors, ready)
}

func TestGroupCycle(t *testing.T) {
	h := newHouse(t)
	a, b, c, outside := group("a", team("b")), group("b", team("c")), group("c", team("a")), group("outside", team("a"))
	h.create(a, b, outside)
	h.await(b, ready)
	h.await(a, ready)
	h.create(c)
	for _, member := range []client.Object{a, b, c} {
		h.await(member, verdict{v1alpha1.ReasonMembershipCycle, " -> "})
	}
	h.await(outside, ready)
	h.edit(c, `{"spec": {"members": [{"type": "user", "id": "ann"}]}}`)
	for _, member := range []client.Object{a, b, c, outside} {
		h.await(member, ready)
	}
	h.edit(c, `{"spec": {"members": [{"type": "group", "id": "a"}, {"type": "group", "id": "c"}]}}`)
	for _, member := range []client.Object{a, b} {
		h.await(member, verdict{v1alpha1.ReasonMembershipCycle, "a"})
	}
	h.await(c, verdict{v1alpha1.ReasonMembershipCycle, "c -> c"})
	h.remove(b)
	h.await(a, ready)
	h.await(c, verdict{v1alpha1.ReasonMembershipCycle, "c -> c"})
}

// TestGroupConflict: the owner's successor is told.
func TestGroupConflict(t *testing.T) {
	h := newHouse(t)
	owner, other := group("owner"), group("z-other", team("ring"))
	owner.Spec.ID, other.Spec.ID = "team", "team"
	ring := group("ring", team("team"))
	h.create(owner)
	h.await(owner, ready)
	h.create(other, ring)
	h.await(other, verdict{v1alpha1.ReasonConflicted, `"owner"`})
	h.await(ring, verdict{v1alpha1.ReasonMembershipCycle, "ring -> team -> ring"})
	h.remove(owner)
	h.await(other, verdict{v1alpha1.ReasonMembershipCycle, "team -> ring -> team"})
	h.remove(other)
	h.await(ring, ready)
}

// TestGroupWarning: the type of a member is perhaps a typo, until somebody declares
// it.
func TestGroupWarning(t *testing.T) {
	h := newHouse(t)
	robots := group("robots", v1alpha1.Subject{Type: "servce", ID: "crawler"})
	h.create(robots)
	h.await(robots, ready)
	warned := func() bool {
		return strings.Contains(h.acceptedMessage(robots), `spec.members[0].type: "servce"`)
	}
	if !warned() {
		t.Error("Accepted does not warn of the undeclared type")
	}
	h.create(resource("servce"))
	h.until(func() string {
		if warned() {
			return "Accepted still warns of a type that is declared"
		}
		return ""
	})
}

func (h *house) acceptedMessage(o client.Object) string {
	h.t.Helper()
	for _, c := range statusOf(h.get(o)).Conditions {
		if c.Type == v1alpha1.ConditionAccepted {
			return c.Message
		}
	}
	return ""
}
