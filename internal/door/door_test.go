// SPDX-License-Identifier: Apache-2.0

package door_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/door"
)

func TestReadBody(t *testing.T) {
	long := strings.Repeat("x", 10_000)
	tests := map[string]struct {
		body   io.Reader
		length int64
		limit  int64
		buf    []byte
		want   string
		status int
	}{
		"a body of known length":            {body: strings.NewReader(long), length: 10_000, limit: 10_000, want: long},
		"a body of unknown length":          {body: strings.NewReader(long), length: -1, limit: 10_000, want: long},
		"a body in bits":                    {body: iotest.OneByteReader(strings.NewReader("abc")), length: -1, limit: 10, want: "abc"},
		"an end that comes with the data":   {body: iotest.DataErrReader(strings.NewReader("abc")), length: 3, limit: 10, want: "abc"},
		"an empty body":                     {body: strings.NewReader(""), limit: 10, buf: []byte("left over"), want: ""},
		"a buffer with something in it":     {body: strings.NewReader("abc"), length: 3, limit: 10, buf: []byte("left over"), want: "abc"},
		"a body that is too long":           {body: strings.NewReader(long), length: -1, limit: 9_999, status: http.StatusRequestEntityTooLarge},
		"a connection that breaks":          {body: iotest.ErrReader(io.ErrUnexpectedEOF), length: 3, limit: 10, status: http.StatusBadRequest},
		"a body that is shorter than it is": {body: strings.NewReader("abc"), length: 1 << 20, limit: 1 << 20, want: "abc"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil)
			r.Body = http.MaxBytesReader(nil, io.NopCloser(tt.body), tt.limit)
			r.ContentLength = tt.length
			got, err := door.ReadBody(r, tt.buf)
			if tt.status != 0 {
				if status, _ := door.Answer(err); status != tt.status {
					t.Errorf("error %v is answered with %d, want %d", err, status, tt.status)
				}
				return
			}
			if err != nil || string(got) != tt.want {
				t.Errorf("read %d bytes, error %v; want %d bytes", len(got), err, len(tt.want))
			}
		})
	}
}

func TestAnswer(t *testing.T) {
	tests := map[string]struct {
		err     error
		status  int
		message string
	}{
		"an error of a door": {
			&door.Error{Status: 418, Message: "short and stout", Err: errors.New("a secret")}, 418, "short and stout",
		},
		"a request that cannot be decided": {
			fmt.Errorf("decide: %w", &authz.RequestError{Field: "subject.id", Problem: "is required"}),
			http.StatusBadRequest, "subject.id is required",
		},
		"a namespace that nobody watches": {authz.ErrUnknownNamespace, http.StatusNotFound, "namespace is not served"},
		"no policy yet": {
			fmt.Errorf("%w: nothing read", authz.ErrNotReady), http.StatusServiceUnavailable,
			"not ready: nothing read; there is no decision yet, try again",
		},
		"anything else says nothing": {
			errors.New("a secret"), http.StatusInternalServerError, "internal error; there is no decision",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if status, message := door.Answer(tt.err); status != tt.status || message != tt.message {
				t.Errorf("answer %d %q, want %d %q", status, message, tt.status, tt.message)
			}
		})
	}
}

// core is a policy that hands its clock on and decides as it is told.
type core struct {
	err  error
	seen []time.Time
}

func (c *core) Checker() (authz.Checker, error) { return c, nil }
func (*core) Revision() string                  { return "r" }

func (c *core) Check(r *authz.Request, d *authz.Decision) error {
	c.seen = append(c.seen, r.Time)
	*d = authz.Decision{Allowed: true, Reason: authz.ReasonGranted, Roles: []string{"a"}}
	return c.err
}

// meter remembers what it was told.
type meter struct{ told []string }

func (m *meter) Decided(d *authz.Decision, took time.Duration) {
	m.told = append(m.told, fmt.Sprint(d.Reason, " ", took))
}
func (m *meter) Refused(status int) { m.told = append(m.told, fmt.Sprint(status)) }

// TestPolicy: whatever is asked of one Policy is decided at one moment, timed by
// the same clock, and counted; an error leaves a deny.
func TestPolicy(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	clock := func() time.Time { now = now.Add(time.Second); return now }
	c, m := &core{}, &meter{}
	asker := door.Asker{Provider: c, Now: clock, Meter: m}
	p, err := asker.Policy(door.Caller{Name: "shop"})
	if err != nil {
		t.Fatal(err)
	}
	begin := now.Add(time.Second) // the first check looks at the clock
	var d authz.Decision
	for range 2 {
		if err := p.Check(&authz.Request{Time: now.AddDate(1, 0, 0)}, &d); err != nil || !d.Allowed {
			t.Fatalf("decision %+v, error %v", d, err)
		}
	}
	c.err = authz.ErrUnknownNamespace
	if err := p.Check(&authz.Request{}, &d); !errors.Is(err, authz.ErrUnknownNamespace) || d.Allowed || len(d.Roles) > 0 {
		t.Errorf("with the error %v the decision is %+v, want a deny", err, d)
	}
	if diff := cmp.Diff([]time.Time{begin, begin, begin}, c.seen); diff != "" {
		t.Errorf("times of the checks (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"Granted 1s", "Granted 1s", "404"}, m.told); diff != "" {
		t.Errorf("counted (-want +got):\n%s", diff)
	}
}
