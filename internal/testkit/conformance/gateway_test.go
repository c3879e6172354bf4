// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/protobuf/proto"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/compile"
	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/metrics"
	"github.com/rolecall/rolecall/internal/testkit"
	"github.com/rolecall/rolecall/internal/testkit/decide"
	"github.com/rolecall/rolecall/internal/wire/extauthz"
	"github.com/rolecall/rolecall/internal/wire/forwardauth"
	"github.com/rolecall/rolecall/internal/wire/gateway"
)

// TestGateways puts the cases that a request of HTTP can say to the doors for
// gateways, whose Resources get a route for each of their actions.
func TestGateways(t *testing.T) {
	t.Parallel()
	compiler := compile.New(decide.Env(t))
	asked := 0
	for _, c := range decide.Cases(t) {
		paths := map[string]string{}
		var objects []testkit.Object
		for _, o := range c.Objects {
			o = testkit.Copy(o)
			if r, ok := o.(*v1alpha1.Resource); ok {
				route(r, paths)
			}
			objects = append(objects, o)
		}
		provider := fixed{decide.Snapshot(compiler, objects)}
		t.Run(c.Name, func(t *testing.T) {
			for _, check := range c.Checks {
				path := paths[pairOf(&check.Request)]
				if path == "" || check.Want.Error != "" || check.Want.Reason == authz.ReasonUnknownAction.String() || !sayable(&check.Request) {
					continue
				}
				asked++
				t.Run(check.Name, func(t *testing.T) { verifyGateways(t, provider, check, path+url.PathEscape(check.Request.Resource.ID)) })
			}
		})
	}
	if asked < 150 {
		t.Errorf("only %d checks of the corpus could be asked", asked)
	}
}

func pairOf(r *authz.Request) string {
	return strings.Join([]string{r.Namespace, r.Resource.Type, r.Action.Name}, "\x00")
}

// route gives a Resource routes, and files their paths under what they mean.
func route(r *v1alpha1.Resource, paths map[string]string) {
	r.Spec.Routes = nil
	for _, a := range r.Spec.Actions {
		key := strings.Join([]string{r.Namespace, r.TypeID(), string(a.Name)}, "\x00")
		if paths[key] == "" {
			paths[key] = fmt.Sprintf("/p%d/", len(paths))
		}
		r.Spec.Routes = append(r.Spec.Routes, v1alpha1.ResourceRoute{Method: http.MethodPost, Path: paths[key] + "{id}", Action: a.Name})
	}
}

// sayable reports whether headers and a path can say a request.
func sayable(r *authz.Request) bool {
	s := &r.Subject
	if s.SessionScope != "" || s.Email != "" && !s.EmailVerified ||
		len(s.SSOConnections)+len(s.SSOGroups)+len(s.Properties)+len(r.Resource.Properties)+len(s.Captured)+len(r.Resource.Captured)+len(r.Action.Properties)+len(r.Context) > 0 {
		return false
	}
	for _, text := range slices.Concat([]string{s.ID, s.Email, r.Scope}, s.Roles, s.Groups) {
		if strings.TrimSpace(text) != text || strings.ContainsAny(text, ",\r\n\x00") {
			return false
		}
	}
	return r.Resource.ID != "" && !strings.ContainsAny(r.Resource.ID, `/\;%`)
}

