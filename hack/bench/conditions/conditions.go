// SPDX-License-Identifier: Apache-2.0

// Package conditions measures checks that hinge on a condition, beside the same
// checks without it and the condition alone. All take turns in one process, as
// what is asked for is a ratio near one.
package conditions

import (
	"fmt"
	"slices"
	"time"

	"github.com/google/cel-go/cel"

	"github.com/rolecall/rolecall/hack/bench/engine"
	"github.com/rolecall/rolecall/hack/bench/measure"
	"github.com/rolecall/rolecall/hack/bench/product"
	"github.com/rolecall/rolecall/hack/bench/record"
	"github.com/rolecall/rolecall/hack/bench/workload"
	"github.com/rolecall/rolecall/internal/expr"
)

// turns is how often each takes its turn.
const turns = 8

// contestant is what takes turns with others.
type contestant struct {
	name   string
	read   engine.Reader
	times  []float64
	allocs []float64
}

// Run measures what hinges on the condition of a variant.
func Run(records *record.Writer, k record.Key, requests int, slice time.Duration) error {
	v := workload.Variant(k.Variant)
	if !v.Conditional() {
		return fmt.Errorf("variant %s has no conditions", v)
	}
	set := workload.New(v, k.Users)
	hinging := slices.DeleteFunc(set.Requests(requests), func(q workload.Request) bool { return !q.Hinges })
	all, err := contestants(set, hinging)
	if err != nil {
		return err
	}
	for range turns {
		for _, c := range all {
			c.turn(len(hinging), slice/turns)
		}
	}
	k.Bench = "condition"
	for _, c := range all {
		k.Engine = c.name
		records.Put(k, "time", median(c.times), "ns")
		records.Put(k, "allocs", median(c.allocs), "")
	}
	return records.Err()
}

func (c *contestant) turn(n int, slice time.Duration) {
	measure.Loop(c.read, n, slice/6)
	before, _ := measure.Mallocs()
	ops, took := measure.Loop(c.read, n, slice)
	after, _ := measure.Mallocs()
	c.times = append(c.times, measure.PerOp(ops, took))
	c.allocs = append(c.allocs, float64(after-before)/float64(ops))
}

func median(v []float64) float64 {
	slices.Sort(v)
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// contestants builds all, and compares each with the oracle.
func contestants(set *workload.Set, requests []workload.Request) ([]*contestant, error) {
	free := unconditional(set)
	open := slices.Clone(requests)
	for i := range open {
		open[i].Allowed = true
	}
	var all []*contestant
	for _, c := range []struct {
		name     string
		engine   engine.Engine
		set      *workload.Set
		requests []workload.Request
	}{
		{"rolecall", product.New(workload.Single), set, requests},
		{"rolecall-unconditional", product.New(workload.Single), free, open},
		{"ideal", engine.Floors()["ideal"](), set, requests},
	} {
		if p, ok := c.engine.(engine.Preparer); ok {
			p.Prepare(c.set)
		}
		if err := c.engine.Build(c.set); err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		all = append(all, &contestant{name: c.name, read: c.engine.Reader(c.requests)})
		if err := verify(all[len(all)-1], c.requests); err != nil {
			return nil, err
		}
	}
	return programs(all, set.Variant, requests)
}

// unconditional returns the policy without its conditions.
func unconditional(set *workload.Set) *workload.Set {
	free := *set
	free.Variant, free.Roles = workload.RBAC, nil
	for _, permissions := range set.Roles {
		permissions = slices.Clone(permissions)
		for i := range permissions {
			permissions[i].Owner = false
		}
		free.Roles = append(free.Roles, permissions)
	}
	return &free
}

// programs adds the condition alone, as cel-go runs it: without, and with a limit
// of the cost.
func programs(all []*contestant, v workload.Variant, requests []workload.Request) ([]*contestant, error) {
	text := product.OwnerCondition
	if v == workload.CEL {
		text = product.CELCondition
	}
	for _, p := range []struct {
		name    string
		options []cel.ProgramOption
	}{
		{"cel-go", []cel.ProgramOption{cel.EvalOptions(cel.OptOptimize)}},
		{"cel-go-limit", []cel.ProgramOption{cel.EvalOptions(cel.OptOptimize), cel.CostLimit(expr.CheckBudget)}},
	} {
		read, err := program(text, requests, p.options)
		if err != nil {
			return nil, err
		}
		all = append(all, &contestant{name: p.name, read: read})
		if err := verify(all[len(all)-1], requests); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func program(text string, requests []workload.Request, options []cel.ProgramOption) (engine.Reader, error) {
	object := cel.MapType(cel.StringType, cel.DynType)
	env, err := cel.NewEnv(cel.Variable("subject", object), cel.Variable("resource", object))
	if err != nil {
		return nil, err
	}
	ast, issues := env.Compile(text)
	if err := issues.Err(); err != nil {
		return nil, err
	}
	prg, err := env.Program(ast, options...)
	if err != nil {
		return nil, err
	}
	inputs := make([]map[string]any, len(requests))
	for i := range requests {
		q := &requests[i]
		inputs[i] = map[string]any{
			"subject":  map[string]any{"id": q.User},
			"resource": map[string]any{"properties": map[string]any{"owner_id": q.Owner}},
		}
	}
	return func(i int) bool {
		out, _, err := prg.Eval(inputs[i])
		return err == nil && out.Value() == true
	}, nil
}

func verify(c *contestant, requests []workload.Request) error {
	for i := range requests {
		if got := c.read(i); got != requests[i].Allowed {
			return fmt.Errorf("%s: request %+v: it says %t", c.name, requests[i], got)
		}
	}
	return nil
}
