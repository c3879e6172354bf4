// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/devcluster/devclustertest"
)

func TestCounts(t *testing.T) {
	h := newHouse(t)
	doc := resource("doc", "read", "write")
	doc.Spec.Type = "document:v2"
	none := resource("none")
	reader := role("reader", allow("document:v2", "read"), allow("none", "*"))
	reader.Spec.ID = "doc_reader"
	other := role("other")
	h.create(doc, none, reader, other)
	h.create(binding("one", "doc_reader"), binding("two", "doc_reader", "other"))

	wantResource := func(o client.Object, id string, actions int32) {
		t.Helper()
		h.until(func() string {
			var got v1alpha1.Resource
			h.read(o, &got)
			if got.Status.ID != id || got.Status.Actions != actions {
				return fmt.Sprintf("%s: id %q, %d actions, want %q, %d", o.GetName(), got.Status.ID, got.Status.Actions, id, actions)
			}
			return ""
		})
	}
	wantRole := func(o client.Object, id string, permissions, bindings int32) {
		t.Helper()
		h.until(func() string {
			var got v1alpha1.Role
			h.read(o, &got)
			s := got.Status
			if s.ID != id || s.Permissions != permissions || s.Bindings != bindings {
				return fmt.Sprintf("%s: id %q, %d permissions, %d bindings, want %q, %d, %d",
					o.GetName(), s.ID, s.Permissions, s.Bindings, id, permissions, bindings)
			}
			return ""
		})
	}
	wantResource(doc, "document:v2", 2)
	wantResource(none, "none", 0)
	wantRole(reader, "doc_reader", 2, 2)
	wantRole(other, "other", 0, 1)
	h.edit(binding("two"), `{"spec": {"roles": ["doc_reader"]}}`)
	wantRole(other, "other", 0, 0)
	h.remove(binding("one"))
	wantRole(reader, "doc_reader", 2, 1)
	h.await(binding("two"), ready)
	var got v1alpha1.RoleBinding
	h.read(binding("two"), &got)
	if got.Status.Subjects != 1 {
		t.Errorf("subjects = %d, want 1", got.Status.Subjects)
	}
}

// read reads the object that is called as another into one of its own kind.
func (h *house) read(called, into client.Object) {
	h.t.Helper()
	into.SetName(called.GetName())
	into.SetNamespace(h.namespace)
	if err := h.Get(h.t.Context(), client.ObjectKeyFromObject(into), into); err != nil {
		h.t.Fatal(err)
	}
}

// TestDeleting: while a finalizer holds an object, its Denies stand and its name
// is taken; its status goes on being true.
func TestDeleting(t *testing.T) {
	h := newHouse(t)
	reader := role("reader", allow("document", "read"))
	reader.Finalizers = []string{"example.com/hold"}
	readers := binding("readers", "reader")
	h.create(resource("document", "read"), reader, readers)
	h.await(reader, ready)
	h.await(readers, ready)
	h.remove(reader)
	h.until(func() string {
		o := h.get(reader)
		if o.GetDeletionTimestamp() == nil || statusOf(o).ObservedGeneration != o.GetGeneration() {
			return "the status is not of the object that is being deleted"
		}
		return ""
	})
	h.check(reader)
	h.await(readers, ready)
	h.edit(reader, `{"metadata": {"finalizers": null}}`)
	h.await(readers, verdict{reason: v1alpha1.ReasonRoleNotFound})
}

// TestEvents: an event is news, so an object that is fine from the start has
// none.
func TestEvents(t *testing.T) {
	h := newHouse(t)
	fine, readers := role("fine"), binding("readers", "reader")
	h.create(fine, readers)
	h.await(fine, ready)
	h.await(readers, verdict{reason: v1alpha1.ReasonRoleNotFound})
	h.create(role("reader"))
	h.await(readers, ready)
	h.edit(readers, `{"spec": {"roles": ["reader", "fine"]}}`)
	h.until(func() string {
		if o := h.get(readers); statusOf(o).ObservedGeneration != o.GetGeneration() {
			return "the edit has not been judged"
		}
		return ""
	})
	h.remove(role("reader"))
	h.await(readers, verdict{reason: v1alpha1.ReasonRoleNotFound})
	missing := h.readyMessage(readers)
	h.until(func() string {
		want := []string{
			"readers Warning RoleNotFound: " + missing,
			"readers Normal Ready: The object is in force.",
			"readers Warning RoleNotFound: " + missing,
		}
		return cmp.Diff(want, h.events.all())
	})
}

func (h *house) readyMessage(o client.Object) string {
	h.t.Helper()
	for _, c := range statusOf(h.get(o)).Conditions {
		if c.Type == v1alpha1.ConditionReady {
			return c.Message
		}
	}
	return ""
}

// TestOneBadObject: a bad object is its own problem.
func TestOneBadObject(t *testing.T) {
	h := newHouse(t)
	bad := role("bad", v1alpha1.Permission{Resource: "*", Actions: []v1alpha1.Pattern{"*"}, Condition: ")"})
	h.create(resource("document", "read"), bad)
	h.await(bad, verdict{reason: v1alpha1.ReasonInvalidCondition})
	good, heirs, readers := role("good", allow("document", "read")), heir("heir", "bad"), binding("readers", "bad", "good")
	h.create(good, heirs, readers)
	for _, o := range []client.Object{good, heirs, readers} {
		h.await(o, ready)
	}
}

