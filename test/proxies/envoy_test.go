// SPDX-License-Identifier: Apache-2.0

package proxies

import (
	"cmp"
	"context"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	"github.com/rolecall/rolecall/internal/server"
)

// envoy stands in for Envoy: it reads Envoy's configuration, asks by Envoy's messages,
// and does with an answer what is documented of the filter
// envoy.filters.http.ext_authz.
type envoy struct {
	settings
	asks authv3.AuthorizationClient
}

// startEnvoy starts one by the configuration that docs/gateways.md shows, with changes:
// pairs of texts of which the second takes the place of the first.
func startEnvoy(t *testing.T, at server.Addresses, application string, changes ...string) string {
	t.Helper()
	b, err := bootstrap(strings.NewReplacer(changes...).Replace(read(t, "envoy.yaml")))
	if err != nil {
		t.Fatal(err)
	}
	e := &envoy{}
	if e.settings, err = settingsOf(b); err != nil {
		t.Fatal(err)
	}
	if shown := [3]string{e.listen, e.application, e.rolecall}; shown != [3]string{"127.0.0.1:8000", "127.0.0.1:3000", "127.0.0.1:9090"} {
		t.Errorf("the parts of the configuration lead to %q", shown)
	}
	conn, err := grpc.NewClient("passthrough:///"+at.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	e.application, e.asks = application, authv3.NewAuthorizationClient(conn)
	front := httptest.NewServer(e)
	t.Cleanup(front.Close)
	return front.Listener.Addr().String()
}

// ServeHTTP implements http.Handler.
func (e *envoy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if e.manager.GetUseRemoteAddress().GetValue() {
		r.Header.Add("X-Forwarded-For", clientOf(r))
	}
	answer, err := e.ask(r)
	switch {
	case err != nil && e.filter.GetFailureModeAllow(): // it goes on as it came
	case err != nil:
		w.WriteHeader(cmp.Or(int(e.filter.GetStatusOnError().GetCode()), http.StatusForbidden))
		return
	case codes.Code(answer.GetStatus().GetCode()) != codes.OK:
		refuse(w, answer.GetDeniedResponse())
		return
	default:
		for _, o := range answer.GetOkResponse().GetHeaders() {
			mutate(r.Header, o)
		}
		for _, name := range answer.GetOkResponse().GetHeadersToRemove() {
			r.Header.Del(name)
		}
	}
	e.forward(w, r)
}

// clientOf returns the address of a client.
func clientOf(r *http.Request) string {
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	return host
}

// ask asks about a request, for as long as the configuration says.
func (e *envoy) ask(r *http.Request) (*authv3.CheckResponse, error) {
	service := e.filter.GetGrpcService()
	ctx, cancel := context.WithTimeout(r.Context(), service.GetTimeout().AsDuration())
	defer cancel()
	more := metadata.MD{}
	for _, m := range service.GetInitialMetadata() {
		more.Append(m.GetKey(), m.GetValue())
	}
	ctx = metadata.NewOutgoingContext(ctx, more)
	headers := map[string]string{":method": r.Method, ":path": target(r), ":authority": r.Host, ":scheme": "http"}
	for name, values := range r.Header {
		headers[strings.ToLower(name)] = strings.Join(values, map[bool]string{true: "; ", false: ","}[name == "Cookie"])
	}
	return e.asks.Check(ctx, &authv3.CheckRequest{Attributes: &authv3.AttributeContext{
		Source: &authv3.AttributeContext_Peer{Address: &corev3.Address{Address: &corev3.Address_SocketAddress{SocketAddress: &corev3.SocketAddress{
			Address: clientOf(r), PortSpecifier: &corev3.SocketAddress_PortValue{PortValue: 4711},
		}}}},
		Request: &authv3.AttributeContext_Request{Http: &authv3.AttributeContext_HttpRequest{
			Method: r.Method, Path: target(r), Host: r.Host, Headers: headers, Scheme: "http", Size: r.ContentLength, Protocol: r.Proto,
		}},
	}})
}

// target returns the path and the query of a request as they came.
func target(r *http.Request) string {
	if strings.HasPrefix(r.RequestURI, "/") {
		return r.RequestURI
	}
	return r.URL.RequestURI()
}

// mutate does to a header what an option says.
func mutate(h http.Header, o *corev3.HeaderValueOption) {
	name, value := o.GetHeader().GetKey(), o.GetHeader().GetValue()
	_, there := h[http.CanonicalHeaderKey(name)]
	switch o.GetAppendAction() {
	case corev3.HeaderValueOption_ADD_IF_ABSENT:
		if there {
			return
		}
	case corev3.HeaderValueOption_OVERWRITE_IF_EXISTS:
		if !there {
			return
		}
	case corev3.HeaderValueOption_APPEND_IF_EXISTS_OR_ADD:
		h.Add(name, value)
		return
	case corev3.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD:
	}
	if h.Del(name); value != "" || o.GetKeepEmptyValue() {
		h.Set(name, value)
	}
}

// refuse answers a client as a denied response says.
func refuse(w http.ResponseWriter, d *authv3.DeniedHttpResponse) {
	for _, o := range d.GetHeaders() {
		mutate(w.Header(), o)
	}
	w.WriteHeader(cmp.Or(int(d.GetStatus().GetCode()), http.StatusForbidden))
	_, _ = io.WriteString(w, d.GetBody()) //nolint:gosec // what the server under test has said; a client that has gone hears nothing
}

// forward passes a request on, and the application's answer back.
func (e *envoy) forward(w http.ResponseWriter, r *http.Request) {
	out := r.Clone(r.Context())
	out.RequestURI, out.URL.Scheme, out.URL.Host, out.URL.Opaque = "", "http", e.application, target(r)
	answer, err := http.DefaultTransport.RoundTrip(out)
	if err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	defer func() { _ = answer.Body.Close() }()
	maps.Copy(w.Header(), answer.Header)
	w.WriteHeader(answer.StatusCode)
	_, _ = io.Copy(w, answer.Body) // a client that has gone hears nothing
}

// standIns are proxies of which there is no program to run. They wait for an answer
// however busy the machine is.
var standIns = map[string]launch{
	"envoy": func(t *testing.T, at server.Addresses, application string) string {
		return startEnvoy(t, at, application, patience...)
	},
}

// patience is the change by which Envoy waits longer than any test takes.
var patience = []string{"timeout: 0.2s", "timeout: 3600s"}

// TestEnvoy: behind Envoy becomes of requests what becomes of them behind the others.
func TestEnvoy(t *testing.T) {
	t.Parallel()
	verify(t, standIns)
}

func TestEnvoyWithoutAnswer(t *testing.T) {
	t.Parallel()
	verifyWithoutAnswer(t, standIns)
}
