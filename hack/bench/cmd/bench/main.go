// SPDX-License-Identifier: Apache-2.0

// Command bench runs the benchmarks and writes docs/performance.md. Run it in the
// root of the repository; `make bench` does.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rolecall/rolecall/hack/bench/report"
)

// The parts, in the order in which they run.
const (
	partInproc  = "inproc"
	partServers = "servers"
	partKube    = "kube"
	partReport  = "report"
)

type options struct {
	parts       []string
	rounds      int
	peerRounds  int
	kubeRounds  int
	statuses    int
	sizes       []int
	objects     string
	gogcs       []int
	slice       time.Duration
	serverSlice time.Duration
	out         string
	docs        string
	resume      bool
	short       bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := command(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func command(ctx context.Context) error {
	o, err := parse()
	if err != nil {
		return err
	}
	if _, err := os.Stat("hack/bench/go.mod"); err != nil {
		return fmt.Errorf("run it in the root of the repository: %w", err)
	}
	if err := os.MkdirAll(o.out, 0o750); err != nil {
		return err
	}
	if o.short {
		return short(ctx, o)
	}
	return full(ctx, o)
}

func parse() (options, error) {
	var o options
	parts := flag.String("parts", "inproc,servers,kube,report", "what to run; the report is written from all results that there are")
	sizes := flag.String("sizes", "1000,10000,100000,1000000", "users of the policies in process")
	gogcs := flag.String("gogc", "100,400", "GOGC of the servers; each runs with each")
	flag.StringVar(&o.objects, "objects", "10000,100000", "RoleBindings in the API server")
	flag.IntVar(&o.rounds, "rounds", 6, "rounds")
	flag.IntVar(&o.peerRounds, "peer-rounds", 3, "rounds that peers in process take part in; with 1,000,000 users they do so in two at most")
	flag.IntVar(&o.statuses, "kube-statuses", 0, "how many statuses a new leader writes, which takes long; the others are there before; 0 is all")
	flag.IntVar(&o.kubeRounds, "kube-rounds", 3, "rounds with an API server")
	flag.DurationVar(&o.slice, "slice", 200*time.Millisecond, "how long each thing is timed in process")
	flag.DurationVar(&o.serverSlice, "server-slice", 1500*time.Millisecond, "how long each server is asked")
	flag.StringVar(&o.out, "out", "bin/bench", "folder of programs and results")
	flag.StringVar(&o.docs, "docs", "docs", "folder in which performance.md and its plots are")
	flag.BoolVar(&o.resume, "resume", false, "keep the results that there are, and run only what they lack")
	flag.BoolVar(&o.short, "short", false, "run Rolecall and the floor at two sizes; fail on wrong answers and on allocations")
	flag.Parse()
	o.parts = strings.Split(*parts, ",")
	for _, p := range o.parts {
		if !slices.Contains([]string{partInproc, partServers, partKube, partReport}, p) {
			return o, fmt.Errorf("-parts: there is no part %q", p)
		}
	}
	var err error
	if o.sizes, err = numbers(*sizes); err != nil {
		return o, fmt.Errorf("-sizes: %w", err)
	}
	if o.gogcs, err = numbers(*gogcs); err != nil {
		return o, fmt.Errorf("-gogc: %w", err)
	}
	return o, nil
}

func numbers(list string) ([]int, error) {
	var out []int
	for s := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(s)
		if err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return out, nil
}

// full runs the parts. What fails in one does not keep the others from running.
func full(ctx context.Context, o options) error {
	failed := 0
	for _, part := range []struct {
		name string
		run  func(context.Context, options) (int, error)
	}{{partInproc, inproc}, {partServers, overLoopback}, {partKube, kube}} {
		if !slices.Contains(o.parts, part.name) {
			continue
		}
		if err := describe(ctx, filepath.Join(o.out, "machine.json")); err != nil {
			return err
		}
		n, err := part.run(ctx, o)
		if err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
		failed += n
	}
	if slices.Contains(o.parts, partReport) {
		if err := report.Write(o.out, o.docs); err != nil {
			return fmt.Errorf("report: %w", err)
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d steps failed; the document lacks them", failed)
	}
	return nil
}
