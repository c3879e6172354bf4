// SPDX-License-Identifier: Apache-2.0

package authzen_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/testkit"
	"github.com/rolecall/rolecall/internal/testkit/corpus"
)

// TestCorpus asks the door everything that the core is asked.
func TestCorpus(t *testing.T) {
	cases, err := corpus.Load()
	if err != nil {
		t.Fatal(err)
	}
	p := &provider{}
	r := serve(t, p)
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			p.checker = snapshot(t, nil, c.Objects)
			for _, check := range c.Checks {
				body, err := testkit.AuthZEN(&check.Request)
				if err != nil {
					continue // the protocol cannot say it
				}
				r.now = check.Request.Time
				a := r.post(t, "/ns/"+check.Request.Namespace+"/access/v1/evaluation", string(body))
				if diff := cmp.Diff(check.Want, a.want(t)); diff != "" {
					t.Errorf("%s (-want +got):\n%s%s", check.Name, diff, body)
				}
			}
		})
	}
}

// want renders an answer in the form in which the corpus expects it.
func (a answer) want(t *testing.T) testkit.Want {
	t.Helper()
	if a.status == http.StatusBadRequest {
		var message string
		a.decode(t, &message)
		field, _, _ := strings.Cut(message, " ")
		return testkit.Want{Error: strings.NewReplacer("subject.properties.", "subject.", "context.scope", "scope").Replace(field)}
	}
	var got struct {
		Decision bool `json:"decision"`
		Context  struct {
			Reason   string   `json:"reason"`
			Roles    []string `json:"roles"`
			Revision string   `json:"revision"`
			Warnings []string `json:"warnings"`
		} `json:"context"`
	}
	a.decode(t, &got)
	if a.status != http.StatusOK || got.Context.Roles == nil || got.Context.Revision != revision {
		t.Errorf("answer %d %s, want 200 with roles and revision", a.status, a.body)
	}
	if len(got.Context.Roles) == 0 {
		got.Context.Roles = nil
	}
	return testkit.Want{Decision: got.Decision, Reason: got.Context.Reason, Roles: got.Context.Roles, Warnings: testkit.Warned(got.Context.Warnings)}
}

const small = `
kind: Resource
metadata: {name: doc}
spec: {actions: [{name: read}, {name: write}]}
---
kind: Role
metadata: {name: reader}
spec: {permissions: [{resource: doc, actions: [read]}]}
---
kind: RoleBinding
metadata: {name: readers}
spec: {roles: [reader], subjects: [{type: user, id: alice}], scope: org:a}
`

func TestAnswers(t *testing.T) {
	const evaluation, evaluations = "/access/v1/evaluation", "/access/v1/evaluations"
	const head = `"subject":{"type":"user","id":"alice"},"resource":{"type":"doc","id":"d1"},"context":{"scope":"org:a"},`
	const reads, writes, faulty = `{"action":{"name":"read"}}`, `{"action":{"name":"write"}}`, `{}`
	const allow, deny = `{"decision":true}`, `{"decision":false}`
	const fault = `{"decision":false,"context":{"error":{"status":400,"message":"action.name is required"}}}`
	tests := map[string]struct{ path, body, want string }{
		"an allow says why": {
			evaluation, `{` + head + `"action":{"name":"read"}}`,
			`{"decision":true,"context":{"reason":"Granted","roles":["reader"],"revision":"0123456789abcdef"}}`,
		},
		"a deny says why, and has a list of no roles": {
			evaluation, `{` + head + `"action":{"name":"write"}}`,
			`{"decision":false,"context":{"reason":"NoPermission","roles":[],"revision":"0123456789abcdef"}}`,
		},
		"items are bare": {
			evaluations, `{` + head + `"evaluations":[` + reads + `,` + writes + `]}`,
			`{"evaluations":[` + allow + `,` + deny + `]}`,
		},
		"items say why if the request wants it": {
			evaluations, `{` + head + `"evaluations":[` + reads + `],"options":{"context":true}}`,
			`{"evaluations":[{"decision":true,"context":{"reason":"Granted","roles":["reader"],"revision":"0123456789abcdef"}}]}`,
		},
		"an item that fails is a deny that says so": {
			evaluations, `{` + head + `"evaluations":[` + faulty + `,` + reads + `]}`,
			`{"evaluations":[` + fault + `,` + allow + `]}`,
		},
		"an item of the wrong shape fails alone": {
			evaluations, `{` + head + `"evaluations":[{"action":"read"},` + reads + `]}`,
			`{"evaluations":[{"decision":false,"context":{"error":{"status":400,"message":"action: must be an object"}}},` + allow + `]}`,
		},
		"the default's scope survives an item's context": {
			evaluations, `{` + head + `"evaluations":[{"action":{"name":"read"},"context":{"ip":"::1"}},` +
				`{"action":{"name":"read"},"context":{"scope":"org:b"}}]}`,
			`{"evaluations":[` + allow + `,` + deny + `]}`,
		},
		"execute_all goes on": {
			evaluations, `{` + head + `"evaluations":[` + writes + `,` + reads + `],"options":{"evaluations_semantic":"execute_all"}}`,
			`{"evaluations":[` + deny + `,` + allow + `]}`,
		},
		"deny_on_first_deny ends with the first deny": {
			evaluations, `{` + head + `"evaluations":[` + reads + `,` + writes + `,` + reads +
				`],"options":{"evaluations_semantic":"deny_on_first_deny"}}`,
			`{"evaluations":[` + allow + `,` + deny + `]}`,
		},
		"deny_on_first_deny ends with the first error": {
			evaluations, `{` + head + `"evaluations":[` + faulty + `,` + reads + `],"options":{"evaluations_semantic":"deny_on_first_deny"}}`,
			`{"evaluations":[` + fault + `]}`,
		},
		"permit_on_first_permit ends with the first allow": {
			evaluations, `{` + head + `"evaluations":[` + writes + `,` + faulty + `,` + reads + `,` + reads +
				`],"options":{"evaluations_semantic":"permit_on_first_permit"}}`,
			`{"evaluations":[` + deny + `,` + fault + `,` + allow + `]}`,
		},
		"a namespace in the path": {
			"/ns/default" + evaluation, `{` + head + `"action":{"name":"read"}}`,
			`{"decision":true,"context":{"reason":"Granted","roles":["reader"],"revision":"0123456789abcdef"}}`,
		},
		"a namespace that has no objects denies": {
			"/ns/empty" + evaluation, `{` + head + `"action":{"name":"read"}}`,
			`{"decision":false,"context":{"reason":"UnknownResource","roles":[],"revision":"0123456789abcdef"}}`,
		},
		"a batch in a namespace": {
			"/ns/default" + evaluations, `{` + head + `"evaluations":[` + reads + `]}`, `{"evaluations":[` + allow + `]}`,
		},
	}
	r := serve(t, policyOf(t, small))
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			a := r.post(t, tt.path, tt.body)
			if a.status != http.StatusOK || a.body != tt.want+"\n" {
				t.Errorf("answer %d %s, want 200 %s", a.status, a.body, tt.want)
			}
		})
	}
}

