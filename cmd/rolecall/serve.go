// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/internal/operator"
	"github.com/rolecall/rolecall/internal/version"
)

type serveFlags struct {
	config     string
	kubeconfig string
	dir        string
	listen     string
}

func newServeCommand() *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the operator: watch the objects, answer checks, report faults",
		Long: `Watches Resources, Roles, RoleBindings and Groups, compiles them, and answers checks
(AuthZEN: POST /ns/NAMESPACE/access/v1/evaluation).

The objects come from the API server: that of the cluster it runs in, or of a
kubeconfig. Every replica serves; the one that leads writes the objects' status.

With --dir they come from the YAML files of a folder instead, without a cluster.
The files are validated as the API server would, and read again when they change.
The first reading must succeed; a later one that does not is reported, and what
was good stays in force.`,
		Example: `  rolecall serve --dir config/samples/stytch-quickstart
  rolecall serve --kubeconfig ~/.kube/config --config rolecall.yaml`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return serve(cmd, f) },
	}
	cmd.Flags().StringVar(&f.config, "config", "", "configuration `file` (kind ServerConfiguration, config.rolecall.dev/v1alpha1)")
	cmd.Flags().StringVar(&f.kubeconfig, "kubeconfig", "", "kubeconfig `file` of the API server (default: $KUBECONFIG, ~/.kube/config, else the cluster it runs in)")
	cmd.Flags().StringVar(&f.dir, "dir", "", "serve the objects of this `folder` instead of an API server's")
	cmd.Flags().StringVar(&f.listen, "listen", "", "`address` of the check endpoint; overrides http.bindAddress of the configuration (default 127.0.0.1:8080)")
	cmd.MarkFlagsMutuallyExclusive("dir", "kubeconfig")
	return cmd
}

func serve(cmd *cobra.Command, f serveFlags) error {
	c, err := f.configuration()
	if err != nil {
		return err
	}
	log := operator.NewLogger(c.Log, cmd.ErrOrStderr())
	operator.SetLibraryLogger(log)
	o := operator.Options{Config: c, Dir: f.dir, Logger: log, Stdout: cmd.OutOrStdout(), Now: time.Now}
	if f.dir == "" {
		if err := pingSoon(); err != nil {
			return err
		}
		if o.Kube, err = kubeConfig(f.kubeconfig, &c.LeaderElection); err != nil {
			return err
		}
	}
	log.Info("starting", "version", version.String())
	if err := operator.Run(cmd.Context(), o); err != nil {
		return err
	}
	log.Info("stopped")
	return nil
}

// configuration reads the file and lets the flags override it.
func (f *serveFlags) configuration() (*configv1alpha1.ServerConfiguration, error) {
	c := &configv1alpha1.ServerConfiguration{}
	if f.config != "" {
		var err error
		if c, err = config.Load(f.config); err != nil {
			return nil, err
		}
	}
	if f.listen != "" {
		c.HTTP.BindAddress = f.listen
	}
	config.Default(c)
	if faults := config.Validate(c); len(faults) > 0 {
		return nil, fmt.Errorf("--listen: %w", faults.ToAggregate())
	}
	return c, nil
}

// pingSoon has the library notice within 15 seconds that a connection to the API
// server is dead at the other end, and not within its 45: so long would this
// replica not hear of a revocation although another connection would tell it. The
// library reads the environment, which may say otherwise.
func pingSoon() error {
	for name, seconds := range map[string]string{"HTTP2_READ_IDLE_TIMEOUT_SECONDS": "10", "HTTP2_PING_TIMEOUT_SECONDS": "5"} {
		if os.Getenv(name) != "" {
			continue
		}
		if err := os.Setenv(name, seconds); err != nil {
			return err
		}
	}
	return nil
}

// kubeConfig finds the API server the way kubectl does, and in a pod that of the
// cluster. The Lease, unless it is configured, goes where kubectl would write:
// the pod's namespace, or that of the kubeconfig's context.
func kubeConfig(path string, election *configv1alpha1.LeaderElection) (*rest.Config, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = path
	found := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{})
	c, err := found.ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("find the API server (give --kubeconfig FILE, or --dir FOLDER to serve without one): %w", err)
	}
	if election.Namespace != "" {
		return c, nil
	}
	if election.Namespace, _, err = found.Namespace(); err != nil {
		return nil, fmt.Errorf("find the namespace of the Lease (set leaderElection.namespace): %w", err)
	}
	return c, nil
}
