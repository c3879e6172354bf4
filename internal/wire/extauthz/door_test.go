// SPDX-License-Identifier: Apache-2.0

package extauthz_test

import (
	"testing"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/rolecall/rolecall/internal/testkit/issuer"
	"github.com/rolecall/rolecall/internal/testkit/served"
)

const policy = `
apiVersion: rolecall.dev/v1alpha1
kind: Resource
metadata: {name: document}
spec:
  actions: [{name: read}]
  schema: {type: object, properties: {owner_id: {type: string}}}
  routes:
  - {method: GET, host: app.example.com, path: "/documents/{id}", action: read}
  - {method: GET, host: app.example.com, path: "/of/{ownr_id}/{id}", action: read}
---
apiVersion: rolecall.dev/v1alpha1
kind: Role
metadata: {name: reader}
spec: {permissions: [{resource: document, actions: [read], condition: 'context.headers["x-plan"] == "pro"'}]}
---
apiVersion: rolecall.dev/v1alpha1
kind: RoleBinding
metadata: {name: readers}
spec: {roles: [reader], subjects: [{type: service, id: "spiffe://example.com/cart"}, {type: user, id: ann}], scope: "*"}
`

// dial serves the policy and returns a connection.
func dial(t *testing.T, sessions string) *grpc.ClientConn {
	t.Helper()
	at := served.Start(t, served.Options{Manifests: policy, Configuration: sessions + `
gateways:
- namespace: default
  peers: [{cidr: 127.0.0.0/8}]
  subject: {headers: {id: X-User, groups: X-Groups}, certificateType: service` + map[bool]string{true: ", token: {}"}[sessions != ""] + `}
  contextHeaders: [X-Plan]
`})
	conn, err := grpc.NewClient("passthrough:///"+at.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func request(headers map[string]string) *authv3.CheckRequest {
	return &authv3.CheckRequest{Attributes: &authv3.AttributeContext{
		Source: &authv3.AttributeContext_Peer{Principal: "spiffe://example.com/cart"},
		Request: &authv3.AttributeContext_Request{Http: &authv3.AttributeContext_HttpRequest{
			Method: "GET", Path: "/documents/7?x=1", Host: "app.example.com:8443", Headers: headers,
		}},
	}}
}

func ask(t *testing.T, conn *grpc.ClientConn, in *authv3.CheckRequest) *authv3.CheckResponse {
	t.Helper()
	out, err := authv3.NewAuthorizationClient(conn).Check(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestCertificate: who has proven to Envoy who it is, is that subject, and the
// filters that come next hear what was decided.
func TestCertificate(t *testing.T) {
	t.Parallel()
	out := ask(t, dial(t, ""), request(map[string]string{"x-plan": "pro"}))
	if out.GetOkResponse() == nil {
		t.Fatalf("%v", out)
	}
	got := out.GetDynamicMetadata().AsMap()
	if got["revision"] == "" {
		t.Error("the metadata has no revision")
	}
	delete(got, "revision")
	want := map[string]any{
		"namespace": "default", "reason": "Granted", "subject": "spiffe://example.com/cart", "subject_type": "service", "roles": []any{"reader"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("dynamic metadata (-want +got):\n%s", diff)
	}
	if remove := out.GetOkResponse().GetHeadersToRemove(); len(remove) != 0 {
		t.Errorf("removes %q", remove)
	}
}

// TestWarnings: the access log hears what of a request does not fit the schema, and
// the client does not.
func TestWarnings(t *testing.T) {
	t.Parallel()
	in := request(map[string]string{"x-plan": "pro"})
	in.GetAttributes().GetRequest().GetHttp().Path = "/of/ann/7"
	out := ask(t, dial(t, ""), in)
	want := []any{`resource.properties.ownr_id is not in the schema (did you mean "owner_id"?), by the schema of the type "document"`}
	if diff := cmp.Diff(want, out.GetDynamicMetadata().AsMap()["warnings"]); diff != "" || out.GetOkResponse() == nil {
		t.Errorf("warnings in %v (-want +got):\n%s", out, diff)
	}
}

// TestRawHeaders: with encode_raw_headers they come as they were.
func TestRawHeaders(t *testing.T) {
	t.Parallel()
	conn := dial(t, "")
	in := request(nil)
	in.GetAttributes().GetRequest().GetHttp().HeaderMap = &corev3.HeaderMap{Headers: []*corev3.HeaderValue{
		{Key: "x-user", RawValue: []byte("ann")}, {Key: "x-plan", Value: "pro"},
	}}
	if out := ask(t, conn, in); out.GetDynamicMetadata().AsMap()["subject"] != "ann" || out.GetOkResponse() == nil {
		t.Errorf("%v", out)
	}
	raw := in.GetAttributes().GetRequest().GetHttp().GetHeaderMap()
	raw.Headers = append(raw.Headers, &corev3.HeaderValue{Key: "x-user", RawValue: []byte("eve")})
	if out := ask(t, conn, in); out.GetDeniedResponse().GetStatus().GetCode() != 401 || codes.Code(out.GetStatus().GetCode()) != codes.Unauthenticated {
		t.Errorf("two identities: %v", out)
	}
}

// TestUnprovenHeadersAreRemoved: the application must not believe what was not
// believed here.
func TestUnprovenHeadersAreRemoved(t *testing.T) {
	t.Parallel()
	i := issuer.Start(t)
	conn := dial(t, "sessions: [{namespace: default, jwt: [{issuer: {"+i.Trust()+"}}]}]")
	token := i.Sign(t, issuer.Claims(time.Now(), map[string]any{"sub": "ann"}))
	out := ask(t, conn, request(map[string]string{"authorization": "Bearer " + token, "x-plan": "pro", "x-user": "ann", "x-groups": "admins"}))
	if diff := cmp.Diff([]string{"x-user", "x-groups"}, out.GetOkResponse().GetHeadersToRemove()); diff != "" {
		t.Errorf("headers to remove (-want +got):\n%s", diff)
	}
}

// TestNotHTTP: what is no request of HTTP is denied, and no error, which Envoy might
// be told to let through.
func TestNotHTTP(t *testing.T) {
	t.Parallel()
	conn := dial(t, "")
	for _, in := range []*authv3.CheckRequest{{}, {Attributes: &authv3.AttributeContext{}}, {Attributes: &authv3.AttributeContext{Request: &authv3.AttributeContext_Request{}}}} {
		out := ask(t, conn, in)
		if out.GetDeniedResponse().GetStatus().GetCode() != 400 || codes.Code(out.GetStatus().GetCode()) != codes.InvalidArgument {
			t.Errorf("%v: %v", in, out)
		}
	}
	in := request(map[string]string{"x-user": "\t"})
	in.GetAttributes().GetRequest().Http = &authv3.AttributeContext_HttpRequest{}
	if out := ask(t, conn, in); out.GetDeniedResponse().GetStatus().GetCode() != 403 {
		t.Errorf("an empty request: %v", out)
	}
}

// TestHealthStandsBesideIt as balancers expect.
func TestHealthStandsBesideIt(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "envoy.service.auth.v3.Authorization"} {
		out, err := healthpb.NewHealthClient(dial(t, "")).Check(t.Context(), &healthpb.HealthCheckRequest{Service: name})
		if err != nil || out.GetStatus() != healthpb.HealthCheckResponse_SERVING {
			t.Errorf("%q: %v, %v", name, out, err)
		}
	}
}
