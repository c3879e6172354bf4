// SPDX-License-Identifier: Apache-2.0

package cerbos_test

import (
	"encoding/json"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/rolecall/rolecall/internal/server"
	"github.com/rolecall/rolecall/internal/testkit"
	"github.com/rolecall/rolecall/internal/testkit/served"
)

// manifests are a policy with every reason that a request of Cerbos' can meet.
const manifests = `
apiVersion: rolecall.dev/v1alpha1
kind: Resource
metadata: {name: leave-request}
spec: {type: leave_request, actions: [{name: "view:public"}, {name: approve}, {name: create}]}
---
apiVersion: rolecall.dev/v1alpha1
kind: Resource
metadata: {name: ledger}
spec: {actions: [{name: read}], scoping: Required}
---
apiVersion: rolecall.dev/v1alpha1
kind: Role
metadata: {name: employee}
spec:
  assertable: true
  permissions:
  - {resource: leave_request, actions: ["view:*"]}
  - {resource: leave_request, actions: [create], condition: R.attr.owner == P.id && P.attr.department == "marketing"}
---
apiVersion: rolecall.dev/v1alpha1
kind: Role
metadata: {name: intern}
spec: {assertable: true, permissions: [{resource: leave_request, actions: ["view:*"]}]}
---
apiVersion: rolecall.dev/v1alpha1
kind: Role
metadata: {name: ex-employee}
spec: {id: ex_employee, assertable: true, permissions: [{effect: Deny, resource: "*", actions: ["*"]}]}
---
apiVersion: rolecall.dev/v1alpha1
kind: Role
metadata: {name: manager}
spec: {permissions: [{resource: "*", actions: ["*"]}]}
---
apiVersion: rolecall.dev/v1alpha1
kind: RoleBinding
metadata: {name: managers}
spec: {roles: [manager], subjects: [{type: user, id: boss}], scope: acme}
`

// start serves manifests, configured by lines of YAML.
func start(tb testing.TB, manifests string, configuration ...string) server.Addresses {
	tb.Helper()
	return served.Start(tb, served.Options{
		Manifests: manifests, Now: testkit.Now, Configuration: strings.Join(configuration, "\n"),
	})
}

// dial returns a connection to the gRPC doors.
func dial(tb testing.TB, at server.Addresses) *grpc.ClientConn {
	tb.Helper()
	conn, err := grpc.NewClient("passthrough:///"+at.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = conn.Close() })
	return conn
}

// object is a JSON object.
type object = map[string]any

func decode(t *testing.T, a served.Answer) object {
	t.Helper()
	if got := a.Header.Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type %q, want application/json", got)
	}
	if a.Header.Get("cerbos-version") == "" {
		t.Error("the answer has no cerbos-version")
	}
	got := object{}
	if err := json.Unmarshal([]byte(a.Body), &got); err != nil {
		t.Fatalf("answer %d %q: %v", a.Status, a.Body, err)
	}
	return got
}
