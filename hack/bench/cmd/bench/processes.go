// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/rolecall/rolecall/hack/bench/servers"
)

// overLoopback asks the servers.
func overLoopback(ctx context.Context, o options) (failed int, err error) {
	binaries, loader, err := buildServers(ctx, o)
	if err != nil {
		return 0, err
	}
	dir, err := os.MkdirTemp("", "rolecall-bench-")
	if err != nil {
		return 0, err
	}
	fmt.Printf("starting the servers; their files are in %s\n", dir)
	fleet, err := servers.Start(ctx, dir, binaries, o.gogcs)
	defer func() { err = errors.Join(err, fleet.Stop()) }()
	if err != nil {
		return 0, err // the folder stays: their logs are there
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	steps := loads(o, fleet, loader)
	return runSteps(ctx, o, partServers, steps)
}

func buildServers(ctx context.Context, o options) (binaries servers.Binaries, loader string, err error) {
	binaries = servers.Binaries{}
	if binaries["floor"], err = build(ctx, o, "hack/bench", "./cmd/floor", "floor"); err != nil {
		return nil, "", err
	}
	binaries[servers.Undecoded] = binaries["floor"]
	if binaries["rolecall"], err = build(ctx, o, ".", "./cmd/rolecall", "rolecall"); err != nil {
		return nil, "", err
	}
	for _, name := range []string{"opa", "cerbos"} {
		cmd := exec.CommandContext(ctx, "hack/bench/build.sh", name) //nolint:gosec // a constant
		cmd.Stderr = os.Stderr
		path, err := cmd.Output()
		if err != nil {
			return nil, "", fmt.Errorf("build %s: %w", name, err)
		}
		binaries[name] = string(path[:len(path)-1])
	}
	loader, err = build(ctx, o, "hack/bench", "./cmd/load", "load")
	return binaries, loader, err
}

// loads asks every server with every number of connections, round by round, the
// floor first and last. The generator has core 1.
func loads(o options, fleet *servers.Fleet, loader string) []step {
	var steps []step
	for round := 1; round <= o.rounds; round++ {
		for _, conns := range []int{1, 16, 64} {
			var again []step
			for _, s := range fleet.Servers {
				one := step{
					title: fmt.Sprintf("%s, GOGC %d, %d connections", s.Name, s.GOGC, conns), round: round,
					command: servers.Pin(1, loader, "-engine="+s.Name, "-users="+strconv.Itoa(servers.Users), "-gogc="+strconv.Itoa(s.GOGC),
						"-round="+strconv.Itoa(round), "-conns="+strconv.Itoa(conns), "-slice="+o.serverSlice.String(), "-address="+s.Address,
						"-path="+s.Path, "-bodies="+s.Bodies, "-marker="+s.Marker, "-process="+strconv.Itoa(s.Process()),
						"-constant="+strconv.FormatBool(s.Constant)),
				}
				steps = append(steps, one)
				if s.Constant {
					one.title += ", again"
					again = append(again, one)
				}
			}
			steps = append(steps, again...)
		}
	}
	return steps
}

// kube runs the program that measures the operator against a real API server; it
// prints its own progress, and begins anew each time.
func kube(ctx context.Context, o options) (failed int, err error) {
	program, err := build(ctx, o, "hack/bench/kube", ".", "kube")
	if err != nil {
		return 0, err
	}
	out := filepath.Join(o.out, partKube+".jsonl")
	if err := os.RemoveAll(out); err != nil {
		return 0, err
	}
	cmd := exec.CommandContext(ctx, program, "-rounds="+strconv.Itoa(min(o.rounds, o.kubeRounds)), "-objects="+o.objects, //nolint:gosec // what it starts is what it has built
		"-statuses="+strconv.Itoa(o.statuses), "-out="+out)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return 0, cmd.Run()
}
