// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/rolecall/rolecall/internal/door"
)

// calls wraps the calls of the gRPC doors in what is the same for all: ids,
// limits, panics, counting.
//
// gRPC's interceptors see no call that could not be received, and its handler of
// statistics, which does, costs a call some thirty allocations. So every method is
// registered as a stream: one that is one request and one answer receives and sends
// for itself, which is the same to clients and shows how each call ends.
type calls struct {
	server *Server
	// counters are those of the doors' services by the services' names; a service
	// that is not a door's has none, and is not counted. none is that of calls which
	// nobody answers.
	counters map[string]Counter
	none     Counter
	// endless are the methods that may go on for as long as they like.
	endless map[string]bool
	methods []string
	// ending is closed when they have to end.
	ending chan struct{}
}

// registrar registers the services of one door, or of none.
type registrar struct {
	to      grpc.ServiceRegistrar
	calls   *calls
	counter Counter
}

// RegisterService implements grpc.ServiceRegistrar.
func (r registrar) RegisterService(desc *grpc.ServiceDesc, impl any) {
	r.calls.counters[desc.ServiceName] = r.counter
	streams := *desc
	streams.Methods, streams.Streams = nil, nil
	for _, m := range desc.Methods {
		name := r.calls.learn(desc, m.MethodName, false)
		streams.Streams = append(streams.Streams, grpc.StreamDesc{StreamName: m.MethodName, Handler: r.calls.unary(name, r.counter, m.Handler)})
	}
	for _, s := range desc.Streams {
		s.Handler = r.calls.stream(r.calls.learn(desc, s.StreamName, true), s.Handler)
		streams.Streams = append(streams.Streams, s)
	}
	r.to.RegisterService(&streams, impl)
}

// learn takes a method into account and returns its full name.
func (c *calls) learn(desc *grpc.ServiceDesc, method string, endless bool) string {
	name := "/" + desc.ServiceName + "/" + method
	c.methods, c.endless[name] = append(c.methods, name), endless
	slices.Sort(c.methods)
	return name
}

// bound gives a call that is one request and one answer its time, from the
// beginning: also the request has to arrive in it.
func (c *calls) bound(ctx context.Context, method string, most time.Duration) context.Context {
	if c.endless[method] {
		return ctx
	}
	if own, ok := ctx.Deadline(); ok && time.Until(own) <= most { //nolint:forbidigo // a deadline is one of the real clock
		return ctx
	}
	ctx, cancel := context.WithTimeout(ctx, most) //nolint:gosec // the end of the call ends ctx, and gives the timer back
	_ = cancel
	return ctx
}

// unary answers calls of a method that is one request and one answer.
func (c *calls) unary(method string, counter Counter, handle grpc.MethodHandler) grpc.StreamHandler {
	return func(srv any, s grpc.ServerStream) (err error) {
		header := identify(s.Context())
		ctx := door.WithCallHeader(s.Context(), header)
		if counter != nil {
			defer func() { counter.Called(status.Code(err)) }()
		}
		answer, err := c.safely(ctx, method, func() (any, error) { return handle(srv, ctx, s.RecvMsg, nil) })
		if err != nil {
			_ = s.SetHeader(header) // a call that was given up bears nothing
			return err
		}
		if s.SendHeader(header) != nil { // SetHeader would copy it
			return status.Error(codes.Unavailable, "the call was given up")
		}
		return s.SendMsg(answer)
	}
}

// safely answers one call. Its error is a status.
func (c *calls) safely(ctx context.Context, method string, handle func() (any, error)) (answer any, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			answer, err = nil, c.panicked(ctx, method, cause)
		}
	}()
	if answer, err = handle(); err != nil {
		return nil, c.refuse(ctx, method, err)
	}
	return answer, nil
}

// stream answers streams of a method. They end with the server's last hour at the
// latest.
func (c *calls) stream(method string, handle grpc.StreamHandler) grpc.StreamHandler {
	return func(srv any, s grpc.ServerStream) error {
		ctx, end := context.WithCancel(s.Context())
		defer end()
		go func() {
			select {
			case <-c.ending:
				end()
			case <-ctx.Done():
			}
		}()
		_, err := c.safely(ctx, method, func() (any, error) { return nil, handle(srv, &stream{s, ctx}) })
		return err
	}
}

// stream is a stream with a context of its own.
type stream struct {
	grpc.ServerStream
	ctx context.Context
}

// Context implements grpc.ServerStream.
func (s *stream) Context() context.Context { return s.ctx }

// identify returns the header of a call's answer, with the call's id: the client's
// own or one made up.
func identify(ctx context.Context) metadata.MD {
	id := metadata.ValueFromIncomingContext(ctx, door.CallIDMetadata)
	if len(id) == 0 || id[0] == "" || len(id[0]) > maxRequestID {
		id = []string{newRequestID()}
	}
	return metadata.MD{door.CallIDMetadata: id[:1:1]}
}

// refuse turns an error into a status. The log hears only of the server's own
// faults; what is a status already says how gRPC could not receive the request.
func (c *calls) refuse(ctx context.Context, method string, err error) error {
	if _, ok := status.FromError(err); ok {
		return err
	}
	s := door.Status(err)
	if s.Code() == codes.Internal {
		c.server.options.Logger.Error(err, "call failed", "method", method, "requestID", door.CallID(ctx))
	}
	return s.Err()
}

func (c *calls) panicked(ctx context.Context, method string, cause any) error {
	c.server.options.Logger.Error(fmt.Errorf("panic: %v", cause), "call failed",
		"method", method, "requestID", door.CallID(ctx), "stack", string(debug.Stack()))
	return door.Status(errors.New("panic")).Err()
}

// unknown answers what nobody has registered, and tells what there is.
func (c *calls) unknown(_ any, s grpc.ServerStream) error {
	method, _ := grpc.Method(s.Context())
	service, _, _ := strings.Cut(strings.TrimPrefix(method, "/"), "/")
	counter, known := c.counters[service]
	if !known {
		counter = c.none
	}
	if counter != nil {
		counter.Called(codes.Unimplemented)
	}
	return status.Errorf(codes.Unimplemented, "no method %s; there are: %s", method, strings.Join(c.methods, ", "))
}
