// SPDX-License-Identifier: Apache-2.0

package cerbos_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/testkit"
	"github.com/rolecall/rolecall/internal/testkit/served"
	"github.com/rolecall/rolecall/internal/wire/cerbos"
)

// core is a policy, or the error that there is none, behind a gate.
type core struct{ gate, provider, check error }

func (c *core) Admit(context.Context, door.Credentials, string, door.Permission) (door.Caller, error) {
	return door.Caller{}, c.gate
}
func (c *core) Checker() (authz.Checker, error) { return c, c.provider }
func (*core) Revision() string                  { return "r" }
func (c *core) Check(_ *authz.Request, d *authz.Decision) error {
	*d = authz.Decision{Allowed: true, Reason: authz.ReasonGranted}
	return c.check
}

// meter remembers by which statuses checks were refused.
type meter []int

func (*meter) Decided(*authz.Decision, time.Duration) {}
func (m *meter) Refused(status int)                   { *m = append(*m, status) }

// TestErrors: what is no fault of the request, over HTTP and over gRPC.
func TestErrors(t *testing.T) {
	tests := map[string]struct {
		core   core
		status int
		code   codes.Code
		want   string
	}{
		"a caller that is not known": {
			core{gate: &door.Error{Status: http.StatusUnauthorized, Message: "who?"}}, http.StatusUnauthorized, codes.Unauthenticated, "who?",
		},
		"a caller that may not": {
			core{gate: &door.Error{Status: http.StatusForbidden, Message: "not you"}}, http.StatusForbidden, codes.PermissionDenied, "not you",
		},
		"no policy yet": {
			core{provider: fmt.Errorf("%w: nothing read", authz.ErrNotReady)}, http.StatusServiceUnavailable, codes.Unavailable, "not ready",
		},
		"a namespace that nobody watches": {
			core{check: authz.ErrUnknownNamespace}, http.StatusNotFound, codes.NotFound, "namespace is not served",
		},
		"an error that says nothing": {
			core{check: errors.New("eyJ, a secret")}, http.StatusInternalServerError, codes.Internal, "internal error; there is no decision",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			counted := meter{}
			a := serveOne(t, &tt.core, &counted, http.MethodPost, path, request(john, entry, ""))
			refused(t, a, tt.status, int(tt.code), tt.want)
			if len(counted) != 1 || counted[0] != tt.status {
				t.Errorf("counted as %v, want %d once", counted, tt.status)
			}
			_, err := call(t, newDoor(&tt.core, &meter{}), message(t, request(john, entry, "")))
			if s := door.Status(err); s.Code() != tt.code || !strings.Contains(s.Message(), tt.want) {
				t.Errorf("over gRPC: %v, want %v %q", s, tt.code, tt.want)
			}
		})
	}
}

func TestHealthBeforeThereIsAPolicy(t *testing.T) {
	a := serveOne(t, &core{provider: authz.ErrNotReady}, &meter{}, http.MethodGet, "/_cerbos/health", "")
	if got := decode(t, a); a.Status != http.StatusServiceUnavailable || got["status"] != "NOT_SERVING" {
		t.Errorf("answer %d %s", a.Status, a.Body)
	}
}

func newDoor(c *core, m *meter) *cerbos.Door {
	return cerbos.New(cerbos.Options{
		Asker:            door.Asker{Gate: c, Provider: c, Now: testkit.Now, Meter: m},
		DefaultNamespace: "default", MaxActionsPerResource: 50, MaxResourcesPerRequest: 50, Version: "v1",
	})
}

// serveOne has one endpoint answer one request, as the server does.
func serveOne(t *testing.T, c *core, m *meter, method, path, body string) served.Answer {
	t.Helper()
	for _, route := range newDoor(c, m).Routes() {
		if route.Path != path {
			continue
		}
		w := httptest.NewRecorder()
		if err := route.Serve(w, httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))); err != nil {
			status, message := door.Answer(err)
			route.Refuse(w, status, message)
		}
		return served.Answer{Status: w.Code, Header: w.Header(), Body: w.Body.String()}
	}
	t.Fatalf("no endpoint %s", path)
	return served.Answer{}
}
