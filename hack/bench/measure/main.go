// SPDX-License-Identifier: Apache-2.0

// Package measure measures one engine at one size, in a process of its own: the
// build, the heap, checks, changes. An engine whose answers differ from the
// oracle is not measured.
package measure

import (
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/rolecall/rolecall/hack/bench/engine"
	"github.com/rolecall/rolecall/hack/bench/record"
	"github.com/rolecall/rolecall/hack/bench/workload"
)

// Config is what to measure.
type Config struct {
	Key      record.Key // Engine, Shape, Variant, Users and Round are given
	Slice    time.Duration
	Requests int
	Verify   int
	// NoAllocs makes an allocation in a check an error.
	NoAllocs bool
	// ChecksOnly leaves out everything but build and checks.
	ChecksOnly bool
}

// Flags adds the flags of a Config to fs and returns what reads them afterwards.
func Flags(fs *flag.FlagSet) func() (Config, error) {
	var c Config
	fs.StringVar(&c.Key.Engine, "engine", "", "engine to measure")
	fs.StringVar(&c.Key.Shape, "shape", "", "shape of the objects, where the engine has several")
	fs.StringVar(&c.Key.Variant, "variant", string(workload.RBAC), fmt.Sprint("variant of the workload: ", workload.Variants()))
	fs.IntVar(&c.Key.Users, "users", 1000, "users, at least 100")
	fs.IntVar(&c.Key.Round, "round", 1, "round that the records are of")
	fs.DurationVar(&c.Slice, "slice", 300*time.Millisecond, "how long each thing is timed")
	fs.IntVar(&c.Requests, "requests", 1<<16, "different requests")
	fs.IntVar(&c.Verify, "verify", 4096, "requests compared with the oracle before anything is timed, unless they take more than some seconds")
	fs.BoolVar(&c.NoAllocs, "no-allocs", false, "fail if a check allocates")
	fs.BoolVar(&c.ChecksOnly, "checks-only", false, "measure only the build and checks")
	return func() (Config, error) {
		_, err := workload.ParseVariant(c.Key.Variant)
		if err == nil && c.Key.Users < 100 {
			err = fmt.Errorf("-users is %d, want at least 100", c.Key.Users)
		}
		return c, err
	}
}

// Main measures what the command line says with one of the engines, writes the
// records to standard output, and returns the exit status.
func Main(engines map[string]engine.New) int {
	config := Flags(flag.CommandLine)
	flag.Parse()
	c, err := config()
	if err == nil {
		err = Run(os.Stdout, engines, c)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "measure:", err)
		return 1
	}
	return 0
}

// Run measures the engine that c names. Engines with several shapes are named
// ENGINE/SHAPE.
func Run(out io.Writer, engines map[string]engine.New, c Config) error {
	name := strings.TrimSuffix(c.Key.Engine+"/"+c.Key.Shape, "/")
	newEngine, ok := engines[name]
	if !ok {
		return fmt.Errorf("there is no engine %q: want one of %v", name, slices.Sorted(maps.Keys(engines)))
	}
	set := workload.New(workload.Variant(c.Key.Variant), c.Key.Users)
	r := &run{Config: c, records: record.NewWriter(out), set: set, requests: set.Requests(c.Requests), engine: newEngine()}
	if err := r.all(); err != nil {
		return fmt.Errorf("%s, %d users, variant %s: %w", name, c.Key.Users, c.Key.Variant, err)
	}
	return r.records.Err()
}

type run struct {
	Config

	records  *record.Writer
	set      *workload.Set
	requests []workload.Request
	engine   engine.Engine
}

func (r *run) put(bench, metric string, value float64, unit string) {
	k := r.Key
	k.Bench = bench
	r.records.Put(k, metric, value, unit)
}

func (r *run) all() error {
	r.noise()
	if err := r.build(); err != nil {
		return fmt.Errorf("build: %w", err)
	}
	read := r.engine.Reader(r.requests)
	if err := r.verify(read); err != nil {
		return err
	}
	if err := r.check(read); err != nil {
		return err
	}
	if !r.ChecksOnly {
		r.parallel()
		if err := r.changes(); err != nil {
			return err
		}
		if err := r.verify(read); err != nil {
			return fmt.Errorf("after the changes: %w", err)
		}
	}
	r.noise()
	return nil
}
