// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/rolecall/rolecall/internal/version"
)

// flags are what the command line says.
type flags struct {
	dir     string
	fresh   bool
	apply   string
	verbose bool
	ports   ports
}

func newCommand() *cobra.Command {
	var f flags
	cmd := &cobra.Command{
		Use:   "rolecall-dev",
		Short: "Rolecall without a cluster: a Kubernetes API, the operator and checks in one process",
		Long: `Starts everything that Rolecall is, with no cluster, container or download:

  - a Kubernetes API (etcd and the API server of custom resources, in this
    process) with Rolecall's CRDs. kubectl apply, wait, explain and watches work
    as anywhere. It has custom resources only; namespaces exist by being named.
  - the operator, which compiles the objects and writes what is wrong with them
    into their status.
  - the check endpoint (AuthZEN: POST /ns/NAMESPACE/access/v1/evaluation).

It applies the sample stytch-quickstart, or the manifests of a folder of yours,
and prints commands to begin with. It can be reached from this machine only; the
API wants the token that stands in the kubeconfig.

The objects are kept in a state folder, and are there again at the next start.
Ctrl-C ends it in order; a second one at once.`,
		Example: `  rolecall-dev
  rolecall-dev --fresh --apply config/samples/cerbos-contacts
  rolecall-dev --dir /tmp/second --api-port 0 --http-port 0 --grpc-port 0 --health-port 0 --metrics-port 0`,
		Args:          cobra.NoArgs,
		Version:       version.String(),
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	f.add(cmd)
	return cmd
}

func (f *flags) add(cmd *cobra.Command) {
	set := cmd.Flags()
	set.SortFlags = false
	set.BoolVar(&f.fresh, "fresh", false, "forget the objects of earlier runs")
	set.StringVar(&f.apply, "apply", "", "apply the manifests of this `folder` (default: the sample, in a new state folder)")
	set.StringVar(&f.dir, "dir", "", "state `folder` (default: rolecall-dev in your cache folder)")
	set.BoolVarP(&f.verbose, "verbose", "v", false, "show the log, which otherwise goes to a file in the state folder")
	f.ports.add(set)
}

// stateDir is the folder that --dir names, or the default.
func (f *flags) stateDir() (string, error) {
	if f.dir != "" {
		return f.dir, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find your cache folder (name a state folder with --dir): %w", err)
	}
	return filepath.Join(cache, "rolecall-dev"), nil
}
