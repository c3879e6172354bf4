// SPDX-License-Identifier: Apache-2.0

package authzen_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/testkit"
	"github.com/rolecall/rolecall/internal/testkit/corpus"
)

// explanation is an answer of the endpoint beside the decision.
type explanation struct {
	Time        time.Time          `json:"time"`
	Explanation *authz.Explanation `json:"explanation"`
}

// TestExplanationsOfTheCorpus: they are the decisions, at the moment that is asked
// about, whatever the clock says.
func TestExplanationsOfTheCorpus(t *testing.T) {
	cases, err := corpus.Load()
	if err != nil {
		t.Fatal(err)
	}
	p := &provider{}
	r := serve(t, p)
	r.now = time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			p.checker = snapshot(t, nil, c.Objects)
			for _, check := range c.Checks {
				body, err := testkit.AuthZEN(&check.Request)
				if err != nil {
					continue // the protocol cannot say it
				}
				at := url.Values{"time": {check.Request.Time.Format(time.RFC3339Nano)}}
				a := r.post(t, "/ns/"+check.Request.Namespace+"/access/v1/explanation?"+at.Encode(), string(body))
				if diff := cmp.Diff(check.Want, a.want(t)); diff != "" {
					t.Errorf("%s (-want +got):\n%s%s", check.Name, diff, body)
				}
				if a.status != http.StatusOK {
					continue
				}
				var got explanation
				a.decode(t, &got)
				if !got.Time.Equal(check.Request.Time) || got.Explanation == nil || got.Explanation.Bindings == nil {
					t.Errorf("%s: answer %s", check.Name, a.body)
				}
			}
		})
	}
}

// TestExplanationOfASession: the subject is the token's, and the token is nowhere.
func TestExplanationOfASession(t *testing.T) {
	r := serveSessions(t)
	token := r.issuer.Sign(t, r.claims(nil))
	a := r.post(t, "/access/v1/explanation", can("read", with(token, ""), ""))
	var got explanation
	a.decode(t, &got)
	want := []authz.ExplainedKey{
		{Type: "user", ID: "user-1"},
		{Type: "user", ID: "*"},
		{Type: "group", ID: "oidc:engineers"},
		{Type: "email_domain", ID: "acme.com"},
	}
	if a.status != http.StatusOK || got.Explanation == nil || strings.Contains(a.body, token) {
		t.Fatalf("answer %d %s", a.status, a.body)
	}
	if diff := cmp.Diff(want, got.Explanation.Keys); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	r.post(t, "/access/v1/explanation", can("read", with("x"+token, ""), "")).refusal(t, http.StatusUnauthorized, "the token")
}

// TestBadExplanations are refused as evaluations are.
func TestBadExplanations(t *testing.T) {
	r := serve(t, policyOf(t, tenants))
	good := can("read", `{"type":"user","id":"a"}`, "")
	for name, tt := range map[string]struct {
		path, body string
		status     int
		want       string
	}{
		"no JSON":            {"", "{", http.StatusBadRequest, "JSON"},
		"no subject":         {"", `{"action":{"name":"read"},"resource":{"type":"doc","id":"1"}}`, http.StatusBadRequest, "subject.type"},
		"no moment":          {"?time=noon", good, http.StatusBadRequest, "time: must be a moment"},
		"a space for a plus": {"?time=2027-01-01T00:00:00+01:00", good, http.StatusBadRequest, "%2B"},
		"no time at all":     {"?time=0001-01-01T00:00:00Z", good, http.StatusBadRequest, "time: must be a moment"},
		"nothing bad":        {"?time=2027-01-01T00:00:00Z", good, http.StatusOK, "NoPermission"},
	} {
		a := r.post(t, "/access/v1/explanation"+tt.path, tt.body)
		if a.status != tt.status || !strings.Contains(a.body, tt.want) {
			t.Errorf("%s: answer %d %s, want %d with %q", name, a.status, a.body, tt.status, tt.want)
		}
	}
}
