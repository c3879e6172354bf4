// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/rolecall/rolecall/internal/server"
	"github.com/rolecall/rolecall/internal/testkit/served"
	"github.com/rolecall/rolecall/internal/wire/cerbos/cerbospb"
)

// doorsPolicy lets alice read the document d1, whatever the door.
const doorsPolicy = `
apiVersion: rolecall.dev/v1alpha1
kind: Resource
metadata: {name: document}
spec: {actions: [{name: read}, {name: list}], routes: [{method: GET, path: "/documents/{id}", action: read}]}
---
apiVersion: rolecall.dev/v1alpha1
kind: Role
metadata: {name: reader}
spec: {assertable: true, permissions: [{resource: document, actions: [read]}]}
---
apiVersion: rolecall.dev/v1alpha1
kind: RoleBinding
metadata: {name: readers}
spec: {roles: [reader], subjects: [{type: user, id: alice}], scope: "*"}
`

const doorsConfiguration = `
yorAuth: {applications: [{id: a-1, namespace: default}]}
gateways: [{namespace: default, peers: [{cidr: 127.0.0.0/8}], subject: {headers: {id: X-User}}}]`

// httpDoor is a request at a door, and a type that its body can be decoded into.
type httpDoor struct {
	method, path, body string
	header             http.Header
	into               func() any
	want               string // of the answer
}

type entity struct {
	Type, ID, Name string
	Properties     map[string]any
}

func httpDoors() map[string]httpDoor {
	type evaluation struct {
		Subject, Action, Resource entity
		Context                   map[string]any
	}
	const item = `{"resource":{"type":"document","id":"d1"}}`
	return map[string]httpDoor{
		"authzen": {
			method: http.MethodPost, path: "/access/v1/evaluation",
			body: `{"subject":{"type":"user","id":"alice"},"action":{"name":"read"},"resource":{"type":"document","id":"d1"},"context":{"scope":"org:a"}}`,
			into: func() any { return new(evaluation) }, want: `{"decision":true`,
		},
		"authzen-batch-of-20": {
			method: http.MethodPost, path: "/access/v1/evaluations",
			body: `{"subject":{"type":"user","id":"alice"},"action":{"name":"read"},"evaluations":[` + strings.Repeat(item+",", 19) + item + `]}`,
			into: func() any {
				return new(struct {
					evaluation
					Evaluations []evaluation
				})
			},
			want: `{"decision":true}`,
		},
		"cerbos": {
			method: http.MethodPost, path: "/api/check/resources",
			body: `{"requestId":"1","principal":{"id":"alice","roles":["reader"]},"resources":[{"actions":["read","list"],"resource":{"kind":"document","id":"d1","attr":{"owner":"bob"}}}]}`,
			into: func() any {
				return new(struct {
					RequestID string
					Principal struct {
						ID    string
						Roles []string
						Attr  map[string]any
					}
					Resources []struct {
						Actions  []string
						Resource struct {
							Kind, ID string
							Attr     map[string]any
						}
					}
				})
			},
			want: "EFFECT_ALLOW",
		},
		"yorauth": {
			method: http.MethodPost, path: "/api/v1/applications/a-1/authz/check", body: `{"user_id":"alice","permission":"document:read"}`,
			into: func() any {
				return new(struct {
					UserID     string `json:"user_id"`
					Permission string
				})
			},
			want: `"allowed":true`,
		},
		"forward-auth": {
			method: http.MethodGet, path: "/forward-auth",
			header: http.Header{
				"X-Forwarded-Method": {"GET"}, "X-Forwarded-Host": {"app.example.com"}, "X-Forwarded-Uri": {"/documents/d1?x=1"},
				"X-Forwarded-For": {"203.0.113.7"}, "X-User": {"alice"},
			},
		},
	}
}

