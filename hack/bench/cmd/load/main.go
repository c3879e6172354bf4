// SPDX-License-Identifier: Apache-2.0

// Command load asks one server, in a process of its own so that it can be given a
// core of its own, and writes records.
package main

import (
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/rolecall/rolecall/hack/bench/load"
	"github.com/rolecall/rolecall/hack/bench/measure"
	"github.com/rolecall/rolecall/hack/bench/record"
)

func main() {
	var o load.Options
	k := record.Key{Bench: "server"}
	flag.StringVar(&k.Engine, "engine", "", "name of the server")
	flag.IntVar(&k.Users, "users", 0, "users of its policy")
	flag.IntVar(&k.Round, "round", 1, "round that the records are of")
	flag.IntVar(&k.GOGC, "gogc", 0, "the server's GOGC")
	flag.StringVar(&o.Address, "address", "", "address of the server")
	flag.StringVar(&o.Path, "path", "/access/v1/evaluation", "path of the URL")
	flag.StringVar(&o.Bodies, "bodies", "", "file of bodies")
	flag.StringVar(&o.Marker, "marker", `"decision":true`, "what an answer contains if it allows")
	flag.BoolVar(&o.Constant, "constant", false, "the server always allows")
	flag.IntVar(&o.Conns, "conns", 1, "connections")
	flag.DurationVar(&o.Warm, "warm", 300*time.Millisecond, "time before the measurement")
	flag.DurationVar(&o.Slice, "slice", 1500*time.Millisecond, "time of the measurement")
	flag.IntVar(&o.Process, "process", 0, "process of the server")
	flag.Parse()
	k.Conns = o.Conns
	if err := run(k, o); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run(k record.Key, o load.Options) error {
	r, err := load.Run(o)
	if err != nil {
		return err
	}
	w := record.NewWriter(os.Stdout)
	l := measure.Latencies(r.Latencies)
	w.Put(k, "rate", float64(r.Answers)/r.Slice.Seconds(), "1/s")
	w.Put(k, "p50", l.Quantile(0.50)/1e3, "us")
	w.Put(k, "p99", l.Quantile(0.99)/1e3, "us")
	w.Put(k, "cpu", float64(r.CPU.Microseconds())/float64(r.Answers), "us")
	w.Put(k, "rss", r.RSS/1e6, "MB")
	w.Put(k, "wrong", float64(r.Wrong), "")
	if r.Wrong > 0 {
		return fmt.Errorf("%s gave %d wrong answers", k.Engine, r.Wrong)
	}
	return w.Err()
}