// TestLookUps: what is named by name is found by an index; only patterns and
// suggestions need all names.
func TestLookUps(t *testing.T) {
	h := newHouse(t)
	all := []client.Object{
		resource("document", "read"), role("reader", allow("document", "read")), heir("editor", "reader"),
		binding("readers", "reader"),
	}
	h.create(all...)
	for _, o := range all {
		h.await(o, ready)
	}
	h.lists.clear() // a Role may have been seen before the Resource that it names
	h.edit(role("reader"), `{"spec": {"permissions": [{"resource": "document", "actions": ["*"]}]}}`)
	h.edit(role("editor"), `{"spec": {"inherits": null}}`)
	for _, o := range all {
		h.untilJudged(o)
	}
	if lists := h.lists.all(); len(lists) > 0 {
		t.Errorf("lists of a whole namespace for objects that are fine: %q", lists)
	}
	h.edit(role("editor"), `{"spec": {"inherits": ["reader", "reader2"]}}`)
	h.await(role("editor"), verdict{v1alpha1.ReasonInheritedRoleNotFound, `did you mean "reader"`})
	if diff := cmp.Diff([]string{"*v1alpha1.RoleList"}, slices.Compact(h.lists.all())); diff != "" {
		t.Errorf("lists for a suggestion (-want +got):\n%s", diff)
	}
}

// TestForeignStatus: a status that somebody else wrote is put right.
func TestForeignStatus(t *testing.T) {
	h := newHouse(t)
	reader := role("reader")
	h.create(reader)
	h.await(reader, ready)
	spoilt, ok := h.get(reader).(*v1alpha1.Role)
	if !ok {
		t.Fatal("no Role")
	}
	spoilt.Status.Permissions, spoilt.Status.Conditions = 7, nil
	if err := h.Status().Update(t.Context(), spoilt); err != nil {
		t.Fatal(err)
	}
	h.await(reader, ready)
	h.until(func() string {
		var got v1alpha1.Role
		h.read(reader, &got)
		if got.Status.Permissions != 0 {
			return fmt.Sprintf("permissions = %d, want 0", got.Status.Permissions)
		}
		return ""
	})
}

// crowd is 200 objects, of which some are broken.
func crowd() []client.Object {
	var all []client.Object
	for i := range 20 {
		all = append(all, resource(fmt.Sprintf("type-%02d", i), "read", "write"))
	}
	for i := range 60 {
		all = append(all, role(fmt.Sprintf("role-%02d", i), allow(v1alpha1.Pattern(fmt.Sprintf("type-%02d", i%25)), "read")))
	}
	for i := range 120 {
		all = append(all, binding(fmt.Sprintf("binding-%03d", i), v1alpha1.ID(fmt.Sprintf("role-%02d", i%70))))
	}
	return all
}

// TestWrites: objects that are there when the controllers start are written once
// each, and not again when the next leader starts.
func TestWrites(t *testing.T) {
	h := emptyHouse(t)
	all := crowd()
	h.createAtOnce(all)
	h.untilListed(len(all))
	h.start(devclustertest.Start(t))
	for _, o := range all {
		h.untilJudged(o)
	}
	h.stop()
	times := map[string]int{}
	for _, line := range h.writes.all() {
		times[line]++
	}
	for line, n := range times {
		if n > 1 {
			t.Errorf("%s was written %d times, want once", line, n)
		}
	}
	if len(times) != len(all) {
		t.Errorf("%d objects were written, want %d", len(times), len(all))
	}
	before := h.versions(all)
	h.reads.clear()
	h.start(devclustertest.Start(t))
	h.until(func() string { return h.unread(all) })
	h.stop()
	if diff := cmp.Diff(before, h.versions(all)); diff != "" {
		t.Errorf("resource versions after a restart (-want +got):\n%s", diff)
	}
}

func (h *house) untilJudged(o client.Object) {
	h.t.Helper()
	h.until(func() string {
		got := h.get(o)
		if s := statusOf(got); s.ObservedGeneration != got.GetGeneration() {
			return o.GetName() + " has not been judged"
		}
		return ""
	})
	h.check(o)
}

// createAtOnce creates many objects, faster than one after the other.
func (h *house) createAtOnce(objects []client.Object) {
	h.t.Helper()
	var creators errgroup.Group
	for part := range slices.Chunk(objects, 10) {
		creators.Go(func() error {
			for _, o := range part {
				o.SetNamespace(h.namespace)
				if err := h.Create(h.t.Context(), o); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := creators.Wait(); err != nil {
		h.t.Fatal(err)
	}
}

// untilListed waits until the server's own cache, from which it serves first
// lists, has as many objects as there are: what comes after a first list is news,
// and rightly costs writes.
func (h *house) untilListed(want int) {
	h.t.Helper()
	h.until(func() string {
		listed := 0
		for _, list := range []client.ObjectList{&v1alpha1.ResourceList{}, &v1alpha1.RoleList{}, &v1alpha1.RoleBindingList{}} {
			err := h.List(h.t.Context(), list, client.InNamespace(h.namespace),
				&client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: "0"}})
			if err != nil {
				return err.Error()
			}
			listed += meta.LenList(list)
		}
		if listed != want {
			return fmt.Sprintf("%d objects are listed, want %d", listed, want)
		}
		return ""
	})
}

// unread says which of the objects nobody has begun to judge.
func (h *house) unread(objects []client.Object) string {
	read := map[string]bool{}
	for _, line := range h.reads.all() {
		read[line] = true
	}
	for _, o := range objects {
		if key := fmt.Sprintf("%T %s", o, o.GetName()); !read[key] {
			return key + " has not been read"
		}
	}
	return ""
}

func (h *house) versions(objects []client.Object) map[string]string {
	h.t.Helper()
	versions := map[string]string{}
	for _, o := range objects {
		versions[fmt.Sprintf("%T %s", o, o.GetName())] = h.get(o).GetResourceVersion()
	}
	return versions
}
