// SPDX-License-Identifier: Apache-2.0

// Command bounds measures Rolecall with a policy of an extreme shape.
package main

import (
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/rolecall/rolecall/hack/bench/bounds"
	"github.com/rolecall/rolecall/hack/bench/record"
)

func main() {
	var k record.Key
	flag.StringVar(&k.Variant, "shape", "", "name of the extreme shape")
	flag.IntVar(&k.Round, "round", 1, "round that the records are of")
	slice := flag.Duration("slice", 300*time.Millisecond, "how long each thing is timed")
	flag.Parse()
	if err := bounds.Run(record.NewWriter(os.Stdout), k, *slice); err != nil {
		fmt.Fprintln(os.Stderr, "bounds:", err)
		os.Exit(1)
	}
}
