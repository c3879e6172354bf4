// SPDX-License-Identifier: Apache-2.0

package authzen_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The entities of the certification's scenario.
const (
	alice = `{"type":"user","id":"alice"}`
	bob   = `{"type":"user","id":"bob"}`
	admin = `{"type":"user","id":"bob","properties":{"role":"admin"}}`

	record1  = `{"type":"record","id":"record-1"}`
	record2  = `{"type":"record","id":"record-2"}`
	active   = `{"type":"record","id":"record-1","properties":{"status":"active"}}`
	archived = `{"type":"record","id":"record-2","properties":{"status":"archived"}}`

	read  = `{"name":"read"}`
	write = `{"name":"write"}`
)

// ask renders a request of members; an empty one is left out.
func ask(subject, action, resource, more string) string {
	var members []string
	for name, value := range map[string]string{"subject": subject, "action": action, "resource": resource} {
		if value != "" {
			members = append(members, `"`+name+`":`+value)
		}
	}
	if more != "" {
		members = append(members, more)
	}
	return "{" + strings.Join(members, ",") + "}"
}

func TestCertificationBasic(t *testing.T) {
	r := serve(t, policyOf(t, certification))
	tests := map[string]struct {
		body string
		want bool
	}{
		"c-2-2-1": {ask(alice, read, record1, ""), true},
		"c-2-2-2": {ask(bob, write, record1, ""), false},
		"c-2-2-3": {ask(alice, read, record1, `"context":{"time":"2026-01-01T00:00:00Z","ip":"192.0.2.1"}`), true},
		"c-2-2-4": {ask(alice, write, archived, ""), false},
		"c-2-2-5": {ask(admin, write, archived, ""), true},
		"c-2-2-6": {ask(alice, `{"name":"delete","properties":{"soft":true}}`, record1, ""), true},
		"c-2-2-7": {ask(alice, `{"name":"delete","properties":{"soft":false}}`, record1, ""), false},
		"c-2-2-8": {ask(
			`{"type":"user","id":"alice","properties":{"department":"Sales","role":"manager"}}`,
			`{"name":"read","properties":{"method":"GET"}}`,
			`{"type":"record","id":"record-1","properties":{"status":"active","owner":"bob"}}`, "",
		), true},
		"c-2-2-9":                        {ask(alice, read, record1, `"foo":1,"futureField":{"a":[]}`), true},
		"rule 2":                         {ask(alice, write, record1, ""), true},
		"rule 3":                         {ask(bob, read, record1, ""), true},
		"context never changes a result": {ask(bob, write, record1, `"context":{"role":"admin"}`), false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			first, second := r.post(t, "/access/v1/evaluation", tt.body), r.post(t, "/access/v1/evaluation", tt.body)
			var got struct {
				Decision *bool          `json:"decision"`
				Context  map[string]any `json:"context"`
			}
			first.decode(t, &got)
			if first.status != http.StatusOK || got.Decision == nil || *got.Decision != tt.want || got.Context == nil {
				t.Errorf("answer %d %s, want decision %t and a context", first.status, first.body, tt.want)
			}
			if first.body != second.body {
				t.Errorf("c-2-6: asked again, %s became %s", first.body, second.body)
			}
		})
	}
}

func TestCertificationErrors(t *testing.T) {
	r := serve(t, policyOf(t, certification))
	tests := map[string]struct{ body, want string }{
		"c-2-4-1 no subject":             {ask("", read, record1, ""), "subject.type is required"},
		"c-2-4-1 no action":              {ask(alice, "", record1, ""), "action.name is required"},
		"c-2-4-1 no resource":            {ask(alice, read, "", ""), "resource.type is required"},
		"c-2-4-2 subject without type":   {ask(`{"id":"alice"}`, read, record1, ""), "subject.type is required"},
		"c-2-4-2 subject without id":     {ask(`{"type":"user"}`, read, record1, ""), "subject.id is required"},
		"c-2-4-2 action without name":    {ask(alice, "{}", record1, ""), "action.name is required"},
		"c-2-4-2 resource without type":  {ask(alice, read, `{"id":"record-1"}`, ""), "resource.type is required"},
		"c-2-4-2 resource without id":    {ask(alice, read, `{"type":"record"}`, ""), "resource.id is required"},
		"c-2-4-4 malformed":              {`{"subject":`, "not JSON"},
		"c-2-4-5 empty":                  {"", "the body is empty"},
		"c-2-4-6 subject is a string":    {ask(`"alice"`, read, record1, ""), "subject: must be an object"},
		"c-2-4-6 action's name a number": {ask(alice, `{"name":123}`, record1, ""), "action.name: must be a string"},
	}
	for name, tt := range tests {
		for _, path := range []string{"/access/v1/evaluation", "/access/v1/evaluations"} {
			t.Run(name+path, func(t *testing.T) {
				r.post(t, path, tt.body).refusal(t, http.StatusBadRequest, tt.want)
			})
		}
	}
}

