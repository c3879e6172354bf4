// SPDX-License-Identifier: Apache-2.0

// Command rolecall is application authorization as Kubernetes objects: the
// operator that serves checks, and the tools around it.
package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	// The public authorities, for a system that has none, such as the image: keys of
	// tokens' issuers are fetched over TLS. A system's own come first.
	_ "golang.org/x/crypto/x509roots/fallback"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(run(ctx, newRootCommand()))
}

// run executes the command and returns the exit status.
func run(ctx context.Context, root *cobra.Command) int {
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	status := &statusError{code: cannotWork}
	_ = errors.As(err, &status)
	if message := err.Error(); message != "" {
		root.PrintErrln("rolecall: " + message)
	}
	return status.code
}

// cannotWork is the exit status of a command that could not do its work: its
// arguments are wrong, or something it needs is not there.
const cannotWork = 2

// statusError is the answer of a command that did its work, as an exit status. It
// has no message: the command has printed what there is to say.
type statusError struct{ code int }

// Error returns nothing to print.
func (*statusError) Error() string { return "" }

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "rolecall",
		Short: "Application authorization as Kubernetes objects",
		Long: `Rolecall compiles the Resources, Roles, RoleBindings and Groups (rolecall.dev/v1alpha1)
that describe an application's permissions, and answers whether a subject may do
an action to a resource.`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(newServeCommand(), newCheckCommand(), newExplainCommand(), newWhoCanCommand(), newLintCommand(), newVersionCommand())
	return root
}
