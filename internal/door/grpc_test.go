// SPDX-License-Identifier: Apache-2.0

package door_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/door"
)

func TestStatus(t *testing.T) {
	tests := map[string]struct {
		err     error
		code    codes.Code
		message string
	}{
		"no error":                         {nil, codes.OK, ""},
		"a status":                         {status.Error(codes.Unimplemented, "not here"), codes.Unimplemented, "not here"},
		"a request that cannot be decided": {&authz.RequestError{Field: "scope", Problem: "is no scope"}, codes.InvalidArgument, "scope is no scope"},
		"a namespace that nobody watches":  {authz.ErrUnknownNamespace, codes.NotFound, "namespace is not served"},
		"no policy yet":                    {authz.ErrNotReady, codes.Unavailable, "not ready; there is no decision yet, try again"},
		"anything else says nothing":       {errors.New("a secret"), codes.Internal, "internal error; there is no decision"},
		"who is it":                        {&door.Error{Status: http.StatusUnauthorized, Message: "who?", Err: errors.New("a secret")}, codes.Unauthenticated, "who?"},
		"not that one":                     {&door.Error{Status: http.StatusForbidden}, codes.PermissionDenied, ""},
		"too much":                         {door.TooLong(7), codes.ResourceExhausted, door.TooLong(7).Message},
		"too often":                        {&door.Error{Status: http.StatusTooManyRequests}, codes.ResourceExhausted, ""},
		"not in this way":                  {&door.Error{Status: http.StatusMethodNotAllowed}, codes.Unimplemented, ""},
		"not at all":                       {&door.Error{Status: http.StatusNotImplemented}, codes.Unimplemented, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if s := door.Status(tt.err); s.Code() != tt.code || s.Message() != tt.message {
				t.Errorf("status %v %q, want %v %q", s.Code(), s.Message(), tt.code, tt.message)
			}
		})
	}
}

func TestNamespaces(t *testing.T) {
	tests := map[string]struct {
		fallback string
		path     string // what the path says
		metadata []string
		want     string
		wantErr  [2]string // of the path, of the call
	}{
		"the one that is named":   {fallback: "shop", path: "office", metadata: []string{"office"}, want: "office"},
		"the default one":         {fallback: "shop", metadata: []string{""}, want: "shop"},
		"none":                    {wantErr: [2]string{"ask /ns/{namespace}/check", "rolecall-namespace"}},
		"two in a call are wrong": {fallback: "shop", path: "a", want: "a", metadata: []string{"a", "b"}, wantErr: [2]string{"", "more than once"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			n := door.Namespaces{Default: tt.fallback}
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/check", nil)
			r.SetPathValue("namespace", tt.path)
			got, err := n.OfPath(r)
			sameNamespace(t, "path", got, err, tt.want, tt.wantErr[0])
			ctx := metadata.NewIncomingContext(t.Context(), metadata.MD{door.NamespaceMetadata: tt.metadata})
			got, err = n.OfCall(ctx)
			sameNamespace(t, "call", got, err, tt.want, tt.wantErr[1])
		})
	}
}

func sameNamespace(t *testing.T, of, got string, err error, want, wantErr string) {
	t.Helper()
	switch {
	case wantErr == "" && (err != nil || got != want):
		t.Errorf("namespace of the %s: %q, error %v; want %q", of, got, err, want)
	case wantErr != "" && (err == nil || got != "" || !strings.Contains(err.Error(), wantErr)):
		t.Errorf("namespace of the %s: %q, error %v; want an error with %q", of, got, err, wantErr)
	}
}

func TestCallCredentials(t *testing.T) {
	ctx := metadata.NewIncomingContext(t.Context(), metadata.MD{"authorization": {"a", "b"}, "x-api-key": {"k"}})
	for _, tt := range []struct {
		ctx  context.Context
		want string
	}{{ctx, "a, b k"}, {t.Context(), " "}} {
		c := door.CallCredentials(tt.ctx)
		if got := fmt.Sprint(c.Authorization, " ", c.APIKey); got != tt.want || c.TLS != nil {
			t.Errorf("credentials %q, TLS %v; want %q without TLS", got, c.TLS, tt.want)
		}
	}
}
