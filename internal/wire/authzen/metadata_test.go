// SPDX-License-Identifier: Apache-2.0

package authzen_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
)

// at configures the URL of the policy decision point.
func at(url string) func(*configv1alpha1.ServerConfiguration) {
	return func(c *configv1alpha1.ServerConfiguration) { c.AuthZEN.URL = url }
}

// get asks for a document, in the name of some host.
func (r *rig) get(tb testing.TB, path, host string) answer {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), http.MethodGet, r.url+path, nil)
	if err != nil {
		tb.Fatal(err)
	}
	req.Host = host
	req.Header.Set("X-Forwarded-Host", host)
	return send(tb, req)
}

// TestMetadata: the document is where the standard looks for it, and made of the
// configured URL alone.
func TestMetadata(t *testing.T) {
	tests := map[string]struct{ url, path, base string }{
		"the default namespace":             {"https://pdp.example", "", "https://pdp.example"},
		"another one":                       {"https://pdp.example", "/ns/shop", "https://pdp.example/ns/shop"},
		"one whose name is none":            {"https://pdp.example", "/ns/a%20b", "https://pdp.example/ns/a%20b"},
		"below a path":                      {"https://pdp.example/authz", "/authz", "https://pdp.example/authz"},
		"another one below a path":          {"https://pdp.example:8443/a/b", "/a/b/ns/shop", "https://pdp.example:8443/a/b/ns/shop"},
		"a namespace called as a path ends": {"https://pdp.example/ns", "/ns/ns/x", "https://pdp.example/ns/ns/x"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := serve(t, policyOf(t, certification), at(tt.url))
			a := r.get(t, "/.well-known/authzen-configuration"+tt.path, "evil.example")
			var got map[string]string
			a.decode(t, &got)
			want := map[string]string{
				"policy_decision_point":       tt.base,
				"access_evaluation_endpoint":  tt.base + "/access/v1/evaluation",
				"access_evaluations_endpoint": tt.base + "/access/v1/evaluations",
				"search_subject_endpoint":     tt.base + "/access/v1/search/subject",
				"search_resource_endpoint":    tt.base + "/access/v1/search/resource",
				"search_action_endpoint":      tt.base + "/access/v1/search/action",
			}
			if diff := cmp.Diff(want, got); a.status != http.StatusOK || diff != "" {
				t.Errorf("answer %d (-want +got):\n%s", a.status, diff)
			}
			if strings.Contains(a.body, "evil") {
				t.Errorf("the request's host is in %s", a.body)
			}
		})
	}
}

func TestMetadataThatThereIsNot(t *testing.T) {
	r := serve(t, policyOf(t, certification))
	r.get(t, "/.well-known/authzen-configuration", "a.example").refusal(t, http.StatusNotFound, "set authZEN.url")
	r.get(t, "/.well-known/authzen-configuration/ns/x", "a.example").refusal(t, http.StatusNotFound, "set authZEN.url")

	r = serve(t, policyOf(t, certification), at("https://pdp.example"),
		func(c *configv1alpha1.ServerConfiguration) { c.DefaultNamespace = "" })
	r.get(t, "/.well-known/authzen-configuration", "a.example").refusal(t, http.StatusNotFound, "no default namespace")
	if a := r.get(t, "/.well-known/authzen-configuration/ns/x", "a.example"); a.status != http.StatusOK {
		t.Errorf("answer %d %s", a.status, a.body)
	}
}
