// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/config/crd"
	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/internal/devcluster"
	"github.com/rolecall/rolecall/internal/operator"
	"github.com/rolecall/rolecall/internal/version"
)

// logName is the log's file in the state folder.
const logName = "rolecall-dev.log"

// session is one run of the command.
type session struct {
	*flags
	progress
	errOut   io.Writer
	state    *devcluster.State
	log      *os.File
	logger   logr.Logger
	config   *configv1alpha1.ServerConfiguration
	cluster  *devcluster.Cluster
	operator *running
}

// run starts everything, and ends when the command's context does: then without
// an error.
func (f *flags) run(cmd *cobra.Command) (err error) {
	ctx := cmd.Context()
	s := &session{flags: f, progress: progress{out: cmd.OutOrStdout()}, errOut: cmd.ErrOrStderr()}
	defer func() { err = orderly(ctx, errors.Join(err, s.close())) }()
	if err := s.open(ctx); err != nil {
		return err
	}
	s.printf("Rolecall %s for development. Its state is in %s\n\n", version.String(), s.state.Dir())
	if err := s.start(ctx); err != nil {
		return err
	}
	if err := s.banner(ctx); err != nil {
		return err
	}
	return s.wait(ctx)
}

// orderly drops the error that comes of being told to stop.
func orderly(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// open takes the state folder and looks whether the ports are free.
func (s *session) open(ctx context.Context) error {
	dir, err := s.stateDir()
	if err != nil {
		return err
	}
	if s.state, err = devcluster.OpenState(dir); err != nil {
		return fmt.Errorf("--dir: %w", err)
	}
	if err := s.ports.check(ctx); err != nil {
		return err
	}
	if s.fresh {
		if err := s.state.Clear(); err != nil {
			return err
		}
	}
	return s.openLog()
}

func (s *session) openLog() (err error) {
	s.log, err = os.OpenFile(s.state.Path(logName), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("open the log: %w", err)
	}
	var out io.Writer = s.log
	if s.verbose {
		out = io.MultiWriter(s.log, s.errOut)
	}
	s.configure()
	s.logger = operator.NewLogger(s.config.Log, out)
	devcluster.SetLibraryLog(s.log)
	operator.SetLibraryLogger(s.logger)
	return nil
}

// configure makes the operator's configuration: the default one, on the ports
// of the flags. There are no leases here to elect a leader by, and nobody else
// to be elected.
func (s *session) configure() {
	c := &configv1alpha1.ServerConfiguration{DefaultNamespace: devcluster.DefaultNamespace}
	c.HTTP.BindAddress = loopback(s.ports.http)
	c.GRPC.BindAddress = loopback(s.ports.grpc)
	c.Health.BindAddress = loopback(s.ports.health)
	c.Metrics.BindAddress = loopback(s.ports.metrics)
	c.LeaderElection.Enabled = new(false)
	config.Default(c)
	s.config = c
}

// start brings the parts up, one after the other.
func (s *session) start(ctx context.Context) error {
	err := s.step("Starting etcd and the Kubernetes API server", func() (err error) {
		// Without the context's end: the operator's last words go to the API.
		s.cluster, err = devcluster.Start(context.WithoutCancel(ctx),
			devcluster.Options{State: s.state, Port: s.ports.api, Log: s.log})
		return err
	})
	if err != nil {
		return err
	}
	err = s.step("Installing the CRDs", func() error {
		return devcluster.InstallCRDs(ctx, s.cluster.Config(), crd.FS)
	})
	if err != nil {
		return err
	}
	if err := s.applyObjects(ctx); err != nil {
		return err
	}
	return s.step("Starting the operator", func() (err error) {
		s.operator, err = startOperator(ctx, operator.Options{
			Config:    s.config,
			Kube:      s.cluster.Config(),
			LogEvents: true,
			Logger:    s.logger,
		})
		return err
	})
}

// wait returns when the command is told to stop, or when a part breaks down.
func (s *session) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		s.printf("\nStopping.\n")
		return nil
	case <-s.operator.done:
		return s.broken("the operator", s.operator.wait())
	case <-s.cluster.Done():
		return s.broken("the Kubernetes API server", s.cluster.Wait())
	}
}

func (s *session) broken(what string, err error) error {
	return fmt.Errorf("%s ended by itself (the log is %s): %w", what, s.log.Name(), err)
}

// close ends what was started, in the opposite order.
func (s *session) close() error {
	var faults []error
	if s.operator != nil {
		faults = append(faults, s.operator.stop())
	}
	if s.cluster != nil {
		faults = append(faults, s.cluster.Stop())
	}
	if s.log != nil {
		faults = append(faults, s.log.Close())
	}
	if s.state != nil {
		faults = append(faults, s.state.Close())
	}
	return errors.Join(faults...)
}
