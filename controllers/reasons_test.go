// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rolecall/rolecall/api/v1alpha1"
)

// TestDangling: what an object names may come before it or after it, and may go
// again; its status follows.
func TestDangling(t *testing.T) {
	inDocuments := binding("readers", "reader")
	inDocuments.Spec.Resources = []v1alpha1.ResourceRef{{Type: "document", ID: "handbook"}}
	tests := map[string]struct {
		beside  []client.Object // is there all the time
		object  client.Object
		missing client.Object
		want    verdict
	}{
		"a binding whose role is missing": {
			object: binding("readers", "reader"), missing: role("reader"),
			want: verdict{v1alpha1.ReasonRoleNotFound, `spec.roles[0]: "reader"`},
		},
		"a binding whose role is almost there": {
			beside: []client.Object{role("readers")}, object: binding("readers", "reader"), missing: role("reader"),
			want: verdict{v1alpha1.ReasonRoleNotFound, `did you mean "readers"`},
		},
		"a role whose inherited role is missing": {
			object: heir("editor", "reader"), missing: role("reader"),
			want: verdict{v1alpha1.ReasonInheritedRoleNotFound, `spec.inherits[0]: "reader"`},
		},
		"a role whose resource is missing": {
			object: role("reader", allow("document", "read")), missing: resource("document", "read"),
			want: verdict{v1alpha1.ReasonResourceNotFound, `spec.permissions[0].resource: "document"`},
		},
		"a binding whose resource is missing": {
			beside: []client.Object{role("reader")}, object: inDocuments, missing: resource("document"),
			want: verdict{v1alpha1.ReasonResourceNotFound, `spec.resources[0].type: "document"`},
		},
		"a pattern that matches no resource": {
			beside: []client.Object{resource("image", "read")},
			object: role("reader", allow("doc*", "read")), missing: resource("document", "read"),
			want: verdict{v1alpha1.ReasonPatternMatchesNothing, `spec.permissions[0].resource: "doc*"`},
		},
		"a Deny of a resource that is missing": {
			object: role("nobody", deny("document", "read")), missing: resource("document", "read"),
			want: verdict{v1alpha1.ReasonDenyMatchesNothing, `spec.permissions[0].resource: "document"`},
		},
		"a Deny pattern that matches nothing": {
			object: role("nobody", deny("*", "read")), missing: resource("document", "read"),
			want: verdict{v1alpha1.ReasonDenyMatchesNothing, `spec.permissions[0].resource: "*"`},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.create(tt.beside...)
			h.create(tt.object)
			h.await(tt.object, tt.want)
			h.create(tt.missing)
			h.await(tt.object, ready)
			h.remove(tt.missing)
			h.await(tt.object, tt.want)
		})
	}
}

// TestEditHeals: an edit of what an object names, or of the object, mends it and
// breaks it again.
func TestEditHeals(t *testing.T) {
	const (
		read      = `{"spec": {"actions": [{"name": "read"}]}}`
		readWrite = `{"spec": {"actions": [{"name": "read"}, {"name": "write"}]}}`
	)
	writer := role("writer", allow("document", "write"))
	erasers := role("eraser", allow("document", "wr*"))
	nobody := role("nobody", deny("doc*", "write"))
	wrong := role("wrong", v1alpha1.Permission{Resource: "document", Actions: []v1alpha1.Pattern{"read"}, Condition: "subject.nme == 'ann'"})
	reader := role("reader", v1alpha1.Permission{Resource: "document", Actions: []v1alpha1.Pattern{"read"}, Condition: "resource.properties.ownr == 'ann'"})
	narrow := binding("narrow", "writer")
	narrow.Spec.Resources = []v1alpha1.ResourceRef{{Type: "document", ID: "d1"}}
	narrow.Spec.Condition = "resource.properties.ownr == 'ann'"
	const (
		schema  = `{"spec": {"actions": [{"name": "read"}, {"name": "write"}], "schema": {"type": "object", "properties": {"owner": {"type": "string"}}}}}`
		mended  = `{"spec": {"schema": {"properties": {"ownr": {"type": "string"}}}}}`
		damaged = `{"spec": {"schema": {"properties": {"ownr": null}}}}`
	)
	gated := binding("gated", "writer")
	gated.Spec.Condition = "1 + 1"
	tests := map[string]struct {
		object client.Object
		edited client.Object
		// before is an edit that goes before the rest, if there is one.
		before       string
		mend, damage string
		want         verdict
	}{
		"an action that is declared later": {
			object: writer, edited: resource("document"), mend: readWrite, damage: read,
			want: verdict{v1alpha1.ReasonActionNotFound, `spec.permissions[0].actions[0]: "write"`},
		},
		"a pattern of actions": {
			object: erasers, edited: resource("document"), mend: readWrite, damage: read,
			want: verdict{v1alpha1.ReasonPatternMatchesNothing, `spec.permissions[0].actions[0]: "wr*"`},
		},
		"a Deny through a pattern of resources": {
			object: nobody, edited: resource("document"), mend: readWrite, damage: read,
			want: verdict{v1alpha1.ReasonDenyMatchesNothing, `spec.permissions[0].actions[0]: "write"`},
		},
		"a condition of a role that does not compile": {
			object: wrong, edited: wrong,
			mend:   `{"spec": {"permissions": [{"resource": "document", "actions": ["read"], "condition": "subject.id == 'ann'"}]}}`,
			damage: `{"spec": {"permissions": [{"resource": "document", "actions": ["read"], "condition": "subject.nme == 'ann'"}]}}`,
			want:   verdict{v1alpha1.ReasonInvalidCondition, `spec.permissions[0].condition (line 1, column `},
		},
		"a condition that a schema does not fit": {
			object: reader, edited: resource("document"), before: schema, mend: mended, damage: damaged,
			want: verdict{v1alpha1.ReasonConditionMismatch, `did you mean "owner"?`},
		},
		"a gate that a schema does not fit": {
			object: narrow, edited: resource("document"), before: schema, mend: mended, damage: damaged,
			want: verdict{v1alpha1.ReasonConditionMismatch, `did you mean "owner"?`},
		},
		"a schema that is none": {
			object: resource("page"), edited: resource("page"), before: `{"spec": {"schema": {"type": "text"}}}`,
			mend: `{"spec": {"schema": {"type": "object"}}}`, damage: `{"spec": {"schema": {"type": "text"}}}`,
			want: verdict{v1alpha1.ReasonInvalidSchema, `spec.schema.type`},
		},
		"a gate that is no boolean": {
			object: gated, edited: gated,
			mend: `{"spec": {"condition": "1 == 1"}}`, damage: `{"spec": {"condition": "1 + 1"}}`,
			want: verdict{v1alpha1.ReasonInvalidCondition, `spec.condition`},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.create(resource("document", "read"), writer)
			if tt.object != client.Object(writer) {
				h.create(tt.object)
			}
			if tt.before != "" {
				h.edit(tt.edited, tt.before)
			}
			h.await(tt.object, tt.want)
			h.edit(tt.edited, tt.mend)
			h.await(tt.object, ready)
			h.edit(tt.edited, tt.damage)
			h.await(tt.object, tt.want)
		})
	}
}

