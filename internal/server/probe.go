// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
)

// probeInterval is how often it is asked for watchers whether checks can be
// answered.
const probeInterval = time.Second

// probe answers health checks over gRPC: a service serves while checks can be
// answered, as /readyz says it. Who asks is told how it is now, who watches hears
// of a change within probeInterval.
type probe struct {
	*health.Server
	unready func() string

	mu       sync.Mutex
	services []string
	last     healthpb.HealthCheckResponse_ServingStatus
}

// newProbe returns a probe of the server as a whole, whose name is empty.
func newProbe(unready func() string) *probe {
	return &probe{Server: health.NewServer(), unready: unready, services: []string{""}}
}

// add adds services that can be asked for by name.
func (p *probe) add(services map[string]grpc.ServiceInfo) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for name := range services {
		p.services = append(p.services, name)
	}
}

// Check implements the health service.
func (p *probe) Check(ctx context.Context, r *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error) {
	p.refresh()
	return p.Server.Check(ctx, r)
}

// List implements the health service.
func (p *probe) List(ctx context.Context, r *healthpb.HealthListRequest) (*healthpb.HealthListResponse, error) {
	p.refresh()
	return p.Server.List(ctx, r)
}

// Watch implements the health service.
func (p *probe) Watch(r *healthpb.HealthCheckRequest, stream healthpb.Health_WatchServer) error {
	p.refresh()
	return p.Server.Watch(r, stream)
}

// refresh finds out how it is, and tells those who watch if that is new.
func (p *probe) refresh() {
	p.mu.Lock()
	defer p.mu.Unlock()
	status := healthpb.HealthCheckResponse_SERVING
	if p.unready() != "" {
		status = healthpb.HealthCheckResponse_NOT_SERVING
	}
	if status == p.last {
		return
	}
	p.last = status
	for _, name := range p.services {
		p.SetServingStatus(name, status)
	}
}

// follow keeps those who watch up to date until ctx ends.
func (p *probe) follow(ctx context.Context) {
	for ctx.Err() == nil {
		p.refresh()
		wait(ctx, probeInterval)
	}
}
