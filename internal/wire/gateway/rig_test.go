// SPDX-License-Identifier: Apache-2.0

package gateway_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/rolecall/rolecall/internal/server"
	"github.com/rolecall/rolecall/internal/testkit/issuer"
	"github.com/rolecall/rolecall/internal/testkit/served"
)

// policy gives every part of a request something to decide about.
const policy = `
apiVersion: rolecall.dev/v1alpha1
kind: Resource
metadata: {name: document}
spec:
  actions: [{name: read}, {name: update}, {name: publish}, {name: list}, {name: secret}]
  instances: [{id: stored, properties: {folder: archive}}]
  routes:
  - {method: GET, path: "/documents", action: list}
  - {method: GET, path: "/documents/{id}", action: read}
  - {method: PUT, path: "/documents/{id}", action: update}
  - {method: GET, path: "/folders/{folder}/{id}", action: read}
  - {method: POST, path: "/folders/{folder}/{id}", action: publish}
  - {method: GET, path: "/contested/{a}", action: read}
  - {method: GET, path: "/contested/{b}", action: list}
  - {method: DELETE, path: "/documents/{id}", action: secret}
---
apiVersion: rolecall.dev/v1alpha1
kind: Resource
metadata: {name: page}
spec: {actions: [{name: read}], scoping: Required, routes: [{method: GET, path: "/pages/{id}", action: read}]}
---
apiVersion: rolecall.dev/v1alpha1
kind: Role
metadata: {name: reader}
spec: {assertable: true, permissions: [{resource: "*", actions: [read]}]}
---
apiVersion: rolecall.dev/v1alpha1
kind: Role
metadata: {name: publisher}
spec:
  permissions:
  - {resource: document, actions: [publish], condition: resource.properties.folder == "public"}
  - resource: document
    actions: [update]
    condition: >-
      context.method == "PUT" && context.path == "/documents/d%201" && context.host == "app.example.com"
      && context.source_address == "203.0.113.7" && context.headers["user-agent"] == "test/1"
      && !has(context.headers.cookie) && !has(context.headers.authorization)
---
apiVersion: rolecall.dev/v1alpha1
kind: Role
metadata: {name: visitor}
spec: {permissions: [{resource: document, actions: [list]}]}
---
apiVersion: rolecall.dev/v1alpha1
kind: RoleBinding
metadata: {name: readers}
spec: {roles: [reader], subjects: [{type: user, id: ann}, {type: group, id: staff}, {type: email_domain, id: acme.com}], scope: "*"}
---
apiVersion: rolecall.dev/v1alpha1
kind: RoleBinding
metadata: {name: odd}
spec: {roles: [reader], subjects: [{type: user, id: "élan %"}, {type: service, id: "spiffe://example.com/cart"}], scope: "*"}
---
apiVersion: rolecall.dev/v1alpha1
kind: RoleBinding
metadata: {name: publishers}
spec: {roles: [publisher], subjects: [{type: user, id: ann}], scope: "*"}
---
apiVersion: rolecall.dev/v1alpha1
kind: RoleBinding
metadata: {name: visitors}
spec: {roles: [visitor], subjects: [{type: anonymous, id: "*"}], scope: "*"}
`

// everybody is a configuration in which a request can prove who asks in every way.
func everybody(i *issuer.Issuer) string {
	return fmt.Sprintf(`
sessions:
- namespace: default
  jwt: [{issuer: {%s}, claimMappings: {roles: {claim: roles}, scope: {claim: org, prefix: "org:"}}}]
gateways:
- namespace: default
  peers: [{cidr: 127.0.0.0/8}]
  subject:
    token: {cookie: session}
    headers: {id: X-User, roles: X-User-Roles, groups: X-User-Groups, email: X-User-Email, scope: X-User-Scope}
    certificateType: service
  contextHeaders: [User-Agent]
`, i.Trust())
}

// token signs claims that count.
func token(t *testing.T, i *issuer.Issuer, claims map[string]any) string {
	t.Helper()
	return i.Sign(t, issuer.Claims(time.Now(), claims))
}

// question is a request of a client.
type question struct {
	method, path string
	// headers are names and values in turns.
	headers []string
	// principal is what the client's certificate proves; only Envoy can say it.
	principal string
}

