// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/testkit/pki"
)

// text is the message of calls here.
type text = wrapperspb.StringValue

// method is one method of the service test.Echo.
type method func(ctx context.Context, text string) (string, error)

const echoMethod = "/test.Echo/Call"

// service is a door with a method Call.
func service(call method) []door.Service {
	desc := &grpc.ServiceDesc{
		ServiceName: "test.Echo", HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{{
			MethodName: "Call",
			Handler: func(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
				in := &text{}
				if err := decode(in); err != nil {
					return nil, err
				}
				out, err := call(ctx, in.GetValue())
				return wrapperspb.String(out), err
			},
		}},
	}
	return []door.Service{{Door: "echo", Register: func(r grpc.ServiceRegistrar) { r.RegisterService(desc, nil) }}}
}

func dial(t *testing.T, address string, options ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	options = append([]grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials())}, options...)
	conn, err := grpc.NewClient("passthrough:///"+address, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func call(ctx context.Context, conn *grpc.ClientConn, in string, options ...grpc.CallOption) (string, error) {
	out := &text{}
	err := conn.Invoke(ctx, echoMethod, wrapperspb.String(in), out, options...)
	return out.GetValue(), err
}

func reply(_ context.Context, in string) (string, error) { return in, nil }

// TestCalls: how a call ends, what the client is told, and what is counted.
func TestCalls(t *testing.T) {
	small := func(c *configv1alpha1.ServerConfiguration) { c.Limits.RequestBytes = 1024 }
	tests := map[string]struct {
		call    method
		in      string
		options []grpc.CallOption
		method  string
		code    codes.Code
		message string
		counted string
	}{
		"an answer":                        {call: reply, in: "hello", code: codes.OK, counted: "echo OK"},
		"an answer to a compressed call":   {call: reply, in: strings.Repeat("x", 1000), options: []grpc.CallOption{grpc.UseCompressor(gzip.Name)}, counted: "echo OK"},
		"a message that is too long":       {call: reply, in: strings.Repeat("x", 2000), code: codes.ResourceExhausted, message: "larger than max", counted: "echo ResourceExhausted"},
		"one that is too long when opened": {call: reply, in: strings.Repeat("x", 2000), options: []grpc.CallOption{grpc.UseCompressor(gzip.Name)}, code: codes.ResourceExhausted, message: "larger than max", counted: "echo ResourceExhausted"},
		"a method that is not there":       {call: reply, method: "/test.Echo/Nothing", code: codes.Unimplemented, message: "no method /test.Echo/Nothing; there are: /grpc.health.v1.Health/Check", counted: "echo Unimplemented"},
		"a service that is not there":      {call: reply, method: "/test.Nobody/Call", code: codes.Unimplemented, message: echoMethod, counted: " Unimplemented"},
		"an error of the door": {
			call: func(context.Context, string) (string, error) {
				return "half", &door.Error{Status: 403, Message: "not you", Err: errors.New("a secret")}
			}, code: codes.PermissionDenied, message: "not you", counted: "echo PermissionDenied",
		},
		"no policy yet": {
			call: func(context.Context, string) (string, error) { return "", fmt.Errorf("%w: later", authz.ErrNotReady) },
			code: codes.Unavailable, message: "not ready: later; there is no decision yet, try again", counted: "echo Unavailable",
		},
		"an error that says nothing": {
			call: func(context.Context, string) (string, error) { return "", errors.New("a secret") },
			code: codes.Internal, message: "internal error; there is no decision", counted: "echo Internal",
		},
		"a panic": {
			call: func(context.Context, string) (string, error) { panic("a secret") },
			code: codes.Internal, message: "internal error; there is no decision", counted: "echo Internal",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRigOf(t, configure(small), nil, service(tt.call)).run(t)
			conn := dial(t, r.GRPC)
			var out string
			var err error
			if tt.method == "" {
				out, err = call(t.Context(), conn, tt.in, tt.options...)
			} else {
				err = conn.Invoke(t.Context(), tt.method, &text{}, &text{})
			}
			s := status.Convert(err)
			if s.Code() != tt.code || !strings.Contains(s.Message(), tt.message) || strings.Contains(s.Message(), "secret") {
				t.Errorf("ended with %v, want %v %q", err, tt.code, tt.message)
			}
			if want := tt.in; tt.code == codes.OK && out != want || tt.code != codes.OK && out != "" {
				t.Errorf("answer %q, want %q", out, want)
			}
			await(t, "the call is counted", func() bool { return r.counter.get(tt.counted) == 1 })
			if n := r.counter.sum(); n != 1 {
				t.Errorf("%d answers are counted in all, want 1", n)
			}
		})
	}
}

