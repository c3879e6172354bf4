// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/devcluster/devclustertest"
)

// BenchmarkWriteToDecision measures the time from the return of a write to the
// first changed answer at the door, against the embedded API server: a binding
// is created, then deleted, and so on.
func BenchmarkWriteToDecision(b *testing.B) {
	o := options(b)
	o.Kube = devclustertest.Start(b)
	r := run(b, o)
	kube, namespace := newClient(b, o.Kube), devclustertest.Namespace(b)
	resource, role, binding := objects(namespace)
	create(b, kube, resource)
	create(b, kube, role)
	r.await(b, namespace, "alice", "NoRole")

	var lags []time.Duration
	for i := 0; b.Loop(); i++ {
		want := i%2 == 0
		write(b, kube, binding, want, i)
		returned := time.Now()
		for {
			v, status, err := r.check(b.Context(), namespace, "alice")
			if err != nil || status != 200 {
				b.Fatalf("status %d: %v", status, err)
			}
			if v.Decision == want {
				break
			}
		}
		lags = append(lags, time.Since(returned))
	}
	slices.Sort(lags)
	b.ReportMetric(float64(lags[len(lags)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(lags[len(lags)*99/100].Microseconds()), "p99-µs")
}

// write creates the binding, or deletes it.
func write(b *testing.B, kube client.Client, binding *v1alpha1.RoleBinding, exists bool, i int) {
	b.Helper()
	if !exists {
		if err := kube.Delete(b.Context(), binding); err != nil {
			b.Fatal(err)
		}
		return
	}
	binding.Name, binding.ResourceVersion, binding.UID = fmt.Sprintf("readers-%d", i), "", ""
	create(b, kube, binding)
}
