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
