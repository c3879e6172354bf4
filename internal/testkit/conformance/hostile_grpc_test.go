// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/rolecall/rolecall/internal/server"
	"github.com/rolecall/rolecall/internal/wire/cerbos/cerbospb"
)

// grpcMethods are of every door over gRPC.
var grpcMethods = []string{cerbospb.CerbosService_CheckResources_FullMethodName, authv3.Authorization_Check_FullMethodName}

// raw is a codec of bytes as they are.
type raw struct{}

func (raw) Name() string { return "proto" }
func (raw) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(*v.(*[]byte))}, nil //nolint:forcetypeassert // the test's own
}

func (raw) Unmarshal(data mem.BufferSlice, v any) error {
	*v.(*[]byte) = data.Materialize() //nolint:forcetypeassert // the test's own
	return nil
}

// call is a hostile call, and how it may end.
type call struct {
	in      []byte
	header  metadata.MD
	options []grpc.CallOption
	want    []codes.Code
}

func calls() map[string]call {
	deep := []byte{}
	for range 5000 { // a list in a list, as a value of google.protobuf.Value
		deep = field(6, field(1, deep))
	}
	many := bytes.Repeat(field(4, field(2, field(4, append(field(1, []byte("k")), field(2, nil)...)))), 2000)
	refused := []codes.Code{codes.InvalidArgument, codes.Internal}
	return map[string]call{
		"no message":           {in: []byte("\xff\xff\xff"), want: refused},
		"half a message":       {in: []byte{3<<3 | 2, 100, 'x'}, want: refused},
		"a text that is none":  {in: field(1, field(4, field(2, field(4, []byte{0xff})))), want: append(refused, codes.OK)},
		"a very deep value":    {in: field(3, field(4, append(field(1, []byte("k")), field(2, deep)...))), want: append(refused, codes.OK)},
		"thousands of fields":  {in: many, want: append(refused, codes.OK)},
		"a huge message":       {in: make([]byte, 1<<20), want: []codes.Code{codes.ResourceExhausted}},
		"a bomb":               {in: make([]byte, 8<<20), options: []grpc.CallOption{grpc.UseCompressor(gzip.Name)}, want: []codes.Code{codes.ResourceExhausted}},
		"a huge header":        {header: metadata.Pairs("x", strings.Repeat("x", 1<<20)), want: []codes.Code{codes.Internal, codes.Unavailable}},
		"thousands of headers": {header: thousand(), want: []codes.Code{codes.Internal, codes.Unavailable}},
		"a namespace as long":  {header: metadata.Pairs("rolecall-namespace", strings.Repeat("x", 4000)), want: []codes.Code{codes.NotFound, codes.InvalidArgument}},
		"a method of nobody":   {want: []codes.Code{codes.Unimplemented}},
	}
}

// field is a field of a message that holds bytes.
func field(number byte, value []byte) []byte {
	b := []byte{number<<3 | 2}
	n := len(value)
	for ; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(append(b, byte(n)), value...)
}

func thousand() metadata.MD {
	md := metadata.MD{}
	for i := range 1000 {
		md.Set(fmt.Sprintf("x-%d", i), "y")
	}
	return md
}

// TestHostileCalls is TestHostileRequests for gRPC, with calls that come whole. The
// server has time for them: what is wrong is not that they are slow.
func TestHostileCalls(t *testing.T) {
	at := startNarrow(t, patient)
	n := newNeighbour(t, at)
	conn := connect(t, at.GRPC)
	var all sync.WaitGroup
	for _, method := range grpcMethods {
		for name, c := range calls() {
			to := method
			if name == "a method of nobody" {
				to += "s"
			}
			all.Go(func() {
				ctx := metadata.NewOutgoingContext(t.Context(), c.header)
				var out []byte
				err := conn.Invoke(ctx, to, &c.in, &out, append(c.options, grpc.ForceCodecV2(raw{}))...)
				if code := status.Code(err); !slices.Contains(c.want, code) {
					t.Errorf("%s to %s ends with %v, want one of %v", name, method, err, c.want)
				}
			})
		}
	}
	n.during(t, &all)
}

// TestHostileStreams is TestHostileCalls with calls that never come whole.
func TestHostileStreams(t *testing.T) {
	at := startNarrow(t, impatient)
	n := newNeighbour(t, at)
	var all sync.WaitGroup
	for _, method := range grpcMethods {
		all.Go(func() { manyStreams(t, at, method) })
		for name, attack := range frames(method) {
			all.Go(func() {
				if err := attackFrames(at.GRPC, attack); err != nil {
					t.Errorf("%s to %s: %v", name, method, err)
				}
			})
		}
	}
	n.during(t, &all)
}

