// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/rolecall/rolecall/hack/bench/record"
)

// step is one process to run.
type step struct {
	title   string
	round   int
	command []string
}

// stepBench marks the records that say that a step is done.
const stepBench = "step"

// runner runs steps and collects what they print.
type runner struct {
	path    string // of the results
	part    string
	started time.Time
	total   int
	done    map[string]bool
	n       int // steps so far
	failed  int
}

// runSteps runs the steps of a part and returns how many have failed.
func runSteps(ctx context.Context, o options, part string, steps []step) (failed int, err error) {
	r, err := newRunner(o, part, len(steps))
	if err != nil {
		return 0, err
	}
	for _, s := range steps {
		if err := r.run(ctx, s); err != nil {
			return r.failed, err
		}
	}
	return r.failed, nil
}

func newRunner(o options, part string, total int) (*runner, error) {
	r := &runner{path: filepath.Join(o.out, part+".jsonl"), part: part, started: time.Now(), total: total, done: map[string]bool{}}
	if !o.resume {
		if err := os.RemoveAll(r.path); err != nil {
			return nil, err
		}
	}
	records, err := record.ReadFile(r.path)
	for i := range records {
		if k := records[i].Key; k.Bench == stepBench {
			r.done[r.id(step{title: k.Engine, round: k.Round})] = true
		}
	}
	return r, err
}

func (r *runner) id(s step) string { return fmt.Sprintf("%d %s", s.round, s.title) }

// run runs a step, unless an earlier run has. Only an error that concerns all
// steps is returned.
func (r *runner) run(ctx context.Context, s step) error {
	r.n++
	if r.done[r.id(s)] {
		return nil
	}
	started := time.Now()
	fmt.Printf("%s %4d of %d, %6s: round %d, %s", r.part, r.n, r.total, started.Sub(r.started).Round(time.Second), s.round, s.title)
	out, err := output(ctx, s.command)
	if ctx.Err() != nil {
		fmt.Println()
		return context.Cause(ctx)
	}
	if err != nil {
		r.failed++
		fmt.Printf(" FAILED\n%v\n", err)
		return nil
	}
	fmt.Printf(" (%.1f s)\n", time.Since(started).Seconds())
	return r.keep(s, out)
}

// keep appends what a step printed, and that it is done.
func (r *runner) keep(s step, out []byte) error {
	records := bytes.NewBuffer(out)
	w := record.NewWriter(records)
	w.Put(record.Key{Bench: "load", Engine: "machine", Round: s.round}, "average", loadAverage(), "")
	w.Put(record.Key{Bench: stepBench, Engine: s.title, Round: s.round}, "done", 1, "")
	if err := w.Err(); err != nil {
		return err
	}
	f, err := os.OpenFile(r.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := f.Write(records.Bytes()); err != nil {
		return err
	}
	return f.Close()
}

func output(ctx context.Context, command []string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, command[0], command[1:]...) //nolint:gosec // what it starts is what it has built
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%v: %w\n%s", command, err, bytes.TrimSpace(stderr.Bytes()))
	}
	return out, nil
}

// build builds a command of this repository into the folder of programs, and
// returns its path.
func build(ctx context.Context, o options, module, pkg, name string) (string, error) {
	path, err := filepath.Abs(filepath.Join(o.out, name))
	if err != nil {
		return "", err
	}
	fmt.Printf("building %s\n", name)
	cmd := exec.CommandContext(ctx, "go", "build", "-C", module, "-o", path, pkg) //nolint:gosec // constants
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("build %s: %w", name, err)
	}
	return path, nil
}