// BenchmarkDoors compares every door with the bare floor of its protocol: a handler
// or a method that decodes the request and answers what the door has answered.
// Both are asked in turns, over connections that are kept, by the same clients in
// this process; the ratio is of the requests a second, so what it costs to ask
// counts on both sides.
//
// One iteration is two hundred requests to each.
func BenchmarkDoors(b *testing.B) {
	at := served.Start(b, served.Options{Manifests: doorsPolicy, Configuration: doorsConfiguration})
	for name, d := range httpDoors() {
		b.Run(name, func(b *testing.B) {
			answer := d.ask(b, "http://"+at.HTTP)
			bare := httptest.NewServer(d.floor(answer))
			b.Cleanup(bare.Close)
			duel(b, func() { d.ask(b, bare.URL) }, func() { d.ask(b, "http://"+at.HTTP) })
		})
	}
	b.Run("cerbos-grpc", func(b *testing.B) { benchCerbos(b, at) })
	b.Run("ext-authz", func(b *testing.B) { benchExtAuthz(b, at) })
}

// benchClient keeps its connections.
var benchClient = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: askers}}

func (d *httpDoor) ask(b *testing.B, base string) http.Header {
	req, err := http.NewRequestWithContext(b.Context(), d.method, base+d.path, strings.NewReader(d.body))
	if err != nil {
		b.Error(err)
		return nil
	}
	if d.header != nil {
		req.Header = d.header
	} else {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := benchClient.Do(req)
	if err != nil {
		b.Error(err)
		return nil
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(string(text), d.want) {
		b.Errorf("answer %d %s, error %v; want %s", resp.StatusCode, text, err, d.want)
	}
	header := resp.Header.Clone()
	header[bodyOf] = []string{string(text)}
	return header
}

// bodyOf is where ask leaves the body.
const bodyOf = "Body"

// floor decodes and answers the same.
func (d *httpDoor) floor(answer http.Header) http.Handler {
	body := []byte(strings.Join(answer[bodyOf], ""))
	buffers := sync.Pool{New: func() any { return new(bytes.Buffer) }}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := buffers.Get().(*bytes.Buffer)
		defer buffers.Put(text)
		text.Reset()
		if _, err := text.ReadFrom(r.Body); err != nil || (d.into != nil && json.Unmarshal(text.Bytes(), d.into()) != nil) {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		for name, values := range answer {
			if name != bodyOf && name != "Date" && name != "Content-Length" {
				w.Header()[name] = values
			}
		}
		_, _ = w.Write(body)
	})
}

const (
	askers = 8
	each   = 25
)

// cost is what requests have taken: time, processor time of this process, which does
// not depend on what else the machine does, and memory, which depends on nothing.
type cost struct {
	time, worked       time.Duration
	allocations, bytes uint64
}

// spent returns what this process has taken so far.
func spent(b *testing.B, begun time.Time) cost {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return cost{time.Since(begun), processorTime(b), m.Mallocs, m.TotalAlloc}
}

// add adds what was taken between two moments.
func (c *cost) add(from, to cost) {
	c.time += to.time - from.time
	c.worked += to.worked - from.worked
	c.allocations += to.allocations - from.allocations
	c.bytes += to.bytes - from.bytes
}

// duel lets all askers ask the one and then the other, and compares the costs.
func duel(b *testing.B, floor, door func()) {
	var costs [2]cost
	begun := time.Now()
	round := func() {
		for i, ask := range []func(){floor, door} {
			var all sync.WaitGroup
			before := spent(b, begun)
			for range askers {
				all.Go(func() {
					for range each {
						ask()
					}
				})
			}
			all.Wait()
			costs[i].add(before, spent(b, begun))
		}
	}
	round() // warm up
	costs = [2]cost{}
	n := 0.0
	for b.Loop() {
		round()
		n += askers * each
	}
	bare, full := costs[0], costs[1]
	b.ReportMetric(bare.time.Seconds()/full.time.Seconds(), "requests/s-ratio")
	b.ReportMetric(bare.worked.Seconds()/full.worked.Seconds(), "cpu-ratio")
	b.ReportMetric(n/full.time.Seconds(), "requests/s")
	b.ReportMetric((float64(full.worked)-float64(bare.worked))/n, "more-cpu-ns/request")
	b.ReportMetric((float64(full.allocations)-float64(bare.allocations))/n, "more-allocs/request")
	b.ReportMetric((float64(full.bytes)-float64(bare.bytes))/n, "more-B/request")
}

// processorTime is what this process has used, of its own and in the kernel.
func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// connect returns a connection to a server.
func connect(b testing.TB, address string) *grpc.ClientConn {
	b.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conn.Close() })
	return conn
}

