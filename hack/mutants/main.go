// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"time"
)

func main() {
	only := flag.String("only", "", "try only the mutants whose rule or file matches this regular expression")
	verbose := flag.Bool("v", false, "show what the tests say of each mutant")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, options{only: *only, verbose: *verbose}); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

type options struct {
	only    string
	verbose bool
}

// run tries the mutants and prints a line for each.
func run(ctx context.Context, out io.Writer, o options) error {
	mutants, err := parse(list)
	if err != nil {
		return err
	}
	only, err := regexp.Compile(o.only)
	if err != nil {
		return fmt.Errorf("-only: %w", err)
	}
	l, err := newLab(ctx)
	if err != nil {
		return err
	}
	defer l.close()
	if v := l.try(ctx, nil); v.outcome != survived {
		return fmt.Errorf("without any change the tests fail already:\n%s", v.output)
	}
	tried, bad := 0, 0
	for _, m := range mutants {
		if !only.MatchString(m.rule) && !only.MatchString(m.file) || ctx.Err() != nil {
			continue
		}
		v := l.try(ctx, &m)
		tried++
		if v.outcome != killed {
			bad++
		}
		v.print(out, m.rule, o.verbose)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	_, _ = fmt.Fprintf(out, "%d mutants, %d killed\n", tried, tried-bad)
	if bad > 0 {
		return fmt.Errorf("%d of %d rules can be switched off without a test failing, or cannot be tried", bad, tried)
	}
	return nil
}

func (v verdict) print(out io.Writer, rule string, verbose bool) {
	_, _ = fmt.Fprintf(out, "%-11s %5.1f s  %-75s %s\n", v.outcome, v.took.Round(100*time.Millisecond).Seconds(), rule, v.test)
	if verbose || v.outcome == unapplied || v.outcome == uncompiled {
		_, _ = fmt.Fprintln(out, v.output)
	}
}
