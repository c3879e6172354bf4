// SPDX-License-Identifier: Apache-2.0

package authzen_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/metrics"
	"github.com/rolecall/rolecall/internal/testkit"
	"github.com/rolecall/rolecall/internal/wire/authzen"
)

// gate answers as it is told, and remembers what it was asked.
type gate struct {
	err   error
	asked []string
}

func (g *gate) Admit(_ context.Context, c door.Credentials, namespace string, p door.Permission) (door.Caller, error) {
	g.asked = append(g.asked, c.Authorization+" "+namespace+" "+string(p))
	return door.Caller{Name: "checkout", Method: "test"}, g.err
}

// TestTheGateIsAskedFirst: every endpoint asks the gate, about the namespace that
// it will ask, before it reads the body or asks for the policy; and refuses as the
// standard says.
func TestTheGateIsAskedFirst(t *testing.T) {
	for _, err := range []*door.Error{
		{Status: http.StatusUnauthorized, Message: "who are you?", Challenge: "Bearer"},
		{Status: http.StatusForbidden, Message: "not you"},
		{Status: http.StatusServiceUnavailable, Message: "who knows?"},
	} {
		g, p := &gate{err: err}, &provider{err: errors.New("nobody may ask")}
		r := serveBehind(t, g, p)
		for _, path := range []string{"evaluation", "evaluations", "search/subject", "search/resource", "search/action", "explanation"} {
			for _, prefix := range []string{"/access/v1/", "/ns/elsewhere/access/v1/"} {
				req, fault := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url+prefix+path, strings.NewReader("no JSON"))
				if fault != nil {
					t.Fatal(fault)
				}
				req.Header = http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer x"}}
				a := send(t, req)
				a.refusal(t, err.Status, err.Message)
				if got := a.header.Get("WWW-Authenticate"); got != err.Challenge {
					t.Errorf("WWW-Authenticate is %q, want %q", got, err.Challenge)
				}
			}
		}
		want := []string{
			"Bearer x " + testkit.Namespace + " checks", "Bearer x elsewhere checks",
			"Bearer x " + testkit.Namespace + " checks", "Bearer x elsewhere checks",
			"Bearer x " + testkit.Namespace + " searches", "Bearer x elsewhere searches",
			"Bearer x " + testkit.Namespace + " searches", "Bearer x elsewhere searches",
			"Bearer x " + testkit.Namespace + " searches", "Bearer x elsewhere searches",
			"Bearer x " + testkit.Namespace + " explanations", "Bearer x elsewhere explanations",
		}
		if diff := cmp.Diff(want, g.asked); diff != "" {
			t.Errorf("the gate was asked (-want +got):\n%s", diff)
		}
		if n := p.asked.Load(); n != 0 {
			t.Errorf("the policy was asked for %d times, want none", n)
		}
	}
}

// TestNothingIsReadOfWhoIsRefused: not even a byte of the body.
func TestNothingIsReadOfWhoIsRefused(t *testing.T) {
	counters, err := metrics.New(authzen.Name)
	if err != nil {
		t.Fatal(err)
	}
	routes := authzen.Routes(authzen.Options{
		Asker:            door.Asker{Gate: &gate{err: &door.Error{Status: http.StatusUnauthorized}}, Meter: counters.Door(authzen.Name)},
		DefaultNamespace: testkit.Namespace, MaxEvaluations: 1,
	})
	for _, route := range routes {
		if route.Method == http.MethodGet {
			continue // the metadata, which is for everyone and asks for no body
		}
		r := httptest.NewRequestWithContext(t.Context(), route.Method, "/", iotest.ErrReader(errors.New("the body was read")))
		err := route.Serve(httptest.NewRecorder(), r)
		if status, _ := door.Answer(err); status != http.StatusUnauthorized {
			t.Errorf("%s: error %v, want 401", route.Path, err)
		}
	}
}