// TestOneCallKeepsNothingOfAnother: what is reused between calls holds nothing of
// the one before, least of all its authority.
func TestOneCallKeepsNothingOfAnother(t *testing.T) {
	r := serve(t, policyOf(t, small))
	for range 20 {
		long := r.post(t, "/access/v1/evaluation", `{"subject":{"type":"user","id":"alice","properties":{"x":"`+
			strings.Repeat("y", 100_000)+`"}},"action":{"name":"read"},"resource":{"type":"doc","id":"d1"},"context":{"scope":"org:a"}}`)
		bare := r.post(t, "/access/v1/evaluation", `{"subject":{"type":"user","id":"alice"},"action":{"name":"read"},"resource":{"type":"doc","id":"d1"}}`)
		none := r.post(t, "/access/v1/evaluation", `{}`)
		if !strings.Contains(long.body, "Granted") || !strings.Contains(bare.body, "NoRole") || none.status != http.StatusBadRequest {
			t.Fatalf("answers %s %s %s", long.body, bare.body, none.body)
		}
	}
}

// TestAnswersSayTheirLength: also the long ones, which are not cut in chunks.
func TestAnswersSayTheirLength(t *testing.T) {
	r := serve(t, policyOf(t, small))
	for _, n := range []int{1, 10, 100} {
		items := strings.Join(slices.Repeat([]string{"{}"}, n), ",")
		a := r.post(t, "/access/v1/evaluations", ask(alice, read, record1, `"evaluations":[`+items+`],"options":{"context":true}`))
		if got, want := a.header.Get("Content-Length"), strconv.Itoa(len(a.body)); a.status != http.StatusOK || got != want {
			t.Errorf("answer %d to %d items has Content-Length %q, want %s", a.status, n, got, want)
		}
	}
}

func TestABatchSeesOnePolicy(t *testing.T) {
	p := policyOf(t, small)
	r := serve(t, p)
	r.post(t, "/access/v1/evaluations", batch(alice, read, `{"type":"doc"}`, "{}", "{}", "{}"))
	if got := p.asked.Load(); got != 1 {
		t.Errorf("the policy was asked for %d times, want once", got)
	}
}

func TestNoDefaultNamespace(t *testing.T) {
	r := serve(t, policyOf(t, small), func(c *configv1alpha1.ServerConfiguration) { c.DefaultNamespace = "" })
	for _, path := range []string{"/access/v1/evaluation", "/access/v1/evaluations"} {
		r.post(t, path, ask(alice, read, record1, "")).refusal(t, http.StatusNotFound, "ask /ns/{namespace}"+path)
	}
	if a := r.post(t, "/ns/default/access/v1/evaluation", ask(alice, read, `{"type":"doc","id":"d1"}`, "")); a.status != http.StatusOK {
		t.Errorf("answer %d %s, want 200", a.status, a.body)
	}
}

