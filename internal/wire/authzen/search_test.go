// SPDX-License-Identifier: Apache-2.0

package authzen_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/authz"
)

// crowded is a policy by which nine users, and whoever is not known, read pages.
const crowded = `
kind: Resource
metadata: {name: page}
spec: {actions: [{name: read}, {name: edit}]}
---
kind: Role
metadata: {name: reader}
spec: {permissions: [{resource: page, actions: [read]}]}
---
kind: Role
metadata: {name: editor}
spec: {assertable: true, permissions: [{resource: page, actions: [edit], condition: resource.properties.owner == subject.id}]}
---
kind: RoleBinding
metadata: {name: some}
spec:
  roles: [reader, editor]
  subjects: [{type: user, id: u1}, {type: user, id: u2}, {type: user, id: u3}, {type: user, id: u4}, {type: user, id: "u/5"}]
  scope: "*"
---
kind: RoleBinding
metadata: {name: others}
spec:
  roles: [reader]
  subjects: [{type: group, id: team}, {type: email_domain, id: acme.com}, {type: sso_connection, id: c}, {type: sso_group, connection: c, id: g}]
  scope: org:acme
---
kind: Group
metadata: {name: team}
spec: {members: [{type: user, id: u6}, {type: user, id: u7}, {type: service, id: s1}, {type: group, id: inner}]}
---
kind: Group
metadata: {name: inner}
spec: {members: [{type: user, id: u8}, {type: user, id: ü9}]}
`

const (
	page = `{"type":"page","id":"p1"}`
	edit = `{"name":"edit"}`
	acme = `"context":{"scope":"org:acme"}`
)

// TestSearchPages goes through all pages, of every size, also where the server
// wants them smaller.
func TestSearchPages(t *testing.T) {
	want := []string{"u/5", "u1", "u2", "u3", "u4", "u6", "u7", "u8", "ü9"}
	for _, most := range []int{1, 4, 1000} {
		r := serve(t, policyOf(t, crowded), func(c *configv1alpha1.ServerConfiguration) { c.AuthZEN.Search.Results = most })
		for limit := range 11 {
			var all []string
			pages := 0
			for token := ""; pages == 0 || token != ""; pages++ {
				got, found := r.search(t, searchSubject, ask(users, read, page, acme+fmt.Sprintf(`,"page":{"token":%q,"limit":%d}`, token, limit)))
				token = *got.Page.NextToken
				all = append(all, found...)
			}
			size := most
			if limit > 0 {
				size = min(limit, most)
			}
			if wantPages := (len(want) + size - 1) / size; !slices.Equal(all, want) || pages != wantPages {
				t.Errorf("limit %d of %d: %q on %d pages, want %q on %d", limit, most, all, pages, want, wantPages)
			}
		}
	}
}

// TestSearchTokens: a token is good for its search alone, whole, wherever the policy
// is by then; not what is asked for at once.
func TestSearchTokens(t *testing.T) {
	p := policyOf(t, crowded)
	r := serve(t, p)
	first, _ := r.search(t, searchSubject, ask(users, read, page, acme+`,"page":{"limit":2}`))
	token := *first.Page.NextToken
	with := func(token string) string { return `,"page":{"token":"` + token + `"}` }
	for name, body := range map[string]string{
		"another action":      ask(users, edit, page, acme+with(token)),
		"another resource":    ask(users, read, `{"type":"page","id":"p2"}`, acme+with(token)),
		"another property":    ask(users, read, `{"type":"page","id":"p1","properties":{"a":1}}`, acme+with(token)),
		"another type":        ask(`{"type":"service"}`, read, page, acme+with(token)),
		"another scope":       ask(users, read, page, `"context":{"scope":"org:b"}`+with(token)),
		"another context":     ask(users, read, page, `"context":{"scope":"org:acme","a":1}`+with(token)),
		"with something":      ask(users, read, page, acme+with(token+"A")),
		"without something":   ask(users, read, page, acme+with(token[1:])),
		"without its end":     ask(users, read, page, acme+with(token[:len(token)-1])),
		"the digest alone":    ask(users, read, page, acme+with(token[:21])),
		"in another spelling": ask(users, read, page, acme+with(token+"=")),
	} {
		t.Run(name, func(t *testing.T) {
			r.post(t, searchSubject, body).refusal(t, http.StatusBadRequest, "page.token: is not one")
		})
	}
	r.post(t, searchResource, ask(alice, read, page, acme+with(token))).refusal(t, http.StatusBadRequest, "page.token")
	r.post(t, "/ns/elsewhere"+searchSubject, ask(users, read, page, acme+with(token))).refusal(t, http.StatusBadRequest, "page.token")
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		t.Fatal(err)
	}
	for i := range raw {
		other := slices.Clone(raw)
		other[i] ^= 1
		r.post(t, searchSubject, ask(users, read, page, acme+with(base64.RawURLEncoding.EncodeToString(other)))).refusal(t, http.StatusBadRequest, "page.token")
	}
	// Members in another order, other spaces and another id of what is sought are the
	// same search; and the policy may have changed since.
	p.checker = policyOf(t, strings.Replace(crowded, "{type: user, id: u2}, ", "", 1)).checker
	body := `{"page": {"token": "` + token + `", "limit": 3}, "context": {"scope": "org:acme"}, "resource": {"id": "p1", "type": "page"},
		"action": {"name": "read"}, "subject": {"id": "whoever", "type": "user"}}`
	if _, found := r.search(t, searchSubject, body); !slices.Equal(found, []string{"u3", "u4", "u6"}) {
		t.Errorf("the next page is %q", found)
	}
}

