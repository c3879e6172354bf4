// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/rolecall/rolecall/hack/bench/record"
	"github.com/rolecall/rolecall/hack/bench/workload"
)

// short measures Rolecall beside the floor, a moment each. Wrong answers fail it,
// and allocations where there must be none; how long anything takes does not.
func short(ctx context.Context, o options) error {
	program, err := build(ctx, o, "hack/bench", "./cmd/inproc", "inproc")
	if err != nil {
		return err
	}
	o.slice, o.resume = 50*time.Millisecond, false
	steps := shortSteps(programs{"inproc": program}, o)
	r, err := newRunner(o, "short", len(steps))
	if err != nil {
		return err
	}
	for _, s := range steps {
		if err := r.run(ctx, s); err != nil {
			return err
		}
	}
	if err := shortTable(filepath.Join(o.out, "short.jsonl")); err != nil {
		return err
	}
	if r.failed > 0 {
		return errors.New("the answers are wrong, or checks allocate")
	}
	return nil
}

func shortSteps(p programs, o options) []step {
	var steps []step
	for _, users := range []int{1000, 10_000} {
		for _, v := range workload.Variants() {
			var more []string
			if v != workload.CEL {
				more = append(more, "-no-allocs")
			}
			if v != workload.RBAC {
				more = append(more, "-checks-only")
			}
			steps = append(steps, p.measured(o, 1, "ideal", "", v, users, more...))
			for _, shape := range []string{workload.Single, workload.Grouped} {
				steps = append(steps, p.measured(o, 1, "rolecall", shape, v, users, more...))
			}
		}
	}
	return steps
}

// shortTable prints what was measured, for information.
func shortTable(path string) error {
	records, err := record.ReadFile(path)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "users\tvariant\tengine\tshape\tcheck")
	for i := range records {
		if r := &records[i]; r.Bench == "check" && r.Metric == "time" {
			_, _ = fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%.0f %s\n", r.Users, r.Variant, r.Engine, r.Shape, r.Value, r.Unit)
		}
	}
	return w.Flush()
}
