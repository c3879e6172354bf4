// SPDX-License-Identifier: Apache-2.0

package session_test

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/identity/session"
	"github.com/rolecall/rolecall/internal/testkit/issuer"
	"github.com/rolecall/rolecall/internal/testkit/logs"
)

// inside waits until so many questions are before the endpoint.
func (r *rig) inside(n int) wait.ConditionWithContextFunc {
	return func(context.Context) (bool, error) {
		now, _ := r.issuer.Inside()
		return now == n, nil
	}
}

// askingAt returns sessions whose tokens an endpoint of the test's own is asked
// about.
func askingAt(tb testing.TB, answer http.HandlerFunc, more string) *session.Sessions {
	tb.Helper()
	server := httptest.NewTLSServer(answer)
	tb.Cleanup(server.Close)
	file := filepath.Join(tb.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("secret"), 0o600); err != nil {
		tb.Fatal(err)
	}
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	return issuer.Sessions(tb, new(rig).Now, logs.New(tb), fmt.Sprintf(
		"[{namespace: shop, introspection: {url: %q, clientID: a, clientSecretFile: %q, certificateAuthority: %q, %s}}]",
		server.URL+"/introspect", file, ca, more))
}

// everything maps every claim that can be.
const everything = `claimMappings: {id: {claim: sub, prefix: ""}, groups: {claim: groups, prefix: ""}, roles: {claim: roles},
  scope: {claim: org, prefix: "org:"}, email: {claim: email}, emailVerified: {claim: email_verified}, type: {claim: kind},
  ssoConnections: {claim: sso}, ssoGroups: {claim: ssog}, properties: [{name: x, expression: 'claims[?"x"]'}]}`

// FuzzAnswers: whatever an endpoint answers, what comes of it is a subject that
// the core takes, or an error.
func FuzzAnswers(f *testing.F) {
	for _, seed := range []string{
		`{"active":true,"sub":"a","org":"b","kind":"user"}`,
		`{"active":true,"sub":"a","org":"b/c%","kind":"user","groups":["g"],"roles":"r","email":"a@b","email_verified":true,"sso":["c"],"ssog":[{"connection":"c","id":"d"}],"x":{"y":[1]}}`,
		`{"active":true,"sub":"*","org":"*","kind":"group"}`, `{"active":false}`, `null`, `{"active":true,"sub":"a","sub":"b"}`,
	} {
		f.Add(seed)
	}
	var answer string
	s := askingAt(f, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(answer)) }, everything)
	f.Fuzz(func(t *testing.T, text string) {
		answer = text
		got, err := s.Opaque(t.Context(), namespace, opaque)
		if err != nil {
			if fault, ok := errors.AsType[*door.Error](err); !ok || (fault.Status != http.StatusUnauthorized && fault.Status != http.StatusServiceUnavailable) {
				t.Errorf("error %v", err)
			}
			return
		}
		r := authz.Request{
			Subject: got.Subject, Scope: got.Subject.SessionScope, Time: newYear,
			Action: authz.Action{Name: "read"}, Resource: authz.Resource{Type: "document"},
		}
		if err := r.Validate(); err != nil || got.Claims["active"] != true {
			t.Errorf("subject %+v: %v", got.Subject, err)
		}
		for _, g := range got.Subject.SSOGroups {
			if g.Connection == "" {
				t.Errorf("a group of no connection: %+v", g)
			}
		}
	})
}
