// SPDX-License-Identifier: Apache-2.0

// Command conditions measures checks that hinge on a condition, and the condition
// alone, in one process.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/rolecall/rolecall/hack/bench/conditions"
	"github.com/rolecall/rolecall/hack/bench/measure"
	"github.com/rolecall/rolecall/hack/bench/record"
)

func main() {
	config := measure.Flags(flag.CommandLine)
	flag.Parse()
	c, err := config()
	if err == nil {
		err = conditions.Run(record.NewWriter(os.Stdout), c.Key, c.Requests, c.Slice)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "conditions:", err)
		os.Exit(1)
	}
}