// TestSearchTellsWhatItDoesNotKnow: who else may be allowed, and of whom a condition
// could not tell.
func TestSearchTellsWhatItDoesNotKnow(t *testing.T) {
	r := serve(t, policyOf(t, crowded))
	everyone := serve(t, policyOf(t, strings.Replace(crowded, "id: u1}", `id: "*"}`, 1)))
	tests := map[string]struct {
		r          *rig
		path, body string
		want       map[string]any
		found      []string
	}{
		"nothing":             {r: r, path: searchSubject, body: ask(users, read, page, ""), found: []string{"u/5", "u1", "u2", "u3", "u4"}},
		"those of a team":     {r: r, path: searchSubject, body: ask(`{"type":"service"}`, read, page, acme), found: []string{"s1"}, want: object{"open_to": []any{"group", "email_domain", "sso_connection", "sso_group"}, "undecided": 0.0}},
		"an owner":            {r: r, path: searchSubject, body: ask(users, edit, `{"type":"page","id":"p1","properties":{"owner":"u3"}}`, ""), found: []string{"u3"}, want: object{"open_to": []any{"role"}, "undecided": 0.0}},
		"whose page it is":    {r: r, path: searchSubject, body: ask(users, edit, page, ""), found: []string{}, want: object{"open_to": []any{"role"}, "undecided": 5.0}},
		"all, known or not":   {r: everyone, path: searchSubject, body: ask(users, read, page, ""), found: []string{"u/5", "u2", "u3", "u4", "u6", "u7", "u8", "ü9"}, want: object{"open_to": []any{"*"}, "undecided": 0.0}},
		"all pages":           {r: r, path: searchResource, body: ask(`{"type":"user","id":"u1"}`, read, `{"type":"page"}`, ""), found: []string{}, want: object{"open_to": []any{"*"}, "undecided": 0.0}},
		"what can be done":    {r: r, path: searchAction, body: ask(`{"type":"user","id":"u1"}`, "", page, ""), found: []string{"read"}, want: object{"open_to": []any{}, "undecided": 1.0}},
		"with who is in what": {r: r, path: searchAction, body: ask(`{"type":"user","id":"x","properties":{"groups":["inner"]}}`, "", page, acme), found: []string{"read"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, found := tt.r.search(t, tt.path, tt.body)
			if diff := cmp.Diff(tt.found, found); diff != "" {
				t.Errorf("results (-want +got):\n%s", diff)
			}
			var properties map[string]any
			if got.Page != nil {
				properties = got.Page.Properties
			}
			if diff := cmp.Diff(tt.want, properties); diff != "" {
				t.Errorf("properties of the page (-want +got):\n%s", diff)
			}
		})
	}
}

// TestSearchDecidesAboutFew: a search that would decide about too many answers with
// what it has, and the token to go on.
func TestSearchDecidesAboutFew(t *testing.T) {
	r := serve(t, policyOf(t, crowded), func(c *configv1alpha1.ServerConfiguration) { c.AuthZEN.Search.Candidates = 2 })
	owned := `{"type":"page","id":"p1","properties":{"owner":"u4"}}`
	var pages [][]string
	for token := ""; len(pages) == 0 || token != ""; {
		got, found := r.search(t, searchSubject, ask(users, edit, owned, `"page":{"token":"`+token+`"}`))
		token = *got.Page.NextToken
		pages = append(pages, found)
	}
	if diff := cmp.Diff([][]string{{}, {}, {"u4"}}, pages); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
}

