// SPDX-License-Identifier: Apache-2.0

package proxies

import (
	"context"
	"io"
	"net"
	"testing"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc"

	"github.com/rolecall/rolecall/internal/server"
	"github.com/rolecall/rolecall/internal/testkit/live"
	"github.com/rolecall/rolecall/internal/testkit/served"
)

// hanging answers nothing before the caller has given up.
type hanging struct {
	authv3.UnimplementedAuthorizationServer
}

// Check implements authv3.AuthorizationServer.
func (hanging) Check(ctx context.Context, _ *authv3.CheckRequest) (*authv3.CheckResponse, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// startHanging starts a server that takes calls and does not answer them.
func startHanging(t *testing.T) string {
	t.Helper()
	s := grpc.NewServer()
	authv3.RegisterAuthorizationServer(s, hanging{})
	socket := listen(t)
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(socket) }()
	t.Cleanup(func() {
		s.Stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return socket.Addr().String()
}

// startSilent starts what takes connections and says nothing.
func startSilent(t *testing.T) string {
	t.Helper()
	socket := listen(t)
	t.Cleanup(func() { _ = socket.Close() })
	go func() {
		for {
			c, err := socket.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(io.Discard, c) // until the other end goes
				_ = c.Close()
			}()
		}
	}()
	return socket.Addr().String()
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestEnvoyWithoutDecision: where nobody can say in time whether a client may, it hears
// what status_on_error says, which is no denial, unless the configuration lets it
// through: then with whatever it says of itself.
func TestEnvoyWithoutDecision(t *testing.T) {
	t.Parallel()
	unknown := served.Start(t, served.Options{Manifests: policy}).GRPC // no gateway is believed
	servers := map[string]string{
		"nobody listens": live.FreeAddress(t), "nothing is said": startSilent(t), "no answer in time": startHanging(t), "not its gateway": unknown,
	}
	const claim = "root"
	tests := map[string]struct {
		changes []string
		want
	}{
		"as shown":                  {want: want{status: 503}},
		"Envoy's own status":        {changes: []string{"status_on_error: {code: ServiceUnavailable}\n", "\n"}, want: want{status: 403}},
		"failure_mode_allow is set": {changes: []string{"failure_mode_allow: false", "failure_mode_allow: true"}, want: want{status: 200, subject: claim}},
	}
	for name, address := range servers {
		for sentence, tt := range tests {
			t.Run(name+", "+sentence, func(t *testing.T) {
				t.Parallel()
				app := startApplication(t)
				front := startEnvoy(t, server.Addresses{GRPC: address}, app.address, tt.changes...)
				got, _ := app.ask(t, front, request{method: "DELETE", path: "/documents/secret", headers: []string{"X-Rolecall-Subject", claim}})
				if got != tt.want {
					t.Errorf("%+v, want %+v", got, tt.want)
				}
			})
		}
	}
}

// TestEnvoyTellsWhy: a client that may not hears the text that is configured, as a
// text.
func TestEnvoyTellsWhy(t *testing.T) {
	t.Parallel()
	at := served.Start(t, served.Options{Manifests: policy, Configuration: `
gateways: [{namespace: default, peers: [{cidr: 127.0.0.0/8}], denied: {status: 404, body: there is no such page}}]
`})
	got := served.Get(t, "http://"+startEnvoy(t, at, startApplication(t).address, patience...)+"/documents/7")
	if got.Status != 404 || got.Body != "there is no such page\n" || got.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("%d %q %v", got.Status, got.Body, got.Header)
	}
}