func TestConflict(t *testing.T) {
	claimants := map[string]func(name string) client.Object{
		"of a role id": func(name string) client.Object {
			r := role(name)
			r.Spec.ID = "contested"
			return r
		},
		"of a resource type": func(name string) client.Object {
			r := resource(name, "read")
			r.Spec.Type = "contested"
			return r
		},
	}
	for name, claimant := range claimants {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			// The first two may be created in one second: the name decides then.
			first, second, third := claimant("a"), claimant("b"), claimant("c")
			h.create(first)
			h.await(first, ready)
			h.create(second, third)
			h.await(second, verdict{v1alpha1.ReasonConflicted, `"contested"`})
			h.await(third, verdict{v1alpha1.ReasonConflicted, `"a"`})
			if !meta.IsStatusConditionTrue(statusOf(h.get(second)).Conditions, v1alpha1.ConditionStalled) {
				t.Error("the second claimant is not stalled")
			}
			h.remove(first)
			h.await(second, ready)
			h.await(third, verdict{v1alpha1.ReasonConflicted, `"b"`})
		})
	}
}

// TestConflictOverActions: what a type declares is what its owner declares.
func TestConflictOverActions(t *testing.T) {
	h := newHouse(t)
	owner, other := resource("a", "read"), resource("b", "write")
	owner.Spec.Type, other.Spec.Type = "document", "document"
	writer := role("writer", allow("document", "write"))
	h.create(owner)
	h.await(owner, ready)
	h.create(other, writer)
	h.await(writer, verdict{reason: v1alpha1.ReasonActionNotFound})
	h.remove(owner)
	h.await(writer, ready)
}

func TestCycle(t *testing.T) {
	h := newHouse(t)
	a, b, c, outside := heir("a", "b"), heir("b", "c"), heir("c", "a"), heir("outside", "a")
	h.create(a, b, outside)
	h.await(b, verdict{reason: v1alpha1.ReasonInheritedRoleNotFound})
	h.await(a, ready)
	h.create(c)
	for _, member := range []client.Object{a, b, c} {
		h.await(member, verdict{v1alpha1.ReasonInheritanceCycle, " -> "})
	}
	h.await(outside, ready)
	h.edit(c, `{"spec": {"inherits": null}}`)
	for _, member := range []client.Object{a, b, c, outside} {
		h.await(member, ready)
	}
	h.edit(c, `{"spec": {"inherits": ["a"]}}`)
	for _, member := range []client.Object{a, b, c} {
		h.await(member, verdict{v1alpha1.ReasonInheritanceCycle, "a"})
	}
	h.remove(b)
	h.await(c, ready)
	h.await(a, verdict{reason: v1alpha1.ReasonInheritedRoleNotFound})
}

// TestWarning: a type of subject that nothing declares is perhaps a typo, which
// is said and stops nothing.
func TestWarning(t *testing.T) {
	h := newHouse(t)
	robots := binding("robots", "reader")
	robots.Spec.Subjects = []v1alpha1.Subject{{Type: "servce", ID: "crawler"}}
	h.create(role("reader"), robots)
	h.await(robots, ready)
	warned := func() bool {
		c := meta.FindStatusCondition(statusOf(h.get(robots)).Conditions, v1alpha1.ConditionAccepted)
		return c != nil && strings.Contains(c.Message, `spec.subjects[0].type: "servce"`)
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