// slow is a policy that searches until it is told to stop, and says when it begins.
type slow struct {
	failing
	begun chan struct{}
	ended chan error
}

func (s slow) Search(ctx context.Context, _ *authz.Search) (authz.Found, error) {
	s.begun <- struct{}{}
	<-ctx.Done()
	s.ended <- ctx.Err()
	return authz.Found{}, ctx.Err()
}

// TestSearchesAreGivenUp: when their time is up, that for which they wait for others
// included, and when nobody waits for the answer any more.
func TestSearchesAreGivenUp(t *testing.T) {
	s := slow{begun: make(chan struct{}, 1), ended: make(chan error, 1)}
	r := serve(t, &provider{checker: s}, func(c *configv1alpha1.ServerConfiguration) {
		c.AuthZEN.Search.Concurrent, c.AuthZEN.Search.Timeout = 1, metav1.Duration{Duration: 50 * time.Millisecond}
	})
	a := r.post(t, searchSubject, ask(users, read, page, ""))
	a.refusal(t, http.StatusServiceUnavailable, "taken too long")
	if <-s.begun; !errors.Is(<-s.ended, context.DeadlineExceeded) {
		t.Error("it was not its time that ended it")
	}

	r = serve(t, &provider{checker: s}, func(c *configv1alpha1.ServerConfiguration) { c.AuthZEN.Search.Concurrent = 1 })
	ctx, hangUp := context.WithCancel(t.Context())
	go func() {
		<-s.begun
		hangUp()
	}()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url+searchSubject, strings.NewReader(ask(users, read, page, "")))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if resp, err := http.DefaultClient.Do(req); err == nil {
		_ = resp.Body.Close()
		t.Error("who has hung up got an answer")
	}
	if err := <-s.ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the search of who has hung up ended with %v", err)
	}
}

// TestSearchesWaitForEachOther: one that has no turn within its time is given up
// without having begun, and checks do not wait.
func TestSearchesWaitForEachOther(t *testing.T) {
	s := slow{begun: make(chan struct{}, 2), ended: make(chan error, 2)}
	s.failing = func(_ *authz.Request, d *authz.Decision) error {
		d.Reason = authz.ReasonNoRole
		return nil
	}
	r := serve(t, &provider{checker: s}, func(c *configv1alpha1.ServerConfiguration) {
		c.AuthZEN.Search.Concurrent, c.AuthZEN.Search.Timeout = 1, metav1.Duration{Duration: time.Second}
	})
	body := ask(users, read, page, "")
	first := make(chan answer, 1)
	go func() { first <- r.post(t, searchSubject, body) }()
	<-s.begun
	second := make(chan answer, 1)
	go func() { second <- r.post(t, searchSubject, body) }()
	if a := r.post(t, "/access/v1/evaluation", ask(alice, read, page, "")); a.status != http.StatusOK {
		t.Errorf("a check meanwhile: %d %s", a.status, a.body)
	}
	for _, c := range []chan answer{first, second} {
		(<-c).refusal(t, http.StatusServiceUnavailable, "taken too long")
	}
}

// TestSearchesThatNobodyCanAnswer: the errors are those of the other endpoints.
func TestSearchesThatNobodyCanAnswer(t *testing.T) {
	body := ask(users, read, page, "")
	r := serve(t, &provider{checker: failing(nil)})
	r.post(t, searchSubject, body).refusal(t, http.StatusNotImplemented, "does not search")
	r = serve(t, &provider{err: authz.ErrNotReady})
	r.post(t, searchSubject, body).refusal(t, http.StatusServiceUnavailable, "not ready")
	objects := policyOf(t, crowded)
	objects.checker = snapshot(t, []string{"shop"}, nil)
	r = serve(t, objects)
	r.post(t, "/ns/elsewhere"+searchSubject, body).refusal(t, http.StatusNotFound, "elsewhere")
	if _, found := r.search(t, "/ns/shop"+searchSubject, body); len(found) > 0 {
		t.Errorf("an empty namespace knows %q", found)
	}
}
