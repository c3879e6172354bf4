// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"runtime"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	_ "google.golang.org/grpc/encoding/gzip" // clients may compress; limits.requestBytes is what comes out
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/tap"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
)

const (
	// leastPing is how often a client may ask whether the connection is alive.
	leastPing = 10 * time.Second
	// pingTimeout is how long a client may take to say that it is.
	pingTimeout = 20 * time.Second
)

// grpcEngine serves the gRPC doors, health and reflection.
type grpcEngine struct {
	server *grpc.Server
	probe  *probe
	// ending is closed when calls that would never end have to.
	ending chan struct{}
	end    sync.Once
}

// grpcEngine makes the engine of a listener, with every timeout and limit set.
func (s *Server) grpcEngine(config *tls.Config) engine {
	c := s.options.Config
	e := &grpcEngine{probe: s.probe, ending: make(chan struct{})}
	calls := &calls{
		server: s, counters: map[string]Counter{}, none: s.options.Counter(""), endless: map[string]bool{}, ending: e.ending,
	}
	options := append(limits(c),
		grpc.Creds(transport(config)),
		grpc.NumStreamWorkers(uint32(workers*runtime.GOMAXPROCS(0))),
		grpc.InTapHandle(func(ctx context.Context, info *tap.Info) (context.Context, error) {
			return calls.bound(ctx, info.FullMethodName, c.Timeouts.Write.Duration), nil
		}),
		grpc.ForceServerCodecV2(newCodec()),
		grpc.UnknownServiceHandler(calls.unknown),
	)
	e.server = grpc.NewServer(options...)
	for _, service := range s.options.Services {
		service.Register(registrar{e.server, calls, s.options.Counter(service.Door)})
	}
	e.probe.add(e.server.GetServiceInfo())
	healthpb.RegisterHealthServer(registrar{e.server, calls, nil}, e.probe)
	reflection.Register(reflected{registrar{e.server, calls, nil}, e.server})
	return e
}

// workers is how many goroutines a processor wait for calls: their stacks have grown
// already. A call that finds none free has a new one.
const workers = 4

// reflected registers the service that tells of what is registered.
type reflected struct {
	registrar
	reflection.ServiceInfoProvider
}

func transport(config *tls.Config) credentials.TransportCredentials {
	if config == nil {
		return insecure.NewCredentials()
	}
	return credentials.NewTLS(config)
}

// limits are what the configuration says of connections and messages.
func limits(c *configv1alpha1.ServerConfiguration) []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.ConnectionTimeout(c.Timeouts.ReadHeader.Duration),
		grpc.MaxHeaderListSize(uint32(c.Limits.HeaderBytes)),
		grpc.MaxRecvMsgSize(int(c.Limits.RequestBytes)),
		grpc.MaxConcurrentStreams(uint32(c.Limits.ConcurrentStreams)),
		grpc.KeepaliveParams(keepalive.ServerParameters{
			MaxConnectionIdle: c.Timeouts.Idle.Duration, Time: c.Timeouts.Idle.Duration, Timeout: pingTimeout,
			MaxConnectionAge: c.Timeouts.ConnectionAge.Duration, MaxConnectionAgeGrace: c.Timeouts.Drain.Duration,
		}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: leastPing, PermitWithoutStream: true}),
	}
}

// serve implements engine.
func (e *grpcEngine) serve(ctx context.Context, socket net.Listener) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go e.probe.follow(ctx)
	if err := e.server.Serve(socket); !errors.Is(err, grpc.ErrServerStopped) { // that came before it began
		return err
	}
	return nil
}

// shutdown implements engine.
func (e *grpcEngine) shutdown(ctx context.Context) error {
	e.end.Do(func() { close(e.ending) })
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		e.server.GracefulStop()
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		e.server.Stop()
		<-ended
		return ctx.Err()
	}
}