// answer is what the client hears, and the application.
type answer struct {
	status    int
	challenge string
	// subject is its type and id, and roles are those of the decision; empty if the
	// request is not let through.
	subject, roles string
}

// rig asks both doors.
type rig struct {
	at  server.Addresses
	rpc authv3.AuthorizationClient
}

func start(t *testing.T, configuration string) *rig {
	t.Helper()
	return dial(t, served.Start(t, served.Options{Manifests: policy, Configuration: configuration}))
}

func dial(t *testing.T, at server.Addresses) *rig {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:///"+at.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &rig{at: at, rpc: authv3.NewAuthorizationClient(conn)}
}

// overHTTP asks as Traefik and Caddy do.
func (r *rig) overHTTP(t *testing.T, q question) answer {
	t.Helper()
	in, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+r.at.HTTP+"/forward-auth", nil)
	if err != nil {
		t.Fatal(err)
	}
	in.Header = header(q.headers)
	in.Header.Set("X-Forwarded-Method", q.method)
	in.Header.Set("X-Forwarded-Host", "app.example.com")
	in.Header.Set("X-Forwarded-Uri", q.path)
	in.Header.Set("X-Forwarded-For", "198.51.100.1, 203.0.113.7")
	out := served.Do(t, in)
	return answer{
		status: out.Status, challenge: out.Header.Get("WWW-Authenticate"),
		subject: joined(out.Header.Get("X-Rolecall-Subject-Type"), out.Header.Get("X-Rolecall-Subject")), roles: out.Header.Get("X-Rolecall-Roles"),
	}
}

func header(pairs []string) http.Header {
	h := http.Header{}
	for i := 0; i+1 < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

func joined(typ, id string) string {
	if typ == "" && id == "" {
		return ""
	}
	return typ + ":" + id
}

// overGRPC asks as Envoy does, which joins the values of a header.
func (r *rig) overGRPC(t *testing.T, q question) answer {
	t.Helper()
	out, err := r.rpc.Check(t.Context(), check(q))
	if err != nil {
		t.Fatal(err)
	}
	return heard(t, out)
}

func check(q question) *authv3.CheckRequest {
	headers := map[string]string{}
	for name, values := range header(q.headers) {
		headers[strings.ToLower(name)] = strings.Join(values, map[bool]string{true: "; ", false: ","}[name == "Cookie"])
	}
	return &authv3.CheckRequest{Attributes: &authv3.AttributeContext{
		Source: &authv3.AttributeContext_Peer{
			Principal: q.principal,
			Address: &corev3.Address{Address: &corev3.Address_SocketAddress{SocketAddress: &corev3.SocketAddress{
				Address: "203.0.113.7", PortSpecifier: &corev3.SocketAddress_PortValue{PortValue: 4711},
			}}},
		},
		Request: &authv3.AttributeContext_Request{Http: &authv3.AttributeContext_HttpRequest{
			Method: q.method, Path: q.path, Host: "app.example.com", Headers: headers, Size: -1, Protocol: "HTTP/1.1",
		}},
	}}
}

// heard is what Envoy makes of an answer. The arm must go with the status.
func heard(t *testing.T, out *authv3.CheckResponse) answer {
	t.Helper()
	denied, ok := out.GetDeniedResponse(), out.GetOkResponse()
	if (ok != nil) != (codes.Code(out.GetStatus().GetCode()) == codes.OK) || (ok == nil) == (denied == nil) {
		t.Fatalf("the status %v and %T", out.GetStatus(), out.GetHttpResponse())
	}
	if ok == nil {
		return answer{status: int(denied.GetStatus().GetCode()), challenge: option(t, denied.GetHeaders(), "www-authenticate")}
	}
	return answer{
		status:  http.StatusOK,
		subject: joined(option(t, ok.GetHeaders(), "x-rolecall-subject-type"), option(t, ok.GetHeaders(), "x-rolecall-subject")),
		roles:   option(t, ok.GetHeaders(), "x-rolecall-roles"),
	}
}

// option returns a header that takes the place of what is there.
func option(t *testing.T, options []*corev3.HeaderValueOption, name string) string {
	t.Helper()
	for _, o := range options {
		if o.GetHeader().GetKey() != name {
			continue
		}
		if o.GetAppendAction() != corev3.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD {
			t.Errorf("%s is %v", name, o.GetAppendAction())
		}
		return o.GetHeader().GetValue()
	}
	return ""
}