// manyStreams opens as many streams as the server lets it, sends nothing and gives
// half of them up; the others are ended by the server.
func manyStreams(t *testing.T, at server.Addresses, method string) {
	conn := connect(t, at.GRPC)
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() {
			ctx, giveUp := context.WithCancel(t.Context())
			defer giveUp()
			s, err := conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true}, method, grpc.ForceCodecV2(raw{}))
			if err != nil || i%2 == 0 {
				return
			}
			var out []byte
			if err := s.RecvMsg(&out); err == nil {
				t.Errorf("a stream without a request is answered with %q", out)
			}
		})
	}
	all.Wait()
}

// frames are attacks below gRPC, on a connection that has begun.
func frames(method string) map[string]func(*http2.Framer, *hpack.Encoder, *bytes.Buffer) error {
	open := func(f *http2.Framer, e *hpack.Encoder, b *bytes.Buffer, stream uint32) error {
		b.Reset()
		for _, h := range [][2]string{{":method", "POST"}, {":scheme", "http"}, {":path", method}, {":authority", "a"}, {"content-type", "application/grpc"}, {"te", "trailers"}} {
			if err := e.WriteField(hpack.HeaderField{Name: h[0], Value: h[1]}); err != nil {
				return err
			}
		}
		return f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: b.Bytes(), EndHeaders: true})
	}
	return map[string]func(*http2.Framer, *hpack.Encoder, *bytes.Buffer) error{
		"a message that stops": func(f *http2.Framer, e *hpack.Encoder, b *bytes.Buffer) error {
			if err := open(f, e, b, 1); err != nil {
				return err
			}
			return f.WriteData(1, false, []byte{0, 0, 0, 1, 0, 'x'})
		},
		"a length of four gigabytes": func(f *http2.Framer, e *hpack.Encoder, b *bytes.Buffer) error {
			if err := open(f, e, b, 1); err != nil {
				return err
			}
			return f.WriteData(1, false, []byte{0, 0xff, 0xff, 0xff, 0xff})
		},
		"streams that are reset at once, without an end": func(f *http2.Framer, e *hpack.Encoder, b *bytes.Buffer) error {
			for stream := uint32(1); stream < 200_000; stream += 2 {
				if err := open(f, e, b, stream); err != nil {
					return err
				}
				if err := f.WriteRSTStream(stream, http2.ErrCodeCancel); err != nil {
					return err
				}
			}
			return nil
		},
		"a header that goes on without an end": func(f *http2.Framer, e *hpack.Encoder, b *bytes.Buffer) error {
			if err := f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte{0x82}}); err != nil {
				return err
			}
			for {
				b.Reset()
				if err := e.WriteField(hpack.HeaderField{Name: "x", Value: strings.Repeat("y", 4000), Sensitive: true}); err != nil {
					return err
				}
				if err := f.WriteContinuation(1, false, b.Bytes()); err != nil {
					return err
				}
			}
		},
		"pings without an end": func(f *http2.Framer, _ *hpack.Encoder, _ *bytes.Buffer) error {
			for {
				if err := f.WritePing(false, [8]byte{}); err != nil {
					return err
				}
			}
		},
		"what is no frame": func(f *http2.Framer, _ *hpack.Encoder, _ *bytes.Buffer) error {
			for {
				if err := f.WriteRawFrame(0xff, 0xff, 1<<30, make([]byte, 1<<14)); err != nil {
					return err
				}
				if err := f.WriteRawFrame(http2.FrameData, 0, 0, []byte("x")); err != nil {
					return err
				}
			}
		},
	}
}

// attackFrames attacks, and returns when the server has ended the connection: with a
// stream that it ends the attacker is content.
func attackFrames(address string, attack func(*http2.Framer, *hpack.Encoder, *bytes.Buffer) error) error {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	if _, err := io.WriteString(c, http2.ClientPreface); err != nil {
		return err
	}
	f := http2.NewFramer(c, c)
	if err := f.WriteSettings(); err != nil {
		return err
	}
	var sending sync.WaitGroup
	sending.Go(func() {
		var b bytes.Buffer
		_ = attack(f, hpack.NewEncoder(&b), &b) // until the connection is gone
	})
	defer sending.Wait()
	defer func() { _ = c.Close() }()
	for {
		frame, err := f.ReadFrame()
		if err != nil {
			return nil // the connection has ended, which is what is waited for
		}
		switch frame := frame.(type) {
		case *http2.RSTStreamFrame, *http2.GoAwayFrame:
			return nil
		case *http2.HeadersFrame:
			if frame.StreamEnded() {
				return nil
			}
		}
	}
}
