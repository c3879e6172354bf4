// SPDX-License-Identifier: Apache-2.0

package cerbos_test

import (
	"context"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/rolecall/rolecall/internal/testkit"
	"github.com/rolecall/rolecall/internal/testkit/issuer"
	"github.com/rolecall/rolecall/internal/testkit/served"
	"github.com/rolecall/rolecall/internal/wire/cerbos/cerbospb"
)

// message is the message of a JSON request.
func message(tb testing.TB, body string) *cerbospb.CheckResourcesRequest {
	tb.Helper()
	in := &cerbospb.CheckResourcesRequest{}
	if err := protojson.Unmarshal([]byte(body), in); err != nil {
		tb.Fatal(err)
	}
	return in
}

// TestGRPC: the same message gets the same answer as over HTTP.
func TestGRPC(t *testing.T) {
	at := start(t, manifests)
	client := cerbospb.NewCerbosServiceClient(dial(t, at))
	for name, body := range map[string]string{
		"effects": request(john, entry, ""),
		"what decided": request(`{"id":"boss","roles":["intern","employee"]}`,
			entry+`,{"actions":["read"],"resource":{"kind":"ledger","id":"1","scope":"acme.hr","policyVersion":"default"}}`, `,"includeMeta":true`),
		"attributes of every kind": request(`{"id":"john","roles":["employee"],"attr":{"a":null,"b":[1,"x",{"y":true}]}}`, entry, ""),
	} {
		t.Run(name, func(t *testing.T) {
			var header metadata.MD
			got, err := client.CheckResources(t.Context(), message(t, body), grpc.Header(&header))
			if err != nil {
				t.Fatal(err)
			}
			want := &cerbospb.CheckResourcesResponse{}
			if err := protojson.Unmarshal([]byte(served.Post(t, "http://"+at.HTTP+path, body).Body), want); err != nil {
				t.Fatal(err)
			}
			if got.GetCerbosCallId() == "" || got.GetCerbosCallId() == want.GetCerbosCallId() {
				t.Errorf("call ids %q and, over HTTP, %q", got.GetCerbosCallId(), want.GetCerbosCallId())
			}
			got.CerbosCallId = want.GetCerbosCallId()
			if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
				t.Errorf("answer (-HTTP +gRPC):\n%s", diff)
			}
			if len(header.Get("cerbos-version")) != 1 {
				t.Errorf("metadata %v, want one cerbos-version", header)
			}
		})
	}
}

func TestGRPCRefusals(t *testing.T) {
	at := start(t, manifests, few)
	client := cerbospb.NewCerbosServiceClient(dial(t, at))
	for name, tt := range refusals() {
		in := &cerbospb.CheckResourcesRequest{}
		if protojson.Unmarshal([]byte(tt.body), in) != nil || strings.Contains(tt.want, "empty") && tt.body == "" {
			continue // what is no message cannot be sent
		}
		t.Run(name, func(t *testing.T) {
			_, err := client.CheckResources(t.Context(), in)
			refusedCall(t, err, codes.InvalidArgument, tt.want)
		})
	}
	t.Run("a number that no JSON holds", func(t *testing.T) {
		in := message(t, request(john, entry, ""))
		in.GetPrincipal().Attr["x"] = structpb.NewListValue(&structpb.ListValue{Values: []*structpb.Value{structpb.NewNumberValue(nan())}})
		_, err := client.CheckResources(t.Context(), in)
		refusedCall(t, err, codes.InvalidArgument, "principal.attr.x[0]: must be a finite number")
	})
	t.Run("two namespaces", func(t *testing.T) {
		ctx := metadata.AppendToOutgoingContext(t.Context(), "rolecall-namespace", "a", "rolecall-namespace", "b")
		_, err := client.CheckResources(ctx, message(t, request(john, `{"actions":["a"],"resource":{"kind":"a","id":"b"}}`, "")))
		refusedCall(t, err, codes.InvalidArgument, "more than once")
	})
	for name, call := range map[string]func(context.Context, *cerbospb.NotServed, ...grpc.CallOption) (*cerbospb.NotServed, error){
		"PlanResources": client.PlanResources, "CheckResourceSet": client.CheckResourceSet, "CheckResourceBatch": client.CheckResourceBatch,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := call(t.Context(), &cerbospb.NotServed{})
			refusedCall(t, err, codes.Unimplemented, name+" is not served here")
		})
	}
}

func nan() float64 {
	zero := 0.0
	return zero / zero
}

func refusedCall(t *testing.T, err error, code codes.Code, want string) {
	t.Helper()
	s := status.Convert(err)
	if s.Code() != code || !strings.Contains(s.Message(), want) || strings.Contains(s.Message(), "eyJ") {
		t.Errorf("error %v, want %v %q", err, code, want)
	}
}

