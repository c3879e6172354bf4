// SPDX-License-Identifier: Apache-2.0

package sar_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/metrics"
	"github.com/rolecall/rolecall/internal/server"
	"github.com/rolecall/rolecall/internal/testkit"
	"github.com/rolecall/rolecall/internal/testkit/logs"
	"github.com/rolecall/rolecall/internal/testkit/served"
	"github.com/rolecall/rolecall/internal/wire/sar"
)

// refusal reads an error as Kubernetes' clients do.
func refusal(t *testing.T, a served.Answer) metav1.Status {
	t.Helper()
	var got metav1.Status
	if err := json.Unmarshal([]byte(a.Body), &got); err != nil {
		t.Fatalf("answer %d %q: %v", a.Status, a.Body, err)
	}
	if got.Kind != "Status" || got.APIVersion != "v1" || got.Status != metav1.StatusFailure || int(got.Code) != a.Status {
		t.Errorf("answer %d %+v", a.Status, got)
	}
	if a.Header.Get("Retry-After") != "" {
		t.Error("an API server is told to wait")
	}
	return got
}

// TestRefusals: what cannot be decided is an error, after which the API server
// does what it is told to do then. It is never an opinion.
func TestRefusals(t *testing.T) {
	url := start(t, "limits: {requestBytes: 4096}") + path
	const pods = `"resourceAttributes":{"verb":"get","resource":"pods"},"user":"jane"`
	for name, tt := range map[string]struct {
		body   string
		status int
		says   string
	}{
		"nothing":                    {"", 400, "the body is empty"},
		"no JSON":                    {"{", 400, "is not JSON"},
		"no object":                  {"[]", 400, "must be an object"},
		"null":                       {"null", 400, `kind: is "" and must be SubjectAccessReview`},
		"something after it":         {review("{"+pods+"}") + "{}", 400, "is not JSON"},
		"another kind":               {strings.Replace(review("{"+pods+"}"), "Subject", "SelfSubject", 1), 400, `kind: is "SelfSubjectAccessReview"`},
		"another version":            {strings.Replace(review("{"+pods+"}"), "/v1", "/v2", 1), 400, `apiVersion: is "authorization.k8s.io/v2" and must be authorization.k8s.io/v1 or`},
		"no version":                 {`{"kind":"SubjectAccessReview","spec":{` + pods + `}}`, 400, `apiVersion: is ""`},
		"no spec":                    {review("null"), 400, "spec: is required"},
		"nothing that is asked":      {review(`{"user":"jane"}`), 400, "either resourceAttributes or nonResourceAttributes"},
		"both":                       {review(`{` + pods + `,"nonResourceAttributes":{}}`), 400, "either resourceAttributes or nonResourceAttributes"},
		"no user":                    {review(`{"resourceAttributes":{"verb":"get","resource":"pods"},"groups":["a"]}`), 400, "spec.user is required"},
		"a wildcard":                 {review(`{"resourceAttributes":{"verb":"get","resource":"pods"},"user":"*"}`), 400, `spec.user "*" is a wildcard`},
		"an empty group":             {review(`{` + pods + `,"groups":["a",""]}`), 400, "spec.groups[1] is required"},
		"an empty group of v1beta1":  {strings.Replace(review(`{`+pods+`,"group":[null]}`), "/v1", "/v1beta1", 1), 400, "spec.group[0] is required"},
		"no verb":                    {review(`{"resourceAttributes":{"resource":"pods"},"user":"jane"}`), 400, "spec.resourceAttributes.verb is required"},
		"no verb on a path":          {review(`{"nonResourceAttributes":{"path":"/"},"user":"jane"}`), 400, "spec.nonResourceAttributes.verb is required"},
		"no resource":                {review(`{"resourceAttributes":{"verb":"get"},"user":"jane"}`), 400, "spec.resourceAttributes.resource is required"},
		"a number for a text":        {review(`{` + pods + `,"uid":1}`), 400, "spec.uid: must be a string"},
		"a text for a list":          {review(`{` + pods + `,"groups":"a"}`), 400, "spec.groups: must be an array"},
		"a list in extra":            {review(`{` + pods + `,"extra":{"a":[["b"]]}}`), 400, "spec.extra.a[0]: must be a string"},
		"a selector that is a text":  {review(`{"resourceAttributes":{"labelSelector":"a=b"}}`), 400, "spec.resourceAttributes.labelSelector: must be an object"},
		"a user twice":               {review(`{` + pods + `,"user":"root"}`), 400, "spec.user: is there twice"},
		"unknown fields that are no": {review(`{` + pods + `,"x":{"a":1,"a":2}}`), 400, "spec.x.a: is there twice"},
		"too deep":                   {review(`{` + pods + `,"x":` + strings.Repeat("[", 70) + strings.Repeat("]", 70) + `}`), 400, "deeper than"},
		"too long":                   {review(`{` + pods + `,"uid":"` + strings.Repeat("x", 4096) + `"}`), 413, "longer than the 4096 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			got := refusal(t, served.Post(t, url, tt.body))
			if int(got.Code) != tt.status || !strings.Contains(got.Message, tt.says) {
				t.Errorf("answer %d %q, want %d with %q", got.Code, got.Message, tt.status, tt.says)
			}
			if want := map[int]metav1.StatusReason{400: metav1.StatusReasonBadRequest, 413: metav1.StatusReasonRequestEntityTooLarge}[tt.status]; got.Reason != want {
				t.Errorf("reason %q, want %q", got.Reason, want)
			}
		})
	}
	for contentType, want := range map[string]string{
		"text/plain": "must be application/json", "application/json, text/plain": "must be application/json", "application/cbor": "must be application/json",
		"application/vnd.kubernetes.protobuf": "does not begin as",
	} {
		got := refusal(t, served.Post(t, url, review("{"+pods+"}"), "Content-Type", contentType))
		if got.Code != http.StatusBadRequest || !strings.Contains(got.Message, want) {
			t.Errorf("JSON as %s: %d %s, want 400 with %q", contentType, got.Code, got.Message, want)
		}
	}
	if got := refusal(t, served.Get(t, url)); got.Code != 405 || got.Reason != metav1.StatusReasonMethodNotAllowed {
		t.Errorf("GET: %d %s", got.Code, got.Reason)
	}
}

