// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/rolecall/rolecall/hack/bench/record"
)

type options struct {
	rounds   int
	writes   int
	statuses int
	objects  []int
	out      string
}

func main() {
	ctrl.SetLogger(logr.Discard()) // what goes wrong is returned
	klog.SetLogger(logr.Discard())
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := command(ctx, os.Args[1:]); err != nil {
		log.Fatal(err) //nolint:gocritic // the signals need no goodbye
	}
}

func command(ctx context.Context, args []string) error {
	if len(args) == 3 && args[0] == "cache" {
		return serveCache(ctx, args[1], args[2])
	}
	o, err := parse(args)
	if err != nil {
		return err
	}
	return run(ctx, o)
}

func parse(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("kube", flag.ContinueOnError)
	flags.IntVar(&o.rounds, "rounds", 1, "rounds of what is measured in processes of its own")
	flags.IntVar(&o.writes, "writes", 300, "writes of each measurement of latency")
	flags.IntVar(&o.statuses, "statuses", 0, "how many statuses the leader writes, which takes long; the others are there before; 0 is all")
	flags.StringVar(&o.out, "out", "", "file to which the records are appended; standard output if empty")
	sizes := flags.String("objects", "10000", "numbers of RoleBindings, separated by commas")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	for size := range strings.SplitSeq(*sizes, ",") {
		n, err := strconv.Atoi(size)
		if err != nil || n < 1000 {
			return o, fmt.Errorf("-objects %s: each is a number of at least 1000", *sizes)
		}
		o.objects = append(o.objects, n)
	}
	return o, nil
}

// run measures at each size, with an API server for each.
func run(ctx context.Context, o options) error {
	out := os.Stdout
	if o.out != "" {
		var err error
		if out, err = os.OpenFile(o.out, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644); err != nil { //nolint:gosec // for everybody to read
			return fmt.Errorf("open the file of the records: %w", err)
		}
		defer func() { _ = out.Close() }()
	}
	records := record.NewWriter(out)
	dir, err := os.MkdirTemp("", "rolecall-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	program := filepath.Join(dir, "rolecall")
	if err := build(ctx, program); err != nil {
		return err
	}
	for _, n := range o.objects {
		if err := measure(ctx, plan{options: o, n: n, dir: dir, program: program, records: records}); err != nil {
			return fmt.Errorf("with %d objects: %w", n, err)
		}
	}
	return records.Err()
}