func TestCertificationContentType(t *testing.T) {
	r := serve(t, policyOf(t, certification))
	tests := map[string]struct {
		types []string
		want  int
	}{
		"application/json":                   {[]string{"application/json"}, http.StatusOK},
		"with a parameter":                   {[]string{"application/json; charset=utf-8"}, http.StatusOK},
		"in other letters":                   {[]string{"Application/JSON"}, http.StatusOK},
		"c-2-4-3 none":                       {nil, http.StatusBadRequest},
		"c-2-4-3 text":                       {[]string{"text/plain"}, http.StatusBadRequest},
		"c-2-4-3 a form":                     {[]string{"application/x-www-form-urlencoded"}, http.StatusBadRequest},
		"another JSON":                       {[]string{"application/jsonp"}, http.StatusBadRequest},
		"a malformed parameter":              {[]string{"application/json; charset"}, http.StatusBadRequest},
		"two of them, to smuggle the second": {[]string{"application/json", "text/plain"}, http.StatusBadRequest},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url+"/access/v1/evaluation",
				strings.NewReader(ask(alice, read, record1, "")))
			if err != nil {
				t.Fatal(err)
			}
			req.Header["Content-Type"] = tt.types
			a := send(t, req)
			if tt.want != http.StatusOK {
				a.refusal(t, tt.want, "must be application/json")
			} else if a.status != tt.want {
				t.Errorf("answer %d %s, want %d", a.status, a.body, tt.want)
			}
		})
	}
}

// batch renders an evaluations request.
func batch(subject, action, resource string, items ...string) string {
	return ask(subject, action, resource, `"evaluations":[`+strings.Join(items, ",")+`]`)
}

// item renders a part of a batch of one member.
func item(name, value string) string { return `{"` + name + `":` + value + `}` }

func TestCertificationBatch(t *testing.T) {
	r := serve(t, policyOf(t, certification))
	tests := map[string]struct {
		body string
		want []bool
	}{
		"c-3-2-1": {batch(alice, read, "", item("resource", record1), item("resource", record2)), []bool{true, true}},
		"c-3-2-2": {batch(bob, "", record1, item("action", read), item("action", write)), []bool{true, false}},
		"c-3-2-3": {batch(alice, write, "", item("resource", active), item("resource", archived)), []bool{true, false}},
		"c-3-2-4": {batch("", write, archived, item("subject", alice), item("subject", admin)), []bool{false, true}},
		"c-3-2-5": {batch("", "", "", ask(alice, read, record1, ""), ask(bob, write, record1, "")), []bool{true, false}},
		"c-3-2-6": {
			ask(alice, read, "", `"context":{"time":"t"},"evaluations":[`+item("resource", record1)+`,`+
				ask("", "", record2, `"context":{"time":"u"}`)+`]`), []bool{true, true},
		},
		"c-3-2-7": {batch(alice, write, active, "{}", item("resource", archived)), []bool{true, false}},
		"c-3-4-1": {
			ask(alice, read, "", `"options":{"evaluations_semantic":"execute_all"},"evaluations":[`+
				item("resource", record1)+`,{}]`), []bool{true, false},
		},
		"unused defaults may be empty": {
			ask(alice, read, "{}", `"context":{},"evaluations":[`+item("resource", record1)+`]`), []bool{true},
		},
		"nobody need be asked for twice in one order": {
			batch(bob, "", record1, item("action", write), item("action", read), item("action", write)), []bool{false, true, false},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var got struct {
				Decision    *bool `json:"decision"`
				Evaluations []struct {
					Decision *bool `json:"decision"`
				} `json:"evaluations"`
			}
			a := r.post(t, "/access/v1/evaluations", tt.body)
			a.decode(t, &got)
			decisions := []bool{}
			for _, e := range got.Evaluations {
				decisions = append(decisions, *e.Decision)
			}
			if a.status != http.StatusOK || got.Decision != nil {
				t.Errorf("answer %d %s, want 200 without a decision at the top", a.status, a.body)
			}
			if diff := cmp.Diff(tt.want, decisions); diff != "" {
				t.Errorf("decisions (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCertificationBatchOfNone(t *testing.T) {
	r := serve(t, policyOf(t, certification))
	for name, body := range map[string]string{
		"c-3-4-2": ask(alice, read, record1, ""),
		"c-3-4-3": ask(alice, read, record1, `"evaluations":[]`),
		"null":    ask(alice, read, record1, `"evaluations":null,"options":{"evaluations_semantic":"deny_on_first_deny"}`),
	} {
		t.Run(name, func(t *testing.T) {
			single, got := r.post(t, "/access/v1/evaluation", body), r.post(t, "/access/v1/evaluations", body)
			if got.status != http.StatusOK || got.body != single.body {
				t.Errorf("answer %d %s, want that of a single evaluation, %s", got.status, got.body, single.body)
			}
		})
	}
}
