// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"math"

	"github.com/rolecall/rolecall/hack/bench/bounds"
	"github.com/rolecall/rolecall/hack/bench/record"
	"github.com/rolecall/rolecall/hack/bench/workload"
)

// bySize writes a table of one metric with a column for each size, and its ratio
// to the ideal engine's in the same round.
func (d *data) bySize(w *bytes.Buffer, bench, metric, unit string) {
	t := table{header: []string{"engine"}}
	for _, users := range d.users() {
		t.header = append(t.header, number(float64(users))+" users")
	}
	for _, c := range contestants() {
		row := []string{c.title}
		for _, users := range d.users() {
			s := d.get(c.key(bench, workload.RBAC, users), metric)
			cell := s.summary().value(unit)
			if cell != none && c.engine != ideal {
				cell += ", " + s.over(d.get(idealKey(bench, workload.RBAC, users), metric)).times()
			}
			row = append(row, cell)
		}
		t.add(row...)
	}
	t.write(w)
}

// allocations writes those of a check.
func (d *data) allocations(w *bytes.Buffer) {
	t := table{header: []string{"engine", "allocations a check", "bytes a check"}}
	for _, c := range contestants() {
		for _, users := range d.users() {
			k := c.key("check", workload.RBAC, users)
			if d.get(k, "allocs") != nil {
				t.add(c.title, number(math.Round(d.get(k, "allocs").summary().median)), number(math.Round(d.get(k, "bytes").summary().median)))
				break
			}
		}
	}
	t.write(w)
}

// variants writes checks by variant.
func (d *data) variants(w *bytes.Buffer) {
	const users = 10_000
	variants := []workload.Variant{workload.RBAC, workload.Condition, workload.Wildcards}
	t := table{header: []string{"engine", "plain", "an owner's permission in each role", "wildcards in 5% of the roles", "wildcards to plain"}}
	for _, c := range contestants() {
		row := []string{c.title}
		for _, v := range variants {
			s := d.get(c.key("check", v, users), "time")
			cell := s.summary().value("ns")
			if cell != none && c.engine != ideal {
				cell += ", " + s.over(d.get(idealKey("check", v, users), "time")).times()
			}
			row = append(row, cell)
		}
		if row[3] == none {
			continue
		}
		wild, plain := d.get(c.key("check", workload.Wildcards, users), "time"), d.get(c.key("check", workload.RBAC, users), "time")
		t.add(append(row, wild.over(plain).times())...)
	}
	t.write(w)
}

// hinging writes checks that hinge on a condition.
func (d *data) hinging(w *bytes.Buffer) {
	t := table{header: []string{
		"condition", "users", "check", "the same without condition", "cel-go alone", "check to the sum of both", "cel-go alone, its cost limited", "ideal, condition in Go", "check to ideal", "allocations",
	}}
	for _, v := range []workload.Variant{workload.Condition, workload.CEL} {
		for _, users := range d.users() {
			get := func(engine, metric string) series {
				return d.get(record.Key{Bench: "condition", Engine: engine, Variant: string(v), Users: users}, metric)
			}
			check, free, alone := get("rolecall", "time"), get("rolecall-unconditional", "time"), get("cel-go", "time")
			what := "`owner_id == subject.id`"
			if v == workload.CEL {
				what = "`startsWith` and `in`"
			}
			t.add(what, number(float64(users)), check.summary().value("ns"), free.summary().value("ns"), alone.summary().value("ns"),
				check.over(sum(free, alone)).times(), get("cel-go-limit", "time").summary().value("ns"), get(ideal, "time").summary().value("ns"), check.over(get(ideal, "time")).times(),
				get("rolecall", "allocs").summary().value(""))
		}
	}
	t.write(w)
}

// sum adds the medians of each round that has both.
func sum(a, b series) series {
	out, other := series{}, b.rounds()
	for round, value := range a.rounds() {
		if o, ok := other[round]; ok {
			out[round] = []float64{value + o}
		}
	}
	return out
}

// changes writes what single changes cost.
func (d *data) changes(w *bytes.Buffer) {
	t := table{header: []string{"engine"}}
	for _, users := range d.users() {
		t.header = append(t.header, number(float64(users))+" users: p50, p99")
	}
	for _, c := range contestants() {
		for _, kind := range []struct{ bench, what string }{
			{"change", ""},
			{"change-member", ": two objects, a subject less and a subject more"},
			{"change-role", ": a role"},
			{"change-resource", ": a resource"},
		} {
			row := []string{c.title + kind.what}
			for _, users := range d.users() {
				k := c.key(kind.bench, workload.RBAC, users)
				cell := none
				if s := d.get(k, "p50"); s != nil {
					cell = s.summary().value("us") + ", " + d.get(k, "p99").summary().value("us")
				}
				row = append(row, cell)
			}
			t.add(row...)
		}
	}
	t.write(w)
}

// besideWriter writes the latency of checks while a writer changes the policy.
func (d *data) besideWriter(w *bytes.Buffer) {
	t := table{header: []string{"engine", "users", "alone: p50, p99", "beside a writer: p50, p99", "p99 to p99 alone"}}
	for _, c := range contestants() {
		for _, users := range d.users() {
			alone, beside := c.key("check-alone", workload.RBAC, users), c.key("check-beside-writer", workload.RBAC, users)
			if d.get(alone, "p99") == nil {
				continue
			}
			pair := func(k record.Key) string {
				return d.get(k, "p50").summary().value("ns") + ", " + d.get(k, "p99").summary().value("ns")
			}
			t.add(c.title, number(float64(users)), pair(alone), pair(beside), d.get(beside, "p99").over(d.get(alone, "p99")).times())
		}
	}
	t.write(w)
}

// bounds writes the extreme shapes.
func (d *data) bounds(w *bytes.Buffer) {
	t := table{header: []string{
		"policy", "start", "heap", "a check in it", "a change in it: p50, p99", "a check of another namespace", "to the same in a store of its own", "beside a writer in the shape",
	}}
	for _, s := range bounds.Shapes() {
		get := func(metric string) series {
			return d.get(record.Key{Bench: "bounds", Engine: "rolecall", Variant: s.Name}, metric)
		}
		t.add(s.What, get("build").summary().value("ms"), get("heap").summary().value("MB"), get("check").summary().value("ns"),
			get("change-p50").summary().value("us")+", "+get("change-p99").summary().value("us"),
			get("neighbour").summary().value("ns"), get("neighbour").over(get("neighbour-alone")).times(),
			get("neighbour-beside-writer").summary().value("ns"))
	}
	t.write(w)
}
