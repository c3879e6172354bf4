// SPDX-License-Identifier: Apache-2.0

//go:build !race

// The race detector makes pools forget what they hold.

package server

import (
	"net/http"
	"testing"

	"github.com/go-logr/logr"
	"google.golang.org/grpc/codes"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/internal/door"
)

// nothing is an answer that nobody reads, and a counter that counts nothing.
type nothing struct{ header http.Header }

func (n *nothing) Header() http.Header          { return n.header }
func (*nothing) Write(body []byte) (int, error) { return len(body), nil }
func (*nothing) WriteHeader(int)                {}
func (*nothing) Answered(int)                   {}
func (*nothing) Called(codes.Code)              {}

// TestAllocations: what every request goes through allocates nothing but the id
// that is made up for a request without one, and the header that holds it.
func TestAllocations(t *testing.T) {
	c := &configv1alpha1.ServerConfiguration{}
	config.Default(c)
	doors := New(Options{
		Config: c, Logger: logr.Discard(), Metrics: http.NotFoundHandler(),
		Counter: func(string) Counter { return &nothing{} },
		Routes: []door.Route{{
			Method: http.MethodPost, Path: "/ask", MediaType: "application/json",
			Serve: func(w http.ResponseWriter, _ *http.Request) error { _, err := w.Write(nil); return err },
		}},
	}).doors()
	for name, tt := range map[string]struct {
		id   []string
		want float64
	}{
		"an id of the client's": {[]string{"x"}, 0},
		"an id made up":         {nil, 2},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "/ask", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header = http.Header{"Content-Type": {"application/json"}, door.RequestIDHeader: tt.id}
			w := &nothing{header: http.Header{}}
			if got := testing.AllocsPerRun(200, func() { doors.ServeHTTP(w, r) }); got != tt.want {
				t.Errorf("%v allocations, want %v", got, tt.want)
			}
			if len(w.header[door.RequestIDHeader]) != 1 {
				t.Errorf("the answer has the ids %q, want one", w.header[door.RequestIDHeader])
			}
		})
	}
}
