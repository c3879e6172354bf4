// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/controllers"
)

var noon = metav1.NewTime(time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC))

// kept is metadata that a status, a write or an event is made of.
func kept(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Namespace: "app", Name: name, UID: "uid", ResourceVersion: "7", Generation: 3,
		CreationTimestamp: noon, DeletionTimestamp: &noon,
	}
}

// judged is a status as the controllers write it.
func judged() v1alpha1.Status {
	condition := func(kind string) metav1.Condition {
		return metav1.Condition{
			Type: kind, Status: metav1.ConditionTrue, ObservedGeneration: 3, LastTransitionTime: noon,
			Reason: kind, Message: "It is " + kind + ".",
		}
	}
	return v1alpha1.Status{ObservedGeneration: 3, Conditions: append(make([]metav1.Condition, 0, 4),
		condition(v1alpha1.ConditionAccepted), condition(v1alpha1.ConditionResolvedRefs), condition(v1alpha1.ConditionReady),
	)}
}

// whole returns objects that use every field from which something is shared or
// copied.
func whole() []client.Object {
	doc := resource("doc", "read", "write")
	doc.Spec.Description, doc.Status.Status = "A document.", judged()
	reader := role("reader", allow("doc", "read", "write"), deny("*", "*"))
	reader.Spec.Inherits, reader.Spec.Permissions[0].Condition, reader.Status.Status = []v1alpha1.ID{"other"}, "true", judged()
	readers := binding("readers", "reader", "other")
	readers.Spec.Subjects = append(readers.Spec.Subjects, v1alpha1.Subject{Type: "sso_group", Connection: "saml", ID: "eng"})
	readers.Spec.Resources = []v1alpha1.ResourceRef{{Type: "doc", ID: "1"}}
	readers.Spec.Condition, readers.Spec.NotAfter, readers.Status.Status = "true", &noon, judged()
	team := group("team", v1alpha1.Subject{Type: "user", ID: "ann"}, v1alpha1.Subject{Type: "sso_group", Connection: "saml", ID: "eng"})
	team.Status.Status = judged()
	return []client.Object{doc, reader, readers, team}
}

// TestTrim: what a status is made of stays as it is, and nothing else does.
func TestTrim(t *testing.T) {
	trim := controllers.NewTrim()
	for i, o := range whole() {
		want := whole()[i]
		*metaOf(want) = kept(o.GetName())
		*metaOf(o) = kept(o.GetName())
		o.SetLabels(map[string]string{"team": "docs"})
		o.SetAnnotations(map[string]string{"note": "long"})
		o.SetManagedFields([]metav1.ManagedFieldsEntry{{Manager: "kubectl"}})
		o.SetOwnerReferences([]metav1.OwnerReference{{Name: "owner"}})
		o.SetFinalizers([]string{"example.com/hold"})
		o.GetObjectKind().SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("Kind"))
		for _, time := range []string{"the first", "the second"} {
			got, err := trim(o)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(any(want), got); diff != "" {
				t.Errorf("%T, trimmed %s time (-want +got):\n%s", o, time, diff)
			}
		}
	}
}

// metaOf returns the metadata of an object.
func metaOf(o client.Object) *metav1.ObjectMeta {
	switch o := o.(type) {
	case *v1alpha1.Resource:
		return &o.ObjectMeta
	case *v1alpha1.Role:
		return &o.ObjectMeta
	case *v1alpha1.RoleBinding:
		return &o.ObjectMeta
	case *v1alpha1.Group:
		return &o.ObjectMeta
	}
	return nil
}

// TestTrimShares: objects that have been judged alike hold one list, which has
// no slack.
func TestTrimShares(t *testing.T) {
	trim := controllers.NewTrim()
	one, two, other := binding("one", "reader"), binding("two", "reader"), binding("other", "reader")
	one.Status.Status, two.Status.Status, other.Status.Status = judged(), judged(), judged()
	other.Status.Conditions[2].Status = metav1.ConditionFalse
	for _, o := range []client.Object{one, two, other} {
		if _, err := trim(o); err != nil {
			t.Fatal(err)
		}
	}
	if &one.Status.Conditions[0] != &two.Status.Conditions[0] {
		t.Error("two objects with equal conditions hold a list each")
	}
	if &one.Status.Conditions[0] == &other.Status.Conditions[0] {
		t.Error("two objects with other conditions hold one list")
	}
	if n := cap(one.Status.Conditions); n != 3 {
		t.Errorf("the list of three conditions has room for %d", n)
	}
}

// TestTrimRefuses: an object that it does not know would be kept whole, and
// nobody would notice. What is no object, such as the mark of a deletion that
// was missed, passes.
func TestTrimRefuses(t *testing.T) {
	trim := controllers.NewTrim()
	if _, err := trim(&corev1.Secret{}); err == nil {
		t.Error("a Secret was let through")
	}
	if _, err := trim(cache.DeletedFinalStateUnknown{}); err != nil {
		t.Errorf("the mark of a deletion: %v", err)
	}
}