// TestEndlessBody: a request that does not end is cut off at the limit, and others
// are answered meanwhile.
func TestEndlessBody(t *testing.T) {
	url := start(t, "limits: {requestBytes: 4096}") + path
	in, out := io.Pipe()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, in)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	go func() {
		defer func() { _ = out.Close() }()
		for { // until the other side has enough
			if _, err := io.WriteString(out, `{"kind":"SubjectAccessReview",`+strings.Repeat(" ", 1000)); err != nil {
				return
			}
			select {
			case <-t.Context().Done():
				return
			default:
			}
		}
	}()
	if got := refusal(t, served.Do(t, r)); got.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("answer %d %s", got.Code, got.Message)
	}
	_ = in.Close()
	if got := ask(t, url, review(resource("jane", "get", `"resource":"pods","namespace":"team-a"`))).opinion(); got != "allowed, Granted: viewer" {
		t.Errorf("then another: %s", got)
	}
}

// gate refuses everybody, if there is a reason.
type gate struct{ refusal error }

func (g gate) Admit(_ context.Context, _ door.Credentials, _ string, p door.Permission) (door.Caller, error) {
	if p != door.PermissionCheck {
		return door.Caller{}, errors.New("asks for " + string(p))
	}
	return door.Caller{Name: "kube-apiserver"}, g.refusal
}

// broken is a policy that does not decide, or none.
type broken struct{ none, err error }

func (f broken) Checker() (authz.Checker, error)             { return f, f.none }
func (broken) Revision() string                              { return "r" }
func (f broken) Check(*authz.Request, *authz.Decision) error { return f.err }

// serve starts a server with the door alone.
func serve(tb testing.TB, g door.Gate, p authz.Provider) string {
	tb.Helper()
	c := &configv1alpha1.ServerConfiguration{}
	c.HTTP.BindAddress, c.Health.BindAddress, c.Metrics.BindAddress = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
	config.Default(c)
	m, err := metrics.New(sar.Name)
	if err != nil {
		tb.Fatal(err)
	}
	s := server.New(server.Options{
		Config: c, Provider: p, Logger: logs.New(tb), Metrics: m.Handler(),
		Counter: func(name string) server.Counter { return m.Door(name) },
		Routes: sar.Routes(sar.Options{
			Asker: door.Asker{Gate: g, Provider: p, Now: testkit.Now, Meter: m.Door(sar.Name)},
		}),
	})
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
	return "http://" + s.Addresses().HTTP
}

// TestNoDecision: without a decision there is no answer that could be taken for an
// opinion, and so be remembered.
func TestNoDecision(t *testing.T) {
	body := review(resource("jane", "get", `"resource":"pods"`))
	for name, tt := range map[string]struct {
		gate   gate
		policy broken
		path   string
		status int
		reason metav1.StatusReason
	}{
		"no policy yet":               {policy: broken{none: authz.ErrNotReady}, status: 503, reason: metav1.StatusReasonServiceUnavailable},
		"none any more":               {policy: broken{err: authz.ErrNotReady}, status: 503, reason: metav1.StatusReasonServiceUnavailable},
		"a namespace that is unknown": {policy: broken{err: authz.ErrUnknownNamespace}, status: 404, reason: metav1.StatusReasonNotFound},
		"no namespace":                {path: path, status: 404, reason: metav1.StatusReasonNotFound},
		"a fault of ours":             {policy: broken{err: errors.New("secret")}, status: 500, reason: metav1.StatusReasonInternalError},
		"a stranger":                  {gate: gate{&door.Error{Status: 401, Message: "who?"}}, status: 401, reason: metav1.StatusReasonUnauthorized},
		"one who may not":             {gate: gate{&door.Error{Status: 403, Message: "no"}}, status: 403, reason: metav1.StatusReasonForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			url := serve(t, tt.gate, tt.policy) + cmp.Or(tt.path, "/ns/cluster"+path)
			got := refusal(t, served.Post(t, url, body))
			if int(got.Code) != tt.status || got.Reason != tt.reason || strings.Contains(got.Message, "secret") {
				t.Errorf("answer %d %s %q, want %d %s", got.Code, got.Reason, got.Message, tt.status, tt.reason)
			}
		})
	}
}
