// SPDX-License-Identifier: Apache-2.0

package store

import (
	"iter"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/diag"
	"github.com/rolecall/rolecall/internal/policy"
)

// compiled is what a RoleBinding compiles to.
type compiled struct {
	unit   *policy.Binding
	faults diag.List
}

func (w *writer) compileBinding(o *v1alpha1.RoleBinding) compiled {
	unit, faults := w.options.Compiler.RoleBinding(o)
	return compiled{unit, faults}
}

const (
	// fewAhead is how many objects are not worth a second goroutine.
	fewAhead = 4 * aheadChunk
	// aheadChunk is how many objects are handed over at once, and aheadChunks how many
	// times so many may be ready: what is ready takes memory.
	aheadChunk  = 128
	aheadChunks = 4
)

// ahead yields the objects in their order, each RoleBinding with what it compiles to,
// while another goroutine compiles the next ones.
func ahead(objs []metav1.Object, compile func(*v1alpha1.RoleBinding) compiled) iter.Seq2[metav1.Object, compiled] {
	ready := make(chan []compiled, aheadChunks)
	go func() {
		defer close(ready)
		for at := 0; at < len(objs); at += aheadChunk {
			chunk := objs[at:min(at+aheadChunk, len(objs))]
			units := make([]compiled, len(chunk))
			for i, obj := range chunk {
				if b, ok := obj.(*v1alpha1.RoleBinding); ok {
					units[i] = compile(b)
				}
			}
			ready <- units
		}
	}()
	return func(yield func(metav1.Object, compiled) bool) {
		at := 0
		for chunk := range ready {
			for i := range chunk {
				if !yield(objs[at+i], chunk[i]) {
					for range ready { // or the other goroutine would wait for ever
					}
					return
				}
			}
			at += len(chunk)
		}
	}
}
