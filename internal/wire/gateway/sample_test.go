// SPDX-License-Identifier: Apache-2.0

package gateway_test

import (
	"bytes"
	"testing"

	"github.com/rolecall/rolecall/config/samples"
	"github.com/rolecall/rolecall/internal/testkit/corpus"
	"github.com/rolecall/rolecall/internal/testkit/issuer"
	"github.com/rolecall/rolecall/internal/testkit/served"
)

// TestSample asks the sample for applications behind a gateway at both doors.
func TestSample(t *testing.T) {
	t.Parallel()
	documents, err := corpus.Documents(samples.DocumentsGateway)
	if err != nil {
		t.Fatal(err)
	}
	r := dial(t, served.Start(t, served.Options{
		Manifests: string(bytes.Join(documents, []byte("\n---\n"))), Configuration: everybody(issuer.Start(t)),
	}))
	denied := answer{status: 403}
	for name, tc := range map[string]struct {
		method, path, user string
		want               answer
	}{
		"a user has the list":             {"GET", "/documents", "alan", answer{200, "", "user:alan", "visitor"}},
		"and reads what is published":     {"HEAD", "/documents/welcome", "alan", answer{200, "", "user:alan", "visitor"}},
		"but no draft":                    {"GET", "/documents/budget", "alan", denied},
		"a query publishes nothing":       {"GET", "/documents/budget?state=published", "alan", denied},
		"finance reads drafts":            {"GET", "/documents/budget", "grace", answer{200, "", "user:grace", "author,controller"}},
		"an author changes their own":     {"PUT", "/documents/budget", "grace", answer{200, "", "user:grace", "author"}},
		"and no other":                    {"PUT", "/documents/welcome", "grace", denied},
		"an author writes another one":    {"POST", "/documents", "ada", answer{200, "", "user:ada", "author"}},
		"and is all that may":             {"POST", "/documents", "alan", denied},
		"what no route says is not asked": {"PATCH", "/documents/budget", "grace", denied},
	} {
		t.Run(name, func(t *testing.T) {
			q := question{method: tc.method, path: tc.path, headers: []string{"X-User", tc.user}}
			if got := r.overHTTP(t, q); got != tc.want {
				t.Errorf("forward-auth: got %+v, want %+v", got, tc.want)
			}
			if got := r.overGRPC(t, q); got != tc.want {
				t.Errorf("ext_authz: got %+v, want %+v", got, tc.want)
			}
		})
	}
	for path, want := range map[string]answer{
		"/documents/welcome": {200, "", "anonymous:anonymous", "visitor"},
		"/documents/budget":  {status: 401, challenge: challenge},
	} {
		q := question{method: "GET", path: path}
		if got := r.overHTTP(t, q); got != want {
			t.Errorf("nobody, %s: got %+v, want %+v", path, got, want)
		}
		if got := r.overGRPC(t, q); got != want {
			t.Errorf("nobody over gRPC, %s: got %+v, want %+v", path, got, want)
		}
	}
}
