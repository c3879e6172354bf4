// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"fmt"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/store"
)

// A long first list is the same as its objects one by one: the same revision, counts
// and faults.
func TestALongFirstListIsLikeItsObjects(t *testing.T) {
	resource, role, b := objects()
	all := []metav1.Object{resource, role}
	for i := range 3000 {
		binding := b.(*v1alpha1.RoleBinding).DeepCopy()
		binding.ObjectMeta = meta(fmt.Sprintf("b-%d", i))
		if i%7 == 0 {
			binding.Spec.Condition = "((("
		}
		all = append(all, binding)
	}
	list, published := start(t, nil)
	list.Replace(lists(all...)...)
	got := <-published

	alone, published := start(t, nil)
	alone.Replace(lists()...)
	<-published
	var want store.Info
	for _, obj := range all {
		alone.Put(obj)
		want = <-published
	}
	if got.Revision != want.Revision || fmt.Sprint(got.Objects, got.Faults) != fmt.Sprint(want.Objects, want.Faults) {
		t.Errorf("a list gives %s %v %v, its objects one by one %s %v %v",
			got.Revision, got.Objects, got.Faults, want.Revision, want.Objects, want.Faults)
	}
	if got := decide(t, list); got != decide(t, alone) {
		t.Errorf("a list decides %s, its objects one by one %s", got, decide(t, alone))
	}
}
