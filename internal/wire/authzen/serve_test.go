// SPDX-License-Identifier: Apache-2.0

package authzen_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/compile"
	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/expr"
	"github.com/rolecall/rolecall/internal/identity/session"
	"github.com/rolecall/rolecall/internal/metrics"
	"github.com/rolecall/rolecall/internal/policy"
	"github.com/rolecall/rolecall/internal/server"
	"github.com/rolecall/rolecall/internal/testkit"
	"github.com/rolecall/rolecall/internal/testkit/decide"
	"github.com/rolecall/rolecall/internal/testkit/logs"
	"github.com/rolecall/rolecall/internal/wire/authzen"
)

// revision is that of every snapshot here.
const revision = "0123456789abcdef"

// certification is the policy that the AuthZEN certification's scenario asks for:
// its two users, of whom one is an admin, and its two records.
const certification = `
kind: Resource
metadata: {name: record}
spec:
  actions: [{name: read}, {name: write}, {name: delete}]
  instances:
  - {id: record-1, properties: {status: active}}
  - {id: record-2, properties: {status: archived}}
---
kind: Resource
metadata: {name: user}
spec:
  instances:
  - {id: alice}
  - {id: bob, properties: {role: admin}}
---
kind: Role
metadata: {name: reader}
spec: {permissions: [{resource: record, actions: [read]}]}
---
kind: Role
metadata: {name: writer}
spec:
  permissions:
  - resource: record
    actions: [write]
    condition: |-
      has(resource.properties.status) && resource.properties.status == "archived"
        ? has(subject.properties.role) && subject.properties.role == "admin"
        : subject.id == "alice"
---
kind: Role
metadata: {name: remover}
spec: {permissions: [{resource: record, actions: [delete], condition: action.properties.soft}]}
---
kind: RoleBinding
metadata: {name: users}
spec: {roles: [reader, writer], subjects: [{type: user, id: alice}, {type: user, id: bob}], scope: "*"}
---
kind: RoleBinding
metadata: {name: alice}
spec: {roles: [remover], subjects: [{type: user, id: alice}], scope: "*"}
`

// provider is a policy, or the error that there is none. It counts how often it
// was asked for.
type provider struct {
	checker authz.Checker
	err     error
	asked   atomic.Int32
}

func (p *provider) Checker() (authz.Checker, error) {
	p.asked.Add(1)
	return p.checker, p.err
}

// failing is a checker that never decides.
type failing func(*authz.Request, *authz.Decision) error

func (f failing) Check(r *authz.Request, d *authz.Decision) error { return f(r, d) }
func (failing) Revision() string                                  { return revision }

// rig is a running server with the door, and a client.
type rig struct {
	url      string
	provider *provider
	metrics  *metrics.Metrics
	now      time.Time
	sessions *trust
}

// trust is whose tokens count, which a test may say after the door has opened.
type trust struct {
	atomic.Pointer[session.Sessions]
}

func (s *trust) JWT(ctx context.Context, namespace, token string) (*door.Session, error) {
	return s.Load().JWT(ctx, namespace, token)
}

func (s *trust) Opaque(ctx context.Context, namespace, token string) (*door.Session, error) {
	return s.Load().Opaque(ctx, namespace, token)
}

func (s *trust) Keys(ctx context.Context, namespace string) ([]json.RawMessage, error) {
	return s.Load().Keys(ctx, namespace)
}

// serve starts a server, by the real listeners, and ends it with the test.
func serve(tb testing.TB, p *provider, change ...func(*configv1alpha1.ServerConfiguration)) *rig {
	tb.Helper()
	return serveBehind(tb, door.Anyone{}, p, change...)
}

// serveBehind starts a server with a gate.
func serveBehind(tb testing.TB, g door.Gate, p *provider, change ...func(*configv1alpha1.ServerConfiguration)) *rig {
	tb.Helper()
	c := &configv1alpha1.ServerConfiguration{DefaultNamespace: testkit.Namespace}
	c.HTTP.BindAddress, c.Health.BindAddress, c.Metrics.BindAddress = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
	for _, f := range change {
		f(c)
	}
	config.Default(c)
	m, err := metrics.New(authzen.Name)
	if err != nil {
		tb.Fatal(err)
	}
	r := &rig{provider: p, metrics: m, now: testkit.Now(), sessions: &trust{}}
	s := server.New(server.Options{
		Config: c, Provider: p, Logger: logs.New(tb), Metrics: m.Handler(),
		Counter: func(name string) server.Counter { return m.Door(name) },
		Routes: authzen.Routes(authzen.Options{
			Asker: door.Asker{
				Gate: g, Provider: p, Now: func() time.Time { return r.now },
				Meter: m.Door(authzen.Name), Recorder: record(tb, c.DecisionLog),
			},
			Sessions:         r.sessions,
			DefaultNamespace: c.DefaultNamespace, MaxEvaluations: c.Limits.Evaluations,
			URL: c.AuthZEN.URL,
			Search: authzen.SearchLimits{
				Results: c.AuthZEN.Search.Results, Candidates: c.AuthZEN.Search.Candidates,
				Concurrent: c.AuthZEN.Search.Concurrent, Timeout: c.AuthZEN.Search.Timeout.Duration,
			},
		}),
	})
	r.url = "http://" + start(tb, s).HTTP
	return r
}

func start(tb testing.TB, s *server.Server) server.Addresses {
	tb.Helper()
	ctx, stop := context.WithCancel(tb.Context())
	if err := s.Listen(ctx); err != nil {
		tb.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	tb.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			tb.Error(err)
		}
	})
	return s.Addresses()
}

// policyOf compiles manifests to a snapshot that serves every namespace.
func policyOf(tb testing.TB, manifests string) *provider {
	tb.Helper()
	objects, err := testkit.Objects([]byte(manifests))
	if err != nil {
		tb.Fatal(err)
	}
	return &provider{checker: snapshot(tb, nil, objects)}
}

func snapshot(tb testing.TB, namespaces []string, objects []testkit.Object) *policy.Snapshot {
	tb.Helper()
	env, err := expr.NewEnv()
	if err != nil {
		tb.Fatal(err)
	}
	index := policy.NewIndex(namespaces)
	decide.Fill(index, compile.New(env), objects)
	return index.Publish(revision)
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// post sends JSON to a path.
func (r *rig) post(tb testing.TB, path, body string) answer {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), http.MethodPost, r.url+path, strings.NewReader(body))
	if err != nil {
		tb.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	return send(tb, req)
}

func send(tb testing.TB, req *http.Request) answer {
	tb.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(body)}
}

// decode reads the answer's JSON.
func (a answer) decode(tb testing.TB, into any) {
	tb.Helper()
	if got := a.header.Get("Content-Type"); got != "application/json" {
		tb.Errorf("Content-Type %q, want application/json", got)
	}
	if err := json.Unmarshal([]byte(a.body), into); err != nil {
		tb.Fatalf("answer %d %q: %v", a.status, a.body, err)
	}
}

// refusal checks that the answer is an error, a JSON string that says want.
func (a answer) refusal(tb testing.TB, status int, want string) {
	tb.Helper()
	var message string
	a.decode(tb, &message)
	if a.status != status || !strings.Contains(message, want) {
		tb.Errorf("answer %d %q, want %d with %q", a.status, message, status, want)
	}
}
