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
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"

	"github.com/rolecall/rolecall/internal/door"
)

// calls wraps the calls of the gRPC doors in what is the same for all: ids,
// limits, panics, counting.
type calls struct {
	server *Server
	// counters are those of the doors' services by the services' names, and none
	// is that of calls which nobody answers.
	counters map[string]Counter
	none     Counter
	// own are the services that are not a door's: they are not counted.
	own map[string]bool
	// streaming are the methods that may go on for as long as they like.
	streaming map[string]bool
	methods   []string
	// ending is closed when they have to end.
	ending chan struct{}
}

// learn looks at what was registered.
func (c *calls) learn(services map[string]grpc.ServiceInfo) {
	c.own, c.streaming = map[string]bool{}, map[string]bool{}
	for name, service := range services {
		c.own[name] = c.counters[name] == nil
		for _, method := range service.Methods {
			full := "/" + name + "/" + method.Name
			c.methods = append(c.methods, full)
			c.streaming[full] = method.IsClientStream || method.IsServerStream
		}
	}
	slices.Sort(c.methods)
}

// bound gives a call that is one request and one answer its time, from the
// beginning: also the request has to arrive in it.
func (c *calls) bound(ctx context.Context, method string, most time.Duration) context.Context {
	if c.streaming[method] {
		return ctx
	}
	ctx, cancel := context.WithTimeout(ctx, most)
	context.AfterFunc(ctx, cancel) // the end of the call ends ctx, which is what gives the timer back
	return ctx
}

// unary answers a call of a door.
func (c *calls) unary(ctx context.Context, request any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (answer any, err error) {
	header := identify(ctx)
	ctx = door.WithCallHeader(ctx, header)
	defer func() {
		if cause := recover(); cause != nil {
			answer, err = nil, c.panicked(ctx, info.FullMethod, cause)
		}
		if grpc.SetHeader(ctx, header) != nil && err == nil {
			answer, err = nil, status.Error(codes.Unavailable, "the call was given up")
		}
	}()
	answer, err = handle(ctx, request)
	if err != nil {
		return nil, c.refuse(ctx, info.FullMethod, err)
	}
	return answer, nil
}

// stream answers a stream. It ends with the server's last hour at the latest.
func (c *calls) stream(srv any, s grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler) (err error) {
	ctx, end := context.WithCancel(s.Context())
	defer end()
	go func() {
		select {
		case <-c.ending:
			end()
		case <-ctx.Done():
		}
	}()
	defer func() {
		if cause := recover(); cause != nil {
			err = c.panicked(ctx, info.FullMethod, cause)
		}
	}()
	if err := handle(srv, &stream{s, ctx}); err != nil {
		return c.refuse(ctx, info.FullMethod, err)
	}
	return nil
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
// faults.
func (c *calls) refuse(ctx context.Context, method string, err error) error {
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
	return status.Errorf(codes.Unimplemented, "no method %s; there are: %s", method, strings.Join(c.methods, ", "))
}

// counterKey is the key of a call's counter in its context.
type counterKey struct{}

// TagRPC implements stats.Handler: it finds the counter of a call.
func (c *calls) TagRPC(ctx context.Context, info *stats.RPCTagInfo) context.Context {
	service, _, _ := strings.Cut(strings.TrimPrefix(info.FullMethodName, "/"), "/")
	counter := c.counters[service]
	switch {
	case c.own[service]:
		return ctx
	case counter == nil:
		counter = c.none
	}
	return context.WithValue(ctx, counterKey{}, counter)
}

// HandleRPC implements stats.Handler: it counts a call by the code of its end,
// whoever has ended it.
func (*calls) HandleRPC(ctx context.Context, s stats.RPCStats) {
	end, ok := s.(*stats.End)
	if !ok {
		return
	}
	if counter, ok := ctx.Value(counterKey{}).(Counter); ok {
		counter.Called(status.Code(end.Error))
	}
}

// TagConn implements stats.Handler.
func (*calls) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

// HandleConn implements stats.Handler.
func (*calls) HandleConn(context.Context, stats.ConnStats) {}
