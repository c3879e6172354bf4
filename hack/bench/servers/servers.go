// SPDX-License-Identifier: Apache-2.0

// Package servers starts the servers that are measured over the loopback
// interface, each with the workload in its own form.
package servers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/rolecall/rolecall/hack/bench/export"
	"github.com/rolecall/rolecall/hack/bench/workload"
)

// Users is how many users the servers' policy has.
const Users = 10_000

const requests = 1 << 13

// Binaries are the paths of the programs by the names of the servers.
type Binaries map[string]string

// Server is a server that runs.
type Server struct {
	Name    string
	GOGC    int
	Address string
	// Path, Bodies, Marker and Constant are as in load.Options.
	Path, Bodies, Marker string
	Constant             bool

	process *process
}

// Process is the server's process.
func (s *Server) Process() int { return s.process.command.Process.Pid }

// Names are the names of the servers, in the order in which they are measured.
func Names() []string { return []string{"floor", Undecoded, "rolecall", "opa", "cerbos"} }

// Undecoded is the floor that leaves the body as it is. It is a limit, not what
// servers are compared with.
const Undecoded = "undecoded"

const evaluation = "/access/v1/evaluation"

// Fleet is all servers.
type Fleet struct {
	dir     string
	Servers []*Server
}

// Start writes the workload into a folder and starts every server once for each
// GOGC. Stop ends them, also if Start fails.
func Start(ctx context.Context, dir string, binaries Binaries, gogcs []int) (*Fleet, error) {
	f := &Fleet{dir: dir}
	set := workload.New(workload.RBAC, Users)
	if err := export.Write(dir, set, set.Requests(requests)); err != nil {
		return f, err
	}
	for _, gogc := range gogcs {
		for _, name := range Names() {
			s := &Server{Name: name, GOGC: gogc, Path: evaluation, Bodies: export.AuthZENBodies, Marker: `"decision":true`}
			f.Servers = append(f.Servers, s)
			if err := f.start(ctx, s, binaries[name]); err != nil {
				return f, err
			}
		}
	}
	return f, f.ready(ctx)
}

// ready waits until every server answers its first request.
func (f *Fleet) ready(ctx context.Context) error {
	for _, s := range f.Servers {
		bodies, err := os.ReadFile(s.Bodies)
		if err != nil {
			return err
		}
		_, first, _ := strings.Cut(string(bodies), "\t")
		body, _, _ := strings.Cut(first, "\n")
		if err := s.process.ready(ctx, "http://"+s.Address+s.Path, body); err != nil {
			return err
		}
	}
	return nil
}

func (f *Fleet) start(ctx context.Context, s *Server, binary string) error {
	var err error
	if s.Address, err = free(ctx); err != nil {
		return err
	}
	command, err := f.command(ctx, s, binary)
	if err != nil {
		return err
	}
	s.Bodies = filepath.Join(f.dir, s.Bodies)
	s.process, err = start(ctx, f.dir, s.Name, s.GOGC, command)
	return err
}

// command returns how to start a server, and completes what to ask it.
func (f *Fleet) command(ctx context.Context, s *Server, binary string) ([]string, error) {
	switch s.Name {
	case "floor":
		s.Constant = true
		return []string{binary, "-listen", s.Address}, nil
	case Undecoded:
		s.Constant = true
		return []string{binary, "-listen", s.Address, "-decode=false"}, nil
	case "rolecall":
		return f.rolecall(ctx, s, binary)
	case "opa":
		s.Path, s.Bodies, s.Marker = "/v1/data/authz/allow", export.RegoBodies, `"result":true`
		return []string{
			binary, "run", "--server", "--addr", s.Address, "--skip-version-check", "--log-level", "error",
			"--optimize-store-for-read-speed", filepath.Join(f.dir, export.RegoFile), filepath.Join(f.dir, export.RegoJSON),
		}, nil
	case "cerbos":
		s.Bodies = export.CerbosBodies
		return f.cerbos(ctx, s, binary)
	}
	return nil, fmt.Errorf("there is no server %q", s.Name)
}

// rolecall has every listener on, and everything else as it is by default.
func (f *Fleet) rolecall(ctx context.Context, s *Server, binary string) ([]string, error) {
	path, err := f.configuration(ctx, s, `apiVersion: config.rolecall.dev/v1alpha1
kind: ServerConfiguration
http: {bindAddress: %q}
grpc: {bindAddress: "127.0.0.1:0"}
health: {bindAddress: %q}
metrics: {bindAddress: %q}
`, 2)
	return []string{binary, "serve", "--dir", filepath.Join(f.dir, export.RolecallDir), "--config", path}, err
}

func (f *Fleet) cerbos(ctx context.Context, s *Server, binary string) ([]string, error) {
	path, err := f.configuration(ctx, s, `server: {httpListenAddr: %q, grpcListenAddr: %q}
storage: {driver: disk, disk: {directory: "`+filepath.Join(f.dir, export.CerbosDir)+`", watchForChanges: false}}
telemetry: {disabled: true}
audit: {enabled: false}
`, 1)
	return []string{binary, "server", "--config", path, "--log-level", "error", "--debug-listen-addr", ""}, err
}

// configuration writes a configuration file with the address of the server and
// some more that are free.
func (f *Fleet) configuration(ctx context.Context, s *Server, format string, more int) (string, error) {
	addresses := []any{s.Address}
	for range more {
		address, err := free(ctx)
		if err != nil {
			return "", err
		}
		addresses = append(addresses, address)
	}
	path := filepath.Join(f.dir, fmt.Sprintf("%s-%d.yaml", s.Name, s.GOGC))
	return path, os.WriteFile(path, fmt.Appendf(nil, format, addresses...), 0o600)
}

// Stop ends the servers that run.
func (f *Fleet) Stop() error {
	var errs []error
	for _, s := range f.Servers {
		if s.process != nil {
			errs = append(errs, s.process.stop())
		}
	}
	return errors.Join(errs...)
}
