// SPDX-License-Identifier: Apache-2.0

package authzen_test

import (
	"maps"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/wire/authzen"
)

// searchShape is the shape of a search, for a decoder that goes by types.
type searchShape struct {
	evaluationShape
	Page *struct {
		Token string   `json:"token"`
		Limit *float64 `json:"limit"`
	} `json:"page"`
}

// FuzzSearch: what is taken as a search is what a decoder by types takes, with the
// same page; and the rest of it means what it means in an evaluation.
func FuzzSearch(f *testing.F) {
	for _, seed := range seeds() {
		f.Add([]byte(seed))
	}
	for _, page := range []string{`null`, `{}`, `{"token":"x","limit":3,"properties":{}}`, `{"limit":1e300}`, `{"limit":-1}`, `{"limit":0.5}`, `[]`} {
		f.Add([]byte(ask(alice, read, record1, `"page":`+page)))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var want searchShape
		wantErr := json.Unmarshal(body, &want)
		for sought := range authz.Actions + 1 {
			var r authz.Request
			page, proof, err := new(authzen.Decoder).Search(body, sought, &r)
			if err != nil {
				continue
			}
			if wantErr != nil {
				t.Fatalf("taken, and should be refused: %v", wantErr)
			}
			if page.Given != (want.Page != nil) || page.Limit < 0 {
				t.Fatalf("the page is %+v, want %+v", page, want.Page)
			}
			if p := want.Page; p != nil && (page.Token != p.Token || (p.Limit != nil && *p.Limit < 1<<31 && float64(page.Limit) != *p.Limit)) {
				t.Fatalf("the page is %+v, want %+v", page, p)
			}
			asEvaluation(t, body, sought, &r, proof)
		}
	})
}

// asEvaluation compares a search with the evaluation in its body, if that is one.
func asEvaluation(t *testing.T, body []byte, sought authz.Sought, r *authz.Request, proof authzen.Proof) {
	t.Helper()
	var want authz.Request
	wantProof, err := new(authzen.Decoder).Evaluation(body, &want)
	if err != nil {
		return // it may lack what is sought
	}
	switch sought {
	case authz.Subjects:
		want.Subject = authz.Subject{Type: want.Subject.Type, Properties: maps.Clone(r.Subject.Properties)}
	case authz.Resources:
		want.Resource.ID = ""
	case authz.Actions:
		want.Action = authz.Action{}
	}
	if diff := cmp.Diff(want, *r, cmpopts.EquateEmpty()); diff != "" || proof != wantProof {
		t.Errorf("sought %d, proof %+v, want %+v (-evaluation +search):\n%s", sought, proof, wantProof, diff)
	}
}

// FuzzToken: no token but that of a page is taken, and that leads on from the page.
func FuzzToken(f *testing.F) {
	r := serve(f, policyOf(f, crowded))
	first, _ := r.search(f, searchSubject, ask(users, read, page, acme+`,"page":{"limit":2}`))
	f.Add(*first.Page.NextToken)
	f.Add("")
	f.Add("YWxpY2U")
	f.Fuzz(func(t *testing.T, token string) {
		text, err := json.Marshal(token)
		if err != nil {
			return // not UTF-8
		}
		a := r.post(t, searchSubject, ask(users, read, page, acme+`,"page":{"limit":1,"token":`+string(text)+`}`))
		if fine := token == "" || token == *first.Page.NextToken; fine != (a.status == 200) || (!fine && a.status != 400) {
			t.Errorf("%q is answered with %d %s", token, a.status, a.body)
		}
	})
}
