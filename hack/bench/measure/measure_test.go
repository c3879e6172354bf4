// SPDX-License-Identifier: Apache-2.0

package measure_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/rolecall/rolecall/hack/bench/engine"
	"github.com/rolecall/rolecall/hack/bench/measure"
	"github.com/rolecall/rolecall/hack/bench/product"
	"github.com/rolecall/rolecall/hack/bench/record"
	"github.com/rolecall/rolecall/hack/bench/workload"
)

func config(name, shape string, v workload.Variant) measure.Config {
	return measure.Config{
		Key:   record.Key{Engine: name, Shape: shape, Variant: string(v), Users: 200, Round: 1},
		Slice: time.Millisecond, Requests: 2048, Verify: 2048,
	}
}

// TestAgree: Rolecall in both shapes and the floors answer as the oracle does, in
// every variant, before and after changes, and every engine reports the same.
func TestAgree(t *testing.T) {
	engines := engine.Floors()
	for _, shape := range []string{workload.Single, workload.Grouped} {
		engines["rolecall/"+shape] = func() engine.Engine { return product.New(shape) }
	}
	for name := range engines {
		for _, v := range workload.Variants() {
			t.Run(name+"/"+string(v), func(t *testing.T) {
				var out bytes.Buffer
				product, shape, _ := strings.Cut(name, "/")
				if err := measure.Run(&out, engines, config(product, shape, v)); err != nil {
					t.Fatal(err)
				}
				records, err := record.Read(&out)
				if err != nil {
					t.Fatal(err)
				}
				for _, bench := range []string{"noise", "build", "check", "check-parallel", "change"} {
					if !has(records, bench) {
						t.Errorf("there is no record of %s", bench)
					}
				}
			})
		}
	}
}

func has(records []record.Record, bench string) bool {
	for i := range records {
		if records[i].Bench == bench && records[i].Value > 0 {
			return true
		}
	}
	return false
}

// broken is the ideal engine with a fault.
type broken struct {
	engine.Engine

	wrong  func(q *workload.Request) bool
	frozen bool
}

func (b broken) Reader(requests []workload.Request) engine.Reader {
	read := b.Engine.Reader(requests)
	return func(i int) bool { return read(i) != (b.wrong != nil && b.wrong(&requests[i])) }
}

func (b broken) Change(user int, from, to workload.Assignment) func() {
	if b.frozen {
		return func() {}
	}
	return b.Engine.Change(user, from, to)
}

// TestRefuses: an engine whose answers differ is not timed.
func TestRefuses(t *testing.T) {
	for name, fault := range map[string]broken{
		"one wrong answer": {wrong: func(q *workload.Request) bool { return q.UserN == 7 }},
		"deaf to changes":  {frozen: true},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			fault.Engine = engine.Floors()["ideal"]()
			err := measure.Run(&out, map[string]engine.New{"broken": func() engine.Engine { return fault }}, config("broken", "", workload.RBAC))
			if err == nil || !strings.Contains(err.Error(), "the engine says") {
				t.Errorf("error %v, want one that names the request", err)
			}
			if strings.Contains(out.String(), `"bench":"change"`) {
				t.Error("it was timed")
			}
		})
	}
}

// TestNoAllocs: an engine that allocates fails the run that forbids it.
func TestNoAllocs(t *testing.T) {
	c := config("wasteful", "", workload.RBAC)
	c.NoAllocs = true
	wasteful := broken{Engine: engine.Floors()["ideal"](), wrong: func(*workload.Request) bool {
		kept = append([]byte(nil), "allocates"...)
		return false
	}}
	err := measure.Run(new(bytes.Buffer), map[string]engine.New{"wasteful": func() engine.Engine { return wasteful }}, c)
	if err == nil || !strings.Contains(err.Error(), "allocations") {
		t.Errorf("error %v, want one about allocations", err)
	}
}

var kept []byte