func TestCallIDs(t *testing.T) {
	r := newRigOf(t, configure(), nil, service(func(ctx context.Context, in string) (string, error) {
		if in != "" {
			return "", door.BadRequest(in)
		}
		return door.CallID(ctx), nil
	})).run(t)
	conn := dial(t, r.GRPC)
	ask := func(id string) (seen, back string) {
		var header metadata.MD
		ctx := t.Context()
		if id != "" {
			ctx = metadata.AppendToOutgoingContext(ctx, "x-request-id", id)
		}
		seen, err := call(ctx, conn, "", grpc.Header(&header))
		if err != nil || len(header.Get("x-request-id")) != 1 {
			t.Fatalf("header %v, error %v", header, err)
		}
		return seen, header.Get("x-request-id")[0]
	}
	if seen, back := ask("mine"); seen != "mine" || back != "mine" {
		t.Errorf("an id of the client's: the door sees %q, the client %q", seen, back)
	}
	first, back := ask("")
	second, _ := ask(strings.Repeat("x", 300))
	if first == "" || first != back || first == second || len(second) > 256 {
		t.Errorf("ids made up: %q (sent back %q), then %q", first, back, second)
	}
	var header metadata.MD
	if _, err := call(t.Context(), conn, "fail", grpc.Header(&header)); err == nil || len(header.Get("x-request-id")) != 1 {
		t.Errorf("a call that fails: header %v, error %v; want an id", header, err)
	}
}

// TestACallHasItsTime: also a request that never comes to an end is given up.
func TestACallHasItsTime(t *testing.T) {
	r := newRigOf(t, configure(func(c *configv1alpha1.ServerConfiguration) { c.Timeouts.Write.Duration = 10 * time.Millisecond }),
		nil, service(func(ctx context.Context, _ string) (string, error) {
			<-ctx.Done()
			return "", ctx.Err()
		})).run(t)
	conn := dial(t, r.GRPC)
	stream, err := conn.NewStream(t.Context(), &grpc.StreamDesc{ClientStreams: true}, echoMethod)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.RecvMsg(&text{}); status.Code(err) == codes.OK {
		t.Error("a call whose request never came was answered")
	}
	if _, err := call(t.Context(), conn, ""); status.Code(err) == codes.OK {
		t.Errorf("a call that takes too long ended with %v", err)
	}
}

// TestGRPCHealth: whoever asks hears how it is, and whoever watches hears when it
// is otherwise; the end of the server ends watching.
func TestGRPCHealth(t *testing.T) {
	r := newRigOf(t, configure(), nil, service(reply))
	notReady := fmt.Errorf("%w: nothing read", authz.ErrNotReady)
	r.provider.err.Store(&notReady)
	r.run(t)
	client := healthpb.NewHealthClient(dial(t, r.GRPC))
	watch, err := client.Watch(t.Context(), &healthpb.HealthCheckRequest{Service: "test.Echo"})
	if err != nil {
		t.Fatal(err)
	}
	next := func(want healthpb.HealthCheckResponse_ServingStatus) {
		t.Helper()
		if got, err := watch.Recv(); err != nil || got.GetStatus() != want {
			t.Fatalf("who watches hears %v, error %v; want %v", got, err, want)
		}
		for _, service := range []string{"", "test.Echo"} {
			got, err := client.Check(t.Context(), &healthpb.HealthCheckRequest{Service: service})
			if err != nil || got.GetStatus() != want {
				t.Errorf("who asks about %q is told %v, error %v; want %v", service, got, err, want)
			}
		}
	}
	next(healthpb.HealthCheckResponse_NOT_SERVING)
	r.provider.err.Store(nil)
	next(healthpb.HealthCheckResponse_SERVING)
	if _, err := client.Check(t.Context(), &healthpb.HealthCheckRequest{Service: "nobody"}); status.Code(err) != codes.NotFound {
		t.Errorf("a service that is not there: %v, want NotFound", err)
	}
	r.stop()
	for {
		got, err := watch.Recv()
		if err != nil {
			break
		}
		if got.GetStatus() != healthpb.HealthCheckResponse_NOT_SERVING {
			t.Errorf("at the end who watches hears %v", got)
		}
	}
	if err := <-r.ended; err != nil {
		t.Errorf("an orderly end returned %v", err)
	}
	if n := r.counter.sum(); n != 0 {
		t.Errorf("%d calls are counted, and none was a door's", n)
	}
}

func TestReflection(t *testing.T) {
	r := newRigOf(t, configure(), nil, service(reply)).run(t)
	stream, err := reflectionpb.NewServerReflectionClient(dial(t, r.GRPC)).ServerReflectionInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(&reflectionpb.ServerReflectionRequest{
		MessageRequest: &reflectionpb.ServerReflectionRequest_ListServices{},
	}); err != nil {
		t.Fatal(err)
	}
	got, err := stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range got.GetListServicesResponse().GetService() {
		names = append(names, s.GetName())
	}
	if !slices.Contains(names, "test.Echo") {
		t.Errorf("services %q, want test.Echo among them", names)
	}
}

