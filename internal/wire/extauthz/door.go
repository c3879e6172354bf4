// SPDX-License-Identifier: Apache-2.0

package extauthz

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/peer"

	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/wire/gateway"
)

// Name is the door's name in metrics.
const Name = "extauthz"

// Options are what the door needs.
type Options struct {
	// Gateways judges.
	Gateways gateway.Gateways
	// Namespaces finds the namespace of a call that names none in its extensions.
	Namespaces door.Namespaces
}

// Services returns the door's service.
func Services(o Options) []door.Service {
	s := &service{options: o, questions: sync.Pool{New: func() any { return new(Question) }}}
	return []door.Service{{Door: Name, Register: func(r grpc.ServiceRegistrar) {
		r.RegisterService(door.WithMethod(&authv3.Authorization_ServiceDesc, "Check", s.check), s)
	}}}
}

// service is Envoy's service, of which check answers the one method.
type service struct {
	authv3.UnimplementedAuthorizationServer
	options Options
	// questions are the memory of calls.
	questions sync.Pool
}

// check answers a CheckRequest with a CheckResponse, both in their wire format.
func (s *service) check(ctx context.Context, message string) ([]byte, error) {
	in, _ := s.questions.Get().(*Question)
	defer s.forget(in)
	if err := in.read(message); err != nil {
		return nil, err
	}
	namespace, err := s.namespace(ctx, in.Namespace)
	if err != nil {
		return nil, err
	}
	address, state := from(ctx)
	gateways := &s.options.Gateways
	origin, settings, err := gateways.Admit(ctx, address, state, door.CallOrigin(ctx, namespace))
	if err != nil {
		return nil, err
	}
	if !in.HTTP {
		gateways.Asker.Refused(origin, errNotHTTP)
		return malformed(errNotHTTP.Message), nil
	}
	if settings.Token != nil { // nothing else waits for anybody
		var cancel context.CancelFunc
		ctx, cancel = early(ctx)
		defer cancel()
	}
	answer, err := gateways.Judge(ctx, origin, settings, &in.Request)
	if err != nil {
		return nil, inTime(ctx, err)
	}
	defer answer.Release()
	if answer.Allowed {
		return allowed(settings, &in.Request, answer, namespace), nil
	}
	return denied(answer, namespace), nil
}

// forget keeps the memory of a question for the next one.
func (s *service) forget(q *Question) {
	if cap(q.headers) > maxKept || cap(q.raw) > maxKept {
		return
	}
	clear(q.headers)
	clear(q.raw)
	*q = Question{headers: q.headers[:0], raw: q.raw[:0]}
	s.questions.Put(q)
}

// maxKept is the number of headers for which there is room in what waits for the next
// question.
const maxKept = 128

var errNotHTTP = door.BadRequest("attributes.request.http: is required; the filter belongs to HTTP, not to TCP")

// namespaceExtension is the key of context_extensions that names the namespace.
const namespaceExtension = door.NamespaceMetadata

// namespace returns the namespace of a call, which the metadata of the call names or
// an extension that belongs to a route of Envoy's.
func (s *service) namespace(ctx context.Context, named string) (string, error) {
	namespaces := s.options.Namespaces
	if named != "" {
		namespaces.Default = named
	}
	namespace, err := namespaces.OfCall(ctx)
	if err == nil && named != "" && namespace != named {
		return "", door.BadRequest(fmt.Sprintf("the metadata %s says %q and context_extensions %q; name one namespace", namespaceExtension, namespace, named))
	}
	return namespace, err
}

// from returns who is at the other end of a call.
func from(ctx context.Context) (netip.AddrPort, *tls.ConnectionState) {
	var address netip.AddrPort
	if p, ok := peer.FromContext(ctx); ok {
		if tcp, ok := p.Addr.(*net.TCPAddr); ok { // the zero one is nobody's
			address = tcp.AddrPort()
		}
	}
	return address, door.CallTLS(ctx)
}

// early returns a context that ends a quarter before Envoy gives the call up, so that
// it hears "not now" and not nothing.
func early(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return ctx, func() {}
	}
	return context.WithDeadline(ctx, deadline.Add(-time.Until(deadline)/4)) //nolint:forbidigo // the deadline is one of the real clock
}

// inTime says that there was no time, if that is why there is no decision.
func inTime(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return &door.Error{Status: http.StatusServiceUnavailable, Message: "there was no time for a decision; try again", Err: err}
}
