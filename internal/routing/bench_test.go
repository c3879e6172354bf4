// SPDX-License-Identifier: Apache-2.0

package routing_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/routing"
)

// BenchmarkMatch compares the table with Go's own router, each with the same
// routes, of which there are more and more.
func BenchmarkMatch(b *testing.B) {
	for _, types := range []int{10, 1000} {
		var lines []string
		mux := http.NewServeMux()
		for i := range types {
			for method, path := range map[string]string{
				"GET": "/v1/type-%d/{id}", "PUT": "/v1/type-%d/{id}", "POST": "/v1/type-%d/{id}/parts/{part}", "DELETE": "/v1/type-%d/{rest...}",
			} {
				path = fmt.Sprintf(path, i)
				lines = append(lines, method+" "+path+" t a")
				mux.HandleFunc(method+" "+path, func(http.ResponseWriter, *http.Request) {})
			}
		}
		table := routing.New(claims(b, lines...))
		for name, path := range map[string]string{"shallow": "/v1/type-7/document-7", "deep": "/v1/type-7/document-7/parts/chapter-1"} {
			method := map[string]string{"shallow": "GET", "deep": "POST"}[name]
			b.Run(fmt.Sprintf("table/%d/%s", types, name), func(b *testing.B) {
				r := &authz.HTTPRequest{Method: method, Host: "api.example.com", Path: path}
				var m authz.RouteMatch
				b.ReportAllocs()
				for b.Loop() {
					if table.Match(r, &m); m.Outcome != authz.RouteFound {
						b.Fatal(m)
					}
				}
			})
			b.Run(fmt.Sprintf("ServeMux/%d/%s", types, name), func(b *testing.B) {
				r := httptest.NewRequest(method, "http://api.example.com"+path, nil)
				b.ReportAllocs()
				for b.Loop() {
					if _, pattern := mux.Handler(r); pattern == "" {
						b.Fatal("no handler")
					}
				}
			})
		}
	}
}