// bareGRPC starts a server and returns a connection to it.
func bareGRPC(b testing.TB, register func(*grpc.Server)) *grpc.ClientConn {
	b.Helper()
	l, err := new(net.ListenConfig).Listen(b.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	s := grpc.NewServer()
	register(s)
	go func() { _ = s.Serve(l) }()
	b.Cleanup(s.Stop)
	return connect(b, l.Addr().String())
}

type bareCerbos struct {
	cerbospb.UnimplementedCerbosServiceServer
	answer *cerbospb.CheckResourcesResponse
}

func (s *bareCerbos) CheckResources(context.Context, *cerbospb.CheckResourcesRequest) (*cerbospb.CheckResourcesResponse, error) {
	return s.answer, nil
}

func benchCerbos(b *testing.B, at server.Addresses) {
	in := &cerbospb.CheckResourcesRequest{}
	if err := protojson.Unmarshal([]byte(httpDoors()["cerbos"].body), in); err != nil {
		b.Fatal(err)
	}
	rolecall := cerbospb.NewCerbosServiceClient(connect(b, at.GRPC))
	answer, err := rolecall.CheckResources(b.Context(), in)
	if err != nil {
		b.Fatal(err)
	}
	floor := cerbospb.NewCerbosServiceClient(bareGRPC(b, func(s *grpc.Server) {
		cerbospb.RegisterCerbosServiceServer(s, &bareCerbos{answer: answer})
	}))
	ask := func(c cerbospb.CerbosServiceClient) func() {
		return func() {
			if _, err := c.CheckResources(b.Context(), in); err != nil {
				b.Error(err)
			}
		}
	}
	duel(b, ask(floor), ask(rolecall))
}

type bareExtAuthz struct {
	authv3.UnimplementedAuthorizationServer
	answer *authv3.CheckResponse
}

func (s *bareExtAuthz) Check(context.Context, *authv3.CheckRequest) (*authv3.CheckResponse, error) {
	return s.answer, nil
}

// extAuthzRequest is what Envoy asks.
func extAuthzRequest() *authv3.CheckRequest {
	return &authv3.CheckRequest{Attributes: &authv3.AttributeContext{Request: &authv3.AttributeContext_Request{
		Http: &authv3.AttributeContext_HttpRequest{
			Method: http.MethodGet, Host: "app.example.com", Path: "/documents/d1?x=1",
			Headers: map[string]string{":authority": "app.example.com", ":path": "/documents/d1?x=1", "user-agent": "test/1", "accept": "*/*", "x-user": "alice"},
		},
	}}}
}

func benchExtAuthz(b *testing.B, at server.Addresses) {
	in := extAuthzRequest()
	rolecall := authv3.NewAuthorizationClient(connect(b, at.GRPC))
	answer, err := rolecall.Check(b.Context(), in)
	if err != nil || answer.GetOkResponse() == nil {
		b.Fatalf("answer %v, error %v", answer, err)
	}
	floor := authv3.NewAuthorizationClient(bareGRPC(b, func(s *grpc.Server) {
		authv3.RegisterAuthorizationServer(s, &bareExtAuthz{answer: answer})
	}))
	ask := func(c authv3.AuthorizationClient) func() {
		return func() {
			if _, err := c.Check(b.Context(), in); err != nil {
				b.Error(err)
			}
		}
	}
	duel(b, ask(floor), ask(rolecall))
}
