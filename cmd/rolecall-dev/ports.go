// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"

	"github.com/spf13/pflag"
)

// ports are where the process listens, on the loopback interface. 0 means any
// free one.
type ports struct {
	api, http, grpc, health, metrics int
}

// port is one of them and the flag that sets it.
type port struct {
	flag, use string
	number    *int
	standard  int
}

func (p *ports) all() []port {
	return []port{
		{flag: "api-port", use: "the Kubernetes API", number: &p.api, standard: 18443},
		{flag: "http-port", use: "checks", number: &p.http, standard: 8080},
		{flag: "grpc-port", use: "checks over gRPC", number: &p.grpc, standard: 9090},
		{flag: "health-port", use: "/healthz and /readyz", number: &p.health, standard: 8081},
		{flag: "metrics-port", use: "/metrics", number: &p.metrics, standard: 8443},
	}
}

func (p *ports) add(set *pflag.FlagSet) {
	for _, one := range p.all() {
		set.IntVar(one.number, one.flag, one.standard, "`port` of "+one.use+"; 0 takes a free one")
	}
}

// check finds out before anything is started whether all ports can be had. It
// has them all open at once, so that one that is given twice is found too.
func (p *ports) check(ctx context.Context) (err error) {
	var lc net.ListenConfig
	var opened []net.Listener
	defer func() {
		for _, ln := range opened {
			err = errors.Join(err, ln.Close())
		}
	}()
	for _, one := range p.all() {
		ln, err := lc.Listen(ctx, "tcp", loopback(*one.number))
		if err != nil {
			return one.explain(err)
		}
		opened = append(opened, ln)
	}
	return nil
}

func (p port) explain(err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("port %d, for %s, is in use: stop the program that has it, or take another with --%s PORT (0 takes a free one)", *p.number, p.use, p.flag)
	}
	return fmt.Errorf("port for %s (--%s %d): %w", p.use, p.flag, *p.number, err)
}

func loopback(port int) string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
}
