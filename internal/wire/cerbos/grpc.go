// SPDX-License-Identifier: Apache-2.0

package cerbos

import (
	"context"

	"google.golang.org/grpc"

	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/wire/cerbos/cerbospb"
)

// versionHeader is the header, and the metadata, that says which version answers.
const versionHeader = "cerbos-version"

// versionHTTPHeader is that in the form in which net/http keeps it.
const versionHTTPHeader = "Cerbos-Version"

// Services returns the service over gRPC.
func (d *Door) Services() []door.Service {
	return []door.Service{{Door: Name, Register: func(r grpc.ServiceRegistrar) {
		r.RegisterService(door.WithMethod(&cerbospb.CerbosService_ServiceDesc, "CheckResources", d.CheckResources), &service{door: d})
	}}}
}

// service implements what of the gRPC service is not asked all the time.
type service struct {
	cerbospb.UnimplementedCerbosServiceServer
	door *Door
}

// ServerInfo implements the gRPC service.
func (s *service) ServerInfo(ctx context.Context, _ *cerbospb.ServerInfoRequest) (*cerbospb.ServerInfoResponse, error) {
	s.door.header(ctx)
	if _, err := s.door.admit(ctx); err != nil {
		return nil, err
	}
	return s.door.info(), nil
}

// PlanResources implements the gRPC service.
func (s *service) PlanResources(ctx context.Context, _ *cerbospb.NotServed) (*cerbospb.NotServed, error) {
	return nil, s.unserved(ctx, "PlanResources")
}

// CheckResourceSet implements the gRPC service.
func (s *service) CheckResourceSet(ctx context.Context, _ *cerbospb.NotServed) (*cerbospb.NotServed, error) {
	return nil, s.unserved(ctx, "CheckResourceSet")
}

// CheckResourceBatch implements the gRPC service.
func (s *service) CheckResourceBatch(ctx context.Context, _ *cerbospb.NotServed) (*cerbospb.NotServed, error) {
	return nil, s.unserved(ctx, "CheckResourceBatch")
}

func (s *service) unserved(ctx context.Context, method string) error {
	s.door.header(ctx)
	if _, err := s.door.admit(ctx); err != nil {
		return err
	}
	return unserved(method)
}

// header says which version answers, whatever the answer is.
func (d *Door) header(ctx context.Context) {
	door.SetCallHeader(ctx, versionHeader, d.version[:1:1])
}

func (d *Door) info() *cerbospb.ServerInfoResponse {
	return &cerbospb.ServerInfoResponse{Version: d.options.Version}
}
