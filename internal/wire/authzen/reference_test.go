// SPDX-License-Identifier: Apache-2.0

package authzen_test

import (
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/wire/authzen"
	"github.com/rolecall/rolecall/internal/wire/ijson"
)

// The shape of a request, for a decoder that goes by types.
type (
	entityShape struct {
		Type       string `json:"type"`
		ID         string `json:"id"`
		Properties object `json:"properties"`
	}
	actionShape struct {
		Name       string `json:"name"`
		Properties object `json:"properties"`
	}
	evaluationShape struct {
		Subject  *entityShape `json:"subject"`
		Action   *actionShape `json:"action"`
		Resource *entityShape `json:"resource"`
		Context  object       `json:"context"`
	}
)

// FuzzReference: a strict decoder that is told the shape of a request takes and
// refuses the same bodies, and reads the same members. The faults that it does not
// look for are those of the members with a meaning of their own, which both find
// in what they have read.
func FuzzReference(f *testing.F) {
	for _, seed := range seeds() {
		f.Add([]byte(seed))
	}
	var decoder authzen.Decoder // one for all, so that each would find what another left
	f.Fuzz(func(t *testing.T, body []byte) {
		var want evaluationShape
		wantErr := json.Unmarshal(body, &want)
		var r authz.Request
		_, err := decoder.Evaluation(body, &r)
		if wantErr != nil {
			if err == nil {
				t.Fatalf("taken, and should be refused: %v", wantErr)
			}
			return
		}
		if err != nil {
			if deep(body) || want.faulty() {
				return
			}
			t.Fatalf("refused, and should be taken: %v", err)
		}
		if diff := cmp.Diff(want.parts(), partsOf(&r)); diff != "" {
			t.Errorf("members (-want +got):\n%s", diff)
		}
	})
}

// deep reports whether a body nests too deep.
func deep(body []byte) bool {
	var s ijson.Scanner
	s.Reset(string(body))
	s.Skip()
	fault, _ := s.End().(*ijson.Error) //nolint:errorlint // it is not wrapped
	return fault != nil && fault.Kind == ijson.Depth
}

// faulty reports whether a member has a meaning that it does not fit: no id beside
// a type, or what setScope and setAuthority refuse.
func (e *evaluationShape) faulty() bool {
	if e.Resource != nil && e.Resource.Type != "" && e.Resource.ID == "" {
		return true // absent, maybe
	}
	if scope := e.Context["scope"]; scope != nil {
		if text, _ := scope.(string); text == "" {
			return true
		}
	}
	if e.Subject == nil {
		return false
	}
	for _, name := range []string{"roles", "groups", "email", "email_verified", "sso_connections", "sso_groups", "session_jwt", "session_token"} {
		if e.Subject.Properties[name] != nil {
			return true // maybe
		}
	}
	return false
}

// parts are the members as partsOf has them.
func (e *evaluationShape) parts() object {
	var r authz.Request
	if s := e.Subject; s != nil {
		delete(s.Properties, "session_jwt") // null, at most
		delete(s.Properties, "session_token")
		r.Subject = authz.Subject{Type: s.Type, ID: s.ID, Properties: s.Properties}
	}
	if a := e.Action; a != nil {
		r.Action = authz.Action{Name: a.Name, Properties: a.Properties}
	}
	if o := e.Resource; o != nil {
		r.Resource = authz.Resource{Type: o.Type, ID: o.ID, Properties: o.Properties}
	}
	r.Context = e.Context
	return partsOf(&r)
}
