// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"fmt"
	"strings"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rolecall/rolecall/api/v1alpha1"
)

// many is how many objects hang on one in these tests. `hack/bench/kube` does
// the same with more.
const many = 300

// TestFlood: objects that come while the controllers work are written once each.
func TestFlood(t *testing.T) {
	h := newHouse(t)
	h.create(resource("document", "read"), role("reader", allow("document", "read")))
	h.await(role("reader"), ready)
	all := bindings(many, "reader")
	h.createAtOnce(all)
	h.untilWritten("RoleBinding", many)
	for _, o := range all {
		h.await(o, ready)
	}
	h.untilCounted(role("reader"), many)
	if times := h.written("RoleBinding"); times != many {
		t.Errorf("%d new bindings cost %d writes", many, times)
	}
}

// TestEditOfAResource: an edit asks for all that name the type, and only what
// comes out otherwise is written.
func TestEditOfAResource(t *testing.T) {
	h := newHouse(t)
	document := resource("document", "read", "print")
	var all []client.Object
	const printers = many / 10
	for i := range many {
		action := v1alpha1.Pattern("read")
		if i < printers {
			action = "print"
		}
		all = append(all, role(fmt.Sprintf("role-%03d", i), allow("document", action)))
	}
	h.create(document)
	h.createAtOnce(all)
	h.untilWritten("Role", many)
	h.writes.clear()
	h.reads.clear()
	h.edit(document, `{"spec": {"actions": [{"name": "read"}]}}`)
	h.until(func() string { return h.unread(all) })
	for _, o := range all[:printers] {
		h.await(o, verdict{reason: v1alpha1.ReasonActionNotFound})
	}
	h.await(all[many-1], ready)
	h.stop()
	if times := h.written("Role"); times != printers {
		t.Errorf("an edit that changes %d Roles of %d cost %d writes", printers, many, times)
	}
}

// TestRoleGoesAndComes: all that name it are written when it goes and when it
// comes, once each time; an edit of what it permits costs them nothing.
func TestRoleGoesAndComes(t *testing.T) {
	h := newHouse(t)
	reader := role("reader")
	all := bindings(many, "reader")
	h.create(resource("document", "read"), reader)
	h.createAtOnce(all)
	h.untilWritten("RoleBinding", many)
	h.untilCounted(reader, many)

	steps := []struct {
		what   string
		do     func()
		want   verdict
		writes int
	}{
		{"it is edited", func() { h.edit(reader, `{"spec": {"permissions": [{"resource": "document", "actions": ["read"]}]}}`) }, ready, 0},
		{"it goes", func() { h.remove(reader) }, verdict{reason: v1alpha1.ReasonRoleNotFound}, many},
		{"it comes", func() { h.create(reader) }, ready, many},
	}
	for _, step := range steps {
		h.writes.clear()
		step.do()
		h.untilWritten("RoleBinding", step.writes)
		for _, o := range all {
			h.await(o, step.want)
		}
		if times := h.written("RoleBinding"); times != step.writes {
			t.Errorf("when %s: %d writes, want %d", step.what, times, step.writes)
		}
	}
}

// bindings returns RoleBindings of a role.
func bindings(n int, role v1alpha1.ID) []client.Object {
	all := make([]client.Object, n)
	for i := range all {
		all[i] = binding(fmt.Sprintf("binding-%03d", i), role)
	}
	return all
}

// written returns how many statuses of a kind the server has taken.
func (h *house) written(kind string) int {
	n := 0
	for _, line := range h.writes.all() {
		if strings.HasPrefix(line, "*v1alpha1."+kind+" ") {
			n++
		}
	}
	return n
}

func (h *house) untilWritten(kind string, n int) {
	h.t.Helper()
	h.until(func() string {
		if got := h.written(kind); got < n {
			return fmt.Sprintf("%d statuses of a %s were written, want %d", got, kind, n)
		}
		return ""
	})
}

// untilCounted waits until a Role says how many bindings name it.
func (h *house) untilCounted(o client.Object, n int32) {
	h.t.Helper()
	h.until(func() string {
		var got v1alpha1.Role
		if h.read(o, &got); got.Status.Bindings != n {
			return fmt.Sprintf("%s: %d bindings are reported, want %d", o.GetName(), got.Status.Bindings, n)
		}
		return ""
	})
}
