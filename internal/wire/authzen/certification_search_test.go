// SPDX-License-Identifier: Apache-2.0

package authzen_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The endpoints of the searches.
const (
	searchSubject  = "/access/v1/search/subject"
	searchResource = "/access/v1/search/resource"
	searchAction   = "/access/v1/search/action"
)

const (
	users   = `{"type":"user"}`
	records = `{"type":"record"}`
)

// results is the answer to a search.
type results struct {
	Results []map[string]string `json:"results"`
	Page    *struct {
		NextToken  *string        `json:"next_token"`
		Properties map[string]any `json:"properties"`
	} `json:"page"`
}

// search asks and reads the answer. Every result must be an entity of the type, or
// an action, and nothing more.
func (r *rig) search(tb testing.TB, path, body string) (results, []string) {
	tb.Helper()
	var got results
	a := r.post(tb, path, body)
	a.decode(tb, &got)
	if a.status != http.StatusOK || got.Results == nil {
		tb.Fatalf("answer %d %s, want results", a.status, a.body)
	}
	if got.Page != nil && got.Page.NextToken == nil {
		tb.Errorf("a page without a token: %s", a.body)
	}
	var asked struct{ Subject, Resource struct{ Type string } }
	if err := json.Unmarshal([]byte(body), &asked); err != nil {
		tb.Fatal(err)
	}
	typ := asked.Subject.Type
	if strings.HasSuffix(path, searchResource) {
		typ = asked.Resource.Type
	}
	names := []string{}
	for _, result := range got.Results {
		name, want := result["id"], map[string]string{"type": typ, "id": result["id"]}
		if path == searchAction {
			name, want = result["name"], map[string]string{"name": result["name"]}
		}
		if diff := cmp.Diff(want, result); diff != "" || name == "" {
			tb.Errorf("result (-want +got):\n%s", diff)
		}
		names = append(names, name)
	}
	return got, names
}

func TestCertificationSearch(t *testing.T) {
	r := serve(t, policyOf(t, certification))
	const context = `"context":{"time":"2026-01-01T00:00:00Z","ip":"192.0.2.1"}`
	stranger, ship := `{"type":"user","id":"nonexistent-user"}`, `{"type":"spaceship","id":"x"}`
	tests := map[string]struct {
		path, body string
		want       []string
	}{
		"c-4-2-1":             {searchSubject, ask(users, read, record1, ""), []string{"alice", "bob"}},
		"c-4-2-2":             {searchSubject, ask(users, read, record1, context), []string{"alice", "bob"}},
		"c-4-2-3":             {searchSubject, ask(alice, read, record1, ""), []string{"alice", "bob"}},
		"c-4-2-4":             {searchSubject, ask(users, write, archived, ""), []string{"bob"}},
		"c-4-3-1":             {searchResource, ask(alice, read, records, ""), []string{"record-1", "record-2"}},
		"c-4-3-2":             {searchResource, ask(alice, read, records, context), []string{"record-1", "record-2"}},
		"c-4-3-3":             {searchResource, ask(alice, read, record1, ""), []string{"record-1", "record-2"}},
		"c-4-3-4":             {searchResource, ask(admin, write, records, ""), []string{"record-2"}},
		"c-4-4-1":             {searchAction, ask(alice, "", record1, ""), []string{"read", "write"}},
		"c-4-4-2":             {searchAction, ask(alice, "", record1, context), []string{"read", "write"}},
		"c-4-4-3":             {searchAction, ask(admin, "", archived, ""), []string{"read", "write"}},
		"c-4-6-1 resources":   {searchResource, ask(stranger, read, records, ""), []string{}},
		"c-4-6-1 actions":     {searchAction, ask(stranger, "", record1, ""), []string{}},
		"c-4-6-1 subjects":    {searchSubject, ask(users, write, `{"type":"record","id":"nonexistent"}`, ""), []string{"alice"}},
		"c-4-6-1 an action":   {searchSubject, ask(users, `{"name":"nonexistent"}`, record1, ""), []string{}},
		"c-4-6-2 subjects":    {searchSubject, ask(ship, read, record1, ""), []string{}},
		"c-4-6-2 resources":   {searchResource, ask(alice, read, ship, ""), []string{}},
		"c-4-6-2 actions":     {searchAction, ask(alice, "", ship, ""), []string{}},
		"an action is unread": {searchAction, ask(alice, read, record1, ""), []string{"read", "write"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, got := r.search(t, tt.path, tt.body)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("results (-want +got):\n%s", diff)
			}
		})
	}
}

// TestCertificationSearchAgrees: each result evaluates to true.
func TestCertificationSearchAgrees(t *testing.T) {
	r := serve(t, policyOf(t, certification))
	for _, action := range []string{"read", "write", "delete"} {
		name := item("name", `"`+action+`"`)
		for _, record := range []string{record1, record2, archived} {
			_, found := r.search(t, searchSubject, ask(users, name, record, ""))
			for _, id := range []string{"alice", "bob"} {
				var got struct{ Decision bool }
				r.post(t, "/access/v1/evaluation", ask(`{"type":"user","id":"`+id+`"}`, name, record, "")).decode(t, &got)
				if is := slices.Contains(found, id); is != got.Decision {
					t.Errorf("%s %s %s: found %v, decision %v", id, action, record, is, got.Decision)
				}
			}
		}
	}
}