// TestGRPCOverTLS serves with a certificate, and with its successor as soon as
// that stands in the files.
func TestGRPCOverTLS(t *testing.T) {
	a, dir := pki.New(t), t.TempDir()
	certFile, keyFile := a.Files(dir, a.Named("first"))
	files := &configv1alpha1.TLS{CertFile: certFile, KeyFile: keyFile}
	r := newRigOf(t, configure(func(c *configv1alpha1.ServerConfiguration) { c.GRPC.TLS = files }), nil,
		service(func(ctx context.Context, _ string) (string, error) {
			ctx = metadata.NewIncomingContext(ctx, metadata.Pairs("authorization", "Bearer x"))
			c := door.CallCredentials(ctx)
			return fmt.Sprint(c.Authorization, " ", c.TLS != nil && c.TLS.HandshakeComplete), nil
		})).run(t)
	name := func() string {
		seen := ""
		conn := dial(t, r.GRPC, grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{
			InsecureSkipVerify: true,
			VerifyConnection: func(s tls.ConnectionState) error {
				seen = s.PeerCertificates[0].Subject.CommonName
				return nil
			},
		})))
		if out, err := call(t.Context(), conn, ""); err != nil || out != "Bearer x true" {
			t.Fatalf("answer %q, error %v", out, err)
		}
		return seen
	}
	if got := name(); got != "first" {
		t.Errorf("certificate of %q, want of the first", got)
	}
	if _, err := call(t.Context(), dial(t, r.GRPC), ""); status.Code(err) != codes.Unavailable {
		t.Errorf("without TLS: %v, want Unavailable", err)
	}
	a.Files(dir, a.Named("second"))
	await(t, "the new certificate is served", func() bool { return name() == "second" })
}

// TestGRPCConnectionAge: a connection that has grown old is left for another one,
// and the client notices nothing.
func TestGRPCConnectionAge(t *testing.T) {
	var mu sync.Mutex
	from := map[string]bool{}
	r := newRigOf(t, configure(func(c *configv1alpha1.ServerConfiguration) {
		c.Timeouts.ConnectionAge.Duration = 50 * time.Millisecond
	}), nil, service(func(ctx context.Context, _ string) (string, error) {
		mu.Lock()
		defer mu.Unlock()
		if p, ok := peer.FromContext(ctx); ok {
			from[p.Addr.String()] = true
		}
		return "", nil
	})).run(t)
	conn := dial(t, r.GRPC)
	await(t, "the client comes from a third port", func() bool {
		if _, err := call(t.Context(), conn, ""); err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		defer mu.Unlock()
		return len(from) >= 3
	})
}

// TestGRPCShutdown: what has begun ends, what is new is refused.
func TestGRPCShutdown(t *testing.T) {
	begun, finish := make(chan struct{}), make(chan struct{})
	r := newRigOf(t, configure(), nil, service(func(context.Context, string) (string, error) {
		close(begun)
		<-finish
		return "done", nil
	})).run(t)
	type result struct {
		out string
		err error
	}
	got := make(chan result, 1)
	go func() {
		out, err := call(t.Context(), dial(t, r.GRPC), "")
		got <- result{out, err}
	}()
	<-begun
	r.stop()
	await(t, "nobody new is taken", func() bool {
		_, err := healthpb.NewHealthClient(dial(t, r.GRPC)).Check(t.Context(), &healthpb.HealthCheckRequest{})
		return status.Code(err) == codes.Unavailable
	})
	close(finish)
	if a := <-got; a.err != nil || a.out != "done" {
		t.Errorf("the call that had begun got %q, error %v", a.out, a.err)
	}
	if err := <-r.ended; err != nil {
		t.Errorf("an orderly end returned %v", err)
	}
}

func TestGRPCDrainIsBounded(t *testing.T) {
	begun := make(chan struct{})
	r := newRigOf(t, configure(func(c *configv1alpha1.ServerConfiguration) { c.Timeouts.Drain.Duration = time.Millisecond }),
		nil, service(func(ctx context.Context, _ string) (string, error) {
			close(begun)
			<-ctx.Done()
			return "", ctx.Err()
		})).run(t)
	go func() { _, _ = call(t.Context(), dial(t, r.GRPC), "") }()
	<-begun
	r.stop()
	err := <-r.ended
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "drain grpc within timeouts.drain (1ms)") {
		t.Errorf("cutting off a call returned %v, want an error that names timeouts.drain", err)
	}
}