func TestUnknownNamespace(t *testing.T) {
	objects, err := testkit.Objects([]byte(small))
	if err != nil {
		t.Fatal(err)
	}
	r := serve(t, &provider{checker: snapshot(t, []string{"default"}, objects)})
	r.post(t, "/ns/other/access/v1/evaluation", ask(alice, read, record1, "")).
		refusal(t, http.StatusNotFound, "namespace is not served")
	r.post(t, "/ns/other/access/v1/evaluations", batch(alice, read, record1, "{}")).
		refusal(t, http.StatusNotFound, "namespace is not served")
}

// TestErrorsNeverGrant has a core that fails in every way, each after it has
// written an allow.
func TestErrorsNeverGrant(t *testing.T) {
	fails := func(err error) *provider {
		return &provider{checker: failing(func(_ *authz.Request, d *authz.Decision) error {
			d.Allowed = true
			if err == nil {
				panic("on purpose")
			}
			return err
		})}
	}
	tests := map[string]struct {
		provider *provider
		status   int
		want     string
	}{
		"not ready":                {&provider{err: fmt.Errorf("%w: the objects have not been read", authz.ErrNotReady)}, http.StatusServiceUnavailable, "not ready: the objects have not been read"},
		"not ready in the check":   {fails(authz.ErrNotReady), http.StatusServiceUnavailable, "not ready"},
		"an error of no kind":      {fails(errors.New("a secret")), http.StatusInternalServerError, "internal error"},
		"a panic":                  {fails(nil), http.StatusInternalServerError, "internal error"},
		"a namespace not answered": {fails(authz.ErrUnknownNamespace), http.StatusNotFound, "namespace"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := serve(t, tt.provider)
			for path, body := range map[string]string{
				"/access/v1/evaluation":  ask(alice, read, record1, ""),
				"/access/v1/evaluations": batch(alice, read, record1, "{}", "{}"),
			} {
				a := r.post(t, path, body)
				a.refusal(t, tt.status, tt.want)
				if strings.Contains(a.body, "secret") || strings.Contains(a.body, "purpose") {
					t.Errorf("answer %s tells what is nobody's business", a.body)
				}
				if retry := a.header.Get("Retry-After"); (retry != "") != (tt.status == http.StatusServiceUnavailable) {
					t.Errorf("answer %d has Retry-After %q", a.status, retry)
				}
			}
		})
	}
}

func TestTooMuchAtOnce(t *testing.T) {
	r := serve(t, policyOf(t, small), func(c *configv1alpha1.ServerConfiguration) {
		c.Limits = configv1alpha1.Limits{RequestBytes: 2000, Evaluations: 2}
	})
	r.post(t, "/access/v1/evaluations", batch(alice, read, record1, "{}", "{}", "{}")).
		refusal(t, http.StatusBadRequest, "3 are more than the 2")
	r.post(t, "/access/v1/evaluation", `{"x":"`+strings.Repeat("y", 2000)+`"}`).
		refusal(t, http.StatusRequestEntityTooLarge, "longer than the 2000 bytes")
	if a := r.post(t, "/access/v1/evaluation", ask(alice, read, record1, `"x":"`+strings.Repeat("y", 1500)+`"`)); a.status != http.StatusOK {
		t.Errorf("answer %d %s, want 200", a.status, a.body)
	}
}

// TestFieldsAreNamedAsTheyStandInTheBody: faults that the core finds are told in
// the dialect's words.
func TestFieldsAreNamedAsTheyStandInTheBody(t *testing.T) {
	r := serve(t, policyOf(t, small))
	tests := map[string]string{
		`{"subject":{"type":"user","id":"a","properties":{"groups":["g",""]}}}`:         "subject.properties.groups[1] is required",
		`{"subject":{"type":"user","id":"a","properties":{"roles":[""]}}}`:              "subject.properties.roles[0] is required",
		`{"subject":{"type":"user","id":"a","properties":{"sso_connections":["*"]}}}`:   `subject.properties.sso_connections[0] "*" is a wildcard`,
		`{"subject":{"type":"user","id":"a","properties":{"sso_groups":[{"id":"g"}]}}}`: "subject.properties.sso_groups[0].connection is required",
		`{"subject":{"type":"user","id":"*"}}`:                                          `subject.id "*" is a wildcard`,
		`{"subject":{"type":"group","id":"g"}}`:                                         `subject.type "group" is a reserved type`,
		`{"subject":{"type":"user","id":"a"},"context":{"scope":"a//b"}}`:               `context.scope "a//b" is not a scope`,
		`{"subject":{"type":"user","id":"a"},"context":{"scope":"*"}}`:                  `context.scope "*" is not a scope`,
	}
	for subject, want := range tests {
		t.Run(want, func(t *testing.T) {
			body := strings.TrimSuffix(subject, "}") + `,"action":{"name":"read"},"resource":{"type":"doc","id":"d1"}}`
			r.post(t, "/access/v1/evaluation", body).refusal(t, http.StatusBadRequest, want)
		})
	}
}