func TestCertificationPages(t *testing.T) {
	r := serve(t, policyOf(t, certification))
	first, found := r.search(t, searchSubject, ask(users, read, record1, `"page":{"limit":1}`)) // c-4-5-1
	if !slices.Equal(found, []string{"alice"}) || first.Page == nil || *first.Page.NextToken == "" {
		t.Fatalf("the first page is %v and %v", found, first.Page)
	}
	second, found := r.search(t, searchSubject, ask(users, read, record1, `"page":{"token":"`+*first.Page.NextToken+`"}`)) // c-4-5-2
	if !slices.Equal(found, []string{"bob"}) || second.Page == nil || *second.Page.NextToken != "" {
		t.Errorf("the second page is %v and %v", found, second.Page)
	}
}

func TestCertificationSearchErrors(t *testing.T) {
	r := serve(t, policyOf(t, certification))
	tests := map[string]struct{ path, body, want string }{
		"c-4-7-1 subjects":              {searchSubject, ask(users, "", record1, ""), "action.name is required"},
		"c-4-7-1 resources":             {searchResource, ask("", read, records, ""), "subject.type is required"},
		"c-4-7-1 actions":               {searchAction, ask(alice, "", "", ""), "resource.type is required"},
		"c-4-7-2 subjects":              {searchSubject, ask(users, read, records, ""), "resource.id is required"},
		"c-4-7-2 resources":             {searchResource, ask(users, read, records, ""), "subject.id is required"},
		"c-4-7-2 actions":               {searchAction, ask(users, "", record1, ""), "subject.id is required"},
		"subjects without a type":       {searchSubject, ask("{}", read, record1, ""), "subject.type is required"},
		"subjects of a resource":        {searchSubject, ask(users, read, "", ""), "resource.type is required"},
		"resources without a type":      {searchResource, ask(alice, read, "{}", ""), "resource.type is required"},
		"actions without a subject":     {searchAction, ask("", "", record1, ""), "subject.type is required"},
		"actions on a type":             {searchAction, ask(alice, "", records, ""), "resource.id is required"},
		"no JSON":                       {searchAction, "{", "not JSON"},
		"no body":                       {searchAction, "", "the body is empty"},
		"a subject that is a string":    {searchSubject, ask(`"user"`, read, record1, ""), "subject: must be an object"},
		"a page that is a number":       {searchSubject, ask(users, read, record1, `"page":1`), "page: must be an object"},
		"a token that is a number":      {searchSubject, ask(users, read, record1, `"page":{"token":1}`), "page.token: must be a string"},
		"a limit that is a string":      {searchSubject, ask(users, read, record1, `"page":{"limit":"1"}`), "page.limit: must be a whole number"},
		"a limit below zero":            {searchSubject, ask(users, read, record1, `"page":{"limit":-1}`), "page.limit: must be a whole number"},
		"a limit that is no whole one":  {searchSubject, ask(users, read, record1, `"page":{"limit":1.5}`), "page.limit: must be a whole number"},
		"a token of nobody's":           {searchSubject, ask(users, read, record1, `"page":{"token":"YWxpY2U"}`), "page.token: is not one"},
		"a token that is no text":       {searchSubject, ask(users, read, record1, `"page":{"token":"=="}`), "page.token: is not one"},
		"a group that is sought":        {searchSubject, ask(`{"type":"group"}`, read, record1, ""), "is a reserved type"},
		"subjects with authority":       {searchSubject, ask(`{"type":"user","properties":{"groups":["a"]}}`, read, record1, ""), "subject.properties.groups: gives authority"},
		"subjects with a token":         {searchSubject, ask(`{"type":"user","properties":{"session_jwt":"a"}}`, read, record1, ""), "subject.properties.session_jwt: gives authority"},
		"a scope that is none":          {searchSubject, ask(users, read, record1, `"context":{"scope":"a//b"}`), "context.scope"},
		"a scope of a template":         {searchSubject, ask(users, read, record1, `"context":{"scope":""}`), "context.scope"},
		"what the subject cannot state": {searchAction, ask(`{"type":"user","id":"a","properties":{"groups":["*"]}}`, "", record1, ""), "subject.properties.groups[0]"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r.post(t, tt.path, tt.body).refusal(t, http.StatusBadRequest, tt.want)
		})
	}
}

// TestCertificationHeaders: c-2-5 and c-5 for every endpoint, whether it answers or
// refuses.
func TestCertificationHeaders(t *testing.T) {
	r := serve(t, policyOf(t, certification))
	for _, path := range []string{"/access/v1/evaluation", "/access/v1/evaluations", searchSubject, searchResource, searchAction} {
		for _, body := range []string{ask(alice, read, record1, `"foo":{"a":1}`), "{"} {
			for _, id := range []string{"bfe9eb29-ab87-4ca3-be83-a1d5d8305716", ""} {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url+path, strings.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("Content-Type", "application/json")
				if id != "" {
					req.Header.Set("X-Request-ID", id)
				}
				a := send(t, req)
				if got := a.header.Get("X-Request-ID"); got == "" || (id != "" && got != id) {
					t.Errorf("%s: X-Request-ID %q, want %q", path, got, id)
				}
				if got := a.header.Get("Content-Type"); got != "application/json" || (a.status == http.StatusOK) != (body != "{") {
					t.Errorf("%s: answer %d of %s: %s", path, a.status, got, a.body)
				}
			}
		}
	}
}
