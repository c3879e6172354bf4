// SPDX-License-Identifier: Apache-2.0

// Command rolecall-dev is Rolecall without a cluster: Kubernetes' own API
// machinery, the operator and the check endpoint in one process, for trying and
// for development.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(run(ctx))
}

// run executes the command and returns the exit status.
func run(ctx context.Context) int {
	cmd := newCommand()
	if err := cmd.ExecuteContext(ctx); err != nil {
		cmd.PrintErrln("rolecall-dev: " + err.Error())
		return 1
	}
	return 0
}