func verifyGateways(t *testing.T, provider authz.Provider, check testkit.Check, path string) {
	counters, err := metrics.New(forwardauth.Name, extauthz.Name)
	if err != nil {
		t.Fatal(err)
	}
	clock := &clock{}
	clock.set(check.Request.Time)
	r := &check.Request
	judge := func(name string) gateway.Gateways {
		return gateway.Gateways{
			Asker: door.Asker{Gate: door.Anyone{}, Provider: provider, Now: clock.read, Meter: counters.Door(name)},
			Settings: map[string]*gateway.Settings{r.Namespace: {
				Addresses: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")},
				Identity:  &gateway.Identity{ID: "X-Id", Type: r.Subject.Type, Roles: "X-Roles", Groups: "X-Groups", Email: "X-Email", Scope: "X-Scope"},
				Subject:   "A-Subject", SubjectType: "A-Type", Roles: "A-Roles", DeniedStatus: http.StatusForbidden,
			}},
		}
	}
	headers := map[string]string{
		"x-id": r.Subject.ID, "x-roles": strings.Join(r.Subject.Roles, ","), "x-groups": strings.Join(r.Subject.Groups, ","),
		"x-email": r.Subject.Email, "x-scope": r.Scope,
	}
	if diff := cmp.Diff(check.Want, overExtAuthz(t, judge(extauthz.Name), r.Namespace, path, headers)); diff != "" {
		t.Errorf("ext_authz (-want +got):\n%s", diff)
	}
	want := testkit.Want{Decision: check.Want.Decision}
	if want.Decision {
		want.Roles = check.Want.Roles
	}
	if diff := cmp.Diff(want, overForwardAuth(t, judge(forwardauth.Name), r.Namespace, path, headers)); diff != "" {
		t.Errorf("forward-auth (-want +got):\n%s", diff)
	}
}

// registrar keeps the method that a door registers.
type registrar struct{ method grpc.MethodHandler }

// RegisterService implements grpc.ServiceRegistrar.
func (r *registrar) RegisterService(desc *grpc.ServiceDesc, _ any) {
	r.method = desc.Methods[0].Handler
}

// call puts a message to the method, and reads its answer, as the server does.
func (r *registrar) call(ctx context.Context, in, out proto.Message) error {
	message, err := proto.Marshal(in)
	if err != nil {
		return err
	}
	answer, err := r.method(nil, ctx, func(to any) error {
		received, ok := to.(*door.Received)
		if !ok {
			return fmt.Errorf("the door wants a %T", to)
		}
		received.Message = string(message)
		return nil
	}, nil)
	if err != nil {
		return err
	}
	sent, ok := answer.(*door.Sent)
	if !ok {
		return fmt.Errorf("the door answers with a %T", answer)
	}
	return proto.Unmarshal(sent.Message, out)
}

func overExtAuthz(t *testing.T, g gateway.Gateways, namespace, path string, headers map[string]string) testkit.Want {
	t.Helper()
	var r registrar
	extauthz.Services(extauthz.Options{Gateways: g})[0].Register(&r)
	ctx := metadata.NewIncomingContext(t.Context(), metadata.Pairs(door.NamespaceMetadata, namespace))
	ctx = peer.NewContext(ctx, &peer.Peer{Addr: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 4711}})
	out := &authv3.CheckResponse{}
	err := r.call(ctx, &authv3.CheckRequest{Attributes: &authv3.AttributeContext{Request: &authv3.AttributeContext_Request{
		Http: &authv3.AttributeContext_HttpRequest{Method: http.MethodPost, Path: path, Headers: headers},
	}}}, out)
	if err != nil {
		t.Fatal(err)
	}
	fields := out.GetDynamicMetadata().GetFields()
	got := testkit.Want{Decision: out.GetOkResponse() != nil, Reason: fields["reason"].GetStringValue()}
	for _, role := range fields["roles"].GetListValue().GetValues() {
		got.Roles = append(got.Roles, role.GetStringValue())
	}
	return got
}

func overForwardAuth(t *testing.T, g gateway.Gateways, namespace, path string, headers map[string]string) testkit.Want {
	t.Helper()
	in := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/forward-auth", nil)
	in.RemoteAddr = "192.0.2.7:4711"
	in.SetPathValue("namespace", namespace)
	in.Header.Set("X-Forwarded-Method", http.MethodPost)
	in.Header.Set("X-Forwarded-Uri", path)
	for name, value := range headers {
		in.Header.Set(name, value)
	}
	out := httptest.NewRecorder()
	if err := forwardauth.Routes(forwardauth.Options{Gateways: g})[1].Serve(out, in); err != nil {
		t.Fatal(err)
	}
	got := testkit.Want{Decision: out.Code == http.StatusOK}
	if roles := out.Header().Get("A-Roles"); roles != "" {
		got.Roles = strings.Split(roles, ",")
	}
	return got
}
