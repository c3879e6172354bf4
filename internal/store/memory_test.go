// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"fmt"
	"runtime"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rolecall/rolecall/api/v1alpha1"
)

// TestMemoryOfWhatIsGoneComesBack fills a store, also with objects that have
// faults, and empties it again.
func TestMemoryOfWhatIsGoneComesBack(t *testing.T) {
	s, published := start(t, nil)
	s.Replace(lists()...)
	<-published
	before := heap()
	s.Replace(lists(crowd()...)...)
	if info := <-published; info.Faults[v1alpha1.ReasonInvalidCondition] == 0 {
		t.Errorf("the faults are %v: nothing is wrong with the objects", info.Faults)
	}
	full := heap()
	s.Replace(lists()...)
	if info := <-published; len(info.Faults) > 0 {
		t.Errorf("without objects, the faults are %v", info.Faults)
	}
	after := heap()
	runtime.KeepAlive(s)
	if full < before+1<<20 {
		t.Errorf("the objects take %d bytes, which is too little to prove something", full-before)
	}
	if after > before+(full-before)/10 {
		t.Errorf("of %d bytes for objects, %d are still held", full-before, after-before)
	}
}

// crowd returns objects of some namespaces.
func crowd() []metav1.Object {
	var all []metav1.Object
	for i := range 12_000 {
		resource, role, binding := objects()
		made := []metav1.Object{binding}
		if i < 100 {
			made = []metav1.Object{resource, role, binding}
		}
		for _, o := range made {
			o.SetName(fmt.Sprintf("%s-%d", o.GetName(), i))
			o.SetNamespace(fmt.Sprintf("namespace-%d", i%5))
		}
		b, ok := binding.(*v1alpha1.RoleBinding)
		if !ok {
			panic("objects returns no binding")
		}
		b.Spec.Scope = fmt.Sprintf("org:%d", i)
		b.Spec.Subjects[0].ID = fmt.Sprintf("user-%d", i)
		if i%2 == 0 {
			b.Spec.Condition = "1 +"
		}
		all = append(all, made...)
	}
	return all
}

// heap returns how many bytes are in use.
func heap() uint64 {
	runtime.GC()
	runtime.GC() // what a pool holds goes with the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