// TestNamespaceOfACall: another namespace has another policy.
func TestNamespaceOfACall(t *testing.T) {
	client := cerbospb.NewCerbosServiceClient(dial(t, start(t, manifests)))
	in := message(t, request(john, `{"actions":["view:public"],"resource":{"kind":"leave_request","id":"1"}}`, ""))
	for namespace, want := range map[string]cerbospb.Effect{
		"default": cerbospb.Effect_EFFECT_ALLOW, "other": cerbospb.Effect_EFFECT_DENY,
	} {
		out, err := client.CheckResources(metadata.AppendToOutgoingContext(t.Context(), "rolecall-namespace", namespace), in)
		if err != nil {
			t.Fatal(err)
		}
		if got := out.GetResults()[0].GetActions()["view:public"]; got != want {
			t.Errorf("in %s: %v, want %v", namespace, got, want)
		}
	}
}

func TestServerInfoAndHealth(t *testing.T) {
	conn := dial(t, start(t, manifests))
	if out, err := cerbospb.NewCerbosServiceClient(conn).ServerInfo(t.Context(), &cerbospb.ServerInfoRequest{}); err != nil || out.GetVersion() == "" {
		t.Errorf("server info %v, error %v", out, err)
	}
	out, err := healthpb.NewHealthClient(conn).Check(t.Context(), &healthpb.HealthCheckRequest{Service: "cerbos.svc.v1.CerbosService"})
	if err != nil || out.GetStatus() != healthpb.HealthCheckResponse_SERVING {
		t.Errorf("health %v, error %v", out, err)
	}
}

// TestAuxData: conditions see the claims of a token that is good, and nothing else
// does; one that is not good ends the request.
func TestAuxData(t *testing.T) {
	trusted := issuer.Start(t)
	at := start(t, `
apiVersion: rolecall.dev/v1alpha1
kind: Resource
metadata: {name: vault}
spec: {actions: [{name: open}, {name: look}]}
---
apiVersion: rolecall.dev/v1alpha1
kind: Role
metadata: {name: keeper}
spec:
  assertable: true
  permissions:
  - {resource: vault, actions: [open], condition: 'request.auxData.jwt.level == 3.0 && "ops" in request.aux_data.jwt.teams'}
---
apiVersion: rolecall.dev/v1alpha1
kind: Role
metadata: {name: looker}
spec: {assertable: true, permissions: [{resource: vault, actions: [look]}]}
`, "sessions: [{namespace: default, jwt: [{issuer: {"+trusted.Trust()+"}, claimMappings: {id: {claim: sub, prefix: ''}}}]}]")
	client := cerbospb.NewCerbosServiceClient(dial(t, at))
	claims := func(changes map[string]any) string {
		all := map[string]any{"iss": trusted.Name, "level": 3, "teams": []string{"ops"}, "roles": []string{"looker"}}
		maps.Copy(all, changes)
		return trusted.Sign(t, issuer.Claims(testkit.Now(), all))
	}
	ask := func(aux *cerbospb.AuxData) (*cerbospb.CheckResourcesResponse, error) {
		in := message(t, request(`{"id":"john","roles":["keeper"],"attr":{"jwt":{"level":3}}}`, `{"actions":["open","look"],"resource":{"kind":"vault","id":"1"}}`, ""))
		in.AuxData = aux
		return client.CheckResources(t.Context(), in)
	}
	one := func(token, keys string) *cerbospb.AuxData {
		return &cerbospb.AuxData{Jwt: &cerbospb.AuxData_JWT{Token: token, KeySetId: keys}}
	}
	const allow, deny = cerbospb.Effect_EFFECT_ALLOW, cerbospb.Effect_EFFECT_DENY
	for name, tt := range map[string]struct {
		aux  *cerbospb.AuxData
		open cerbospb.Effect
		err  string
	}{
		"a good token":             {aux: one(claims(nil), ""), open: allow},
		"of the issuer named":      {aux: one(claims(nil), trusted.Name), open: allow},
		"of another than is named": {aux: one(claims(nil), "other"), err: `auxData.jwt.keySetId: "other"`},
		"with another claim":       {aux: one(claims(map[string]any{"level": 2}), ""), open: deny},
		"no token":                 {open: deny},
		"one that is expired":      {aux: one(claims(map[string]any{"exp": testkit.Now().Unix() - 3600}), ""), err: "auxData.jwt.token: "},
		"one of another audience":  {aux: one(claims(map[string]any{"aud": "others"}), ""), err: "auxData.jwt.token: "},
		"one that is none":         {aux: one("eyJ.eyJ.x", ""), err: "auxData.jwt.token: "},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := ask(tt.aux)
			if tt.err != "" {
				refusedCall(t, err, codes.InvalidArgument, tt.err)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]cerbospb.Effect{"open": tt.open, "look": deny} // no claim gives a role
			if diff := cmp.Diff(want, out.GetResults()[0].GetActions()); diff != "" {
				t.Errorf("effects (-want +got):\n%s", diff)
			}
		})
	}
}
