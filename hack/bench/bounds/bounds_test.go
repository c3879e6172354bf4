// SPDX-License-Identifier: Apache-2.0

package bounds_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/rolecall/rolecall/hack/bench/bounds"
	"github.com/rolecall/rolecall/hack/bench/record"
)

// TestRun measures the smaller shapes for a moment: all there is to measure has a
// record.
func TestRun(t *testing.T) {
	for _, name := range []string{"binding-1000-subjects", "subject-1000-bindings", "namespaces-10000"} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			k := record.Key{Variant: name, Round: 1}
			if err := bounds.Run(record.NewWriter(&out), k, time.Millisecond); err != nil {
				t.Fatal(err)
			}
			records, err := record.Read(&out)
			if err != nil {
				t.Fatal(err)
			}
			measured := map[string]bool{}
			for i := range records {
				measured[records[i].Metric] = records[i].Value > 0
			}
			for _, metric := range []string{"build", "check", "change-p50", "change-p99", "neighbour", "neighbour-alone", "neighbour-beside-writer"} {
				if !measured[metric] {
					t.Errorf("%s was not measured", metric)
				}
			}
		})
	}
}

func TestUnknownShape(t *testing.T) {
	if err := bounds.Run(record.NewWriter(new(bytes.Buffer)), record.Key{Variant: "round"}, time.Millisecond); err == nil {
		t.Error("an unknown shape is no error")
	}
}
