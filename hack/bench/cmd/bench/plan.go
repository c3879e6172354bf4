// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rolecall/rolecall/hack/bench/bounds"
	"github.com/rolecall/rolecall/hack/bench/workload"
)

const (
	// variantUsers is the size at which variants and peers' servers are compared.
	variantUsers = 10_000
	// maxSingle is the largest policy with a RoleBinding an assignment: 300,000.
	maxSingle = 100_000
	// largePeers take seconds to build and minutes to verify.
	largePeers, largePeerRounds = 1_000_000, 2
	// boundRounds is how often extreme shapes are measured.
	boundRounds = 2
)

// programs are the paths of the programs that steps run.
type programs map[string]string

func buildInproc(ctx context.Context, o options) (programs, error) {
	p := programs{}
	for _, b := range []struct{ name, module, pkg string }{
		{"inproc", "hack/bench", "./cmd/inproc"},
		{"conditions", "hack/bench", "./cmd/conditions"},
		{"bounds", "hack/bench", "./cmd/bounds"},
		{"peers", "hack/bench/peers", "."},
		{"kubernetes", "hack/bench/peers/kubernetes", "."},
	} {
		var err error
		if p[b.name], err = build(ctx, o, b.module, b.pkg, b.name); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// inproc measures everything that runs in its process.
func inproc(ctx context.Context, o options) (failed int, err error) {
	p, err := buildInproc(ctx, o)
	if err != nil {
		return 0, err
	}
	var steps []step
	for round := 1; round <= o.rounds; round++ {
		for _, users := range o.sizes {
			steps = append(steps, size(p, o, round, users)...)
		}
		if slices.Contains(o.sizes, variantUsers) {
			steps = append(steps, variants(p, o, round)...)
		}
		for _, users := range o.sizes {
			if users <= variantUsers {
				steps = append(steps, hinging(p, o, round, users)...)
			}
		}
		if round <= boundRounds {
			steps = append(steps, extremes(p, o, round)...)
		}
	}
	return runSteps(ctx, o, partInproc, steps)
}

// measured returns the step that measures an engine.
func (p programs) measured(o options, round int, name, shape string, v workload.Variant, users int, more ...string) step {
	s := step{title: fmt.Sprintf("%s, %s, %d users", strings.TrimSpace(name+" "+shape), v, users), round: round}
	program := p["inproc"]
	switch name {
	case "casbin", "cedar", "opa":
		program = p["peers"]
		more = append(more, "-requests=8192") // in the engine's own form they are large
	case "kubernetes":
		program = p["kubernetes"]
		more = append(more, "-requests=8192")
	}
	s.command = append([]string{
		program, "-engine=" + name, "-shape=" + shape, "-variant=" + string(v), "-users=" + strconv.Itoa(users),
		"-round=" + strconv.Itoa(round), "-slice=" + o.slice.String(),
	}, more...)
	return s
}

var peers = []string{"cedar", "opa", "kubernetes", "casbin"}

// size compares everything with the plain variant. The floor of the ratios runs
// first and last.
func size(p programs, o options, round, users int) []step {
	add := func(steps []step, name, shape string) []step {
		return append(steps, p.measured(o, round, name, shape, workload.RBAC, users))
	}
	steps := add(nil, "ideal", "")
	if users <= maxSingle {
		steps = add(steps, "rolecall", workload.Single)
	}
	steps = add(steps, "rolecall", workload.Grouped)
	steps = add(add(steps, "ideal-flat", ""), "mapget", "")
	again := p.measured(o, round, "ideal", "", workload.RBAC, users)
	again.title += ", again"
	steps = append(steps, again)
	if rounds := o.peerRounds; round <= rounds && (users < largePeers || round <= largePeerRounds) {
		for _, name := range peers {
			steps = add(steps, name, "")
		}
	}
	return steps
}

// variants compares the other variants at one size.
func variants(p programs, o options, round int) []step {
	var steps []step
	for _, v := range []workload.Variant{workload.Condition, workload.Wildcards} {
		for _, name := range append([]string{"ideal", "rolecall"}, peers...) {
			shape := ""
			switch {
			case name == "rolecall":
				shape = workload.Single
			case name == "kubernetes" && v.Conditional(): // it knows no conditions
				continue
			case name != "ideal" && round > o.peerRounds:
				continue
			}
			steps = append(steps, p.measured(o, round, name, shape, v, variantUsers, "-checks-only"))
		}
	}
	return steps
}

// hinging measures checks that hinge on a condition.
func hinging(p programs, o options, round, users int) []step {
	var steps []step
	for _, v := range []workload.Variant{workload.Condition, workload.CEL} {
		steps = append(steps, step{
			title: fmt.Sprintf("checks that hinge on a condition, %s, %d users", v, users), round: round,
			command: []string{
				p["conditions"], "-variant=" + string(v), "-users=" + strconv.Itoa(users),
				"-round=" + strconv.Itoa(round), "-slice=" + o.slice.String(),
			},
		})
	}
	return steps
}

func extremes(p programs, o options, round int) []step {
	var steps []step
	for _, s := range bounds.Shapes() {
		steps = append(steps, step{
			title: "extreme shape, " + s.Name, round: round,
			command: []string{p["bounds"], "-shape=" + s.Name, "-round=" + strconv.Itoa(round), "-slice=" + o.slice.String()},
		})
	}
	return steps
}
