// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"time"
)

// progress tells what is being done while it is done, and how long it took.
type progress struct {
	out io.Writer
}

func (p progress) step(what string, do func() error) error {
	begin := time.Now()
	p.printf("  %-56s", what+" ...")
	if err := do(); err != nil {
		p.printf(" failed\n")
		return err
	}
	p.printf(" %4.1f s\n", time.Since(begin).Seconds())
	return nil
}

// printf prints as best it can: a closed terminal is no reason to stop serving.
func (p progress) printf(format string, args ...any) {
	_, _ = fmt.Fprintf(p.out, format, args...)
}
