// SPDX-License-Identifier: Apache-2.0

package authzen_test

import (
	"encoding/json"
	"errors"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/testkit"
	"github.com/rolecall/rolecall/internal/wire/authzen"
)

// FuzzEvaluation: whatever is taken says the same to encoding/json, and the same
// again after it was encoded.
func FuzzEvaluation(f *testing.F) {
	for _, seed := range seeds() {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var r authz.Request
		proof, err := new(authzen.Decoder).Evaluation(body, &r)
		if err != nil {
			return
		}
		plain := plainly(t, body)
		if plain == nil {
			return
		}
		if want := plainProof(plain); proof != want {
			t.Errorf("proof %+v, want %+v", proof, want)
		}
		if diff := cmp.Diff(parts(plain), partsOf(&r), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("encoding/json reads it differently (-theirs +ours):\n%s", diff)
		}
		free(&r)
		encoded, err := testkit.AuthZEN(&r)
		if err != nil {
			t.Fatal(err)
		}
		var again authz.Request
		if _, err := new(authzen.Decoder).Evaluation(encoded, &again); err != nil {
			t.Fatalf("what was encoded as %s is refused: %v", encoded, err)
		}
		free(&again)
		if diff := cmp.Diff(r, again, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("encoded as %s it means something else (-before +after):\n%s", encoded, diff)
		}
	})
}

// FuzzEvaluations: an item means what a single evaluation would mean that was
// put together from the defaults and the item.
func FuzzEvaluations(f *testing.F) {
	for _, seed := range seeds() {
		f.Add([]byte(seed))
		f.Add([]byte(`{"context":{"scope":"a"},"evaluations":[` + seed + `,{"context":{}},7]}`))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		batch, err := new(authzen.Decoder).Evaluations(body, 16)
		if err != nil {
			return
		}
		plain := plainly(t, body)
		items, _ := plain["evaluations"].([]any)
		if plain != nil && len(items) != batch.Len() {
			t.Fatalf("%d items, want %d", batch.Len(), len(items))
		}
		for i := range items {
			sameItem(t, batch, i, plain, items[i])
		}
	})
}

// plainly decodes a body with encoding/json. It returns nil if that knows a
// number that no double can hold: where nobody reads it, it is not our fault.
func plainly(t *testing.T, body []byte) object {
	t.Helper()
	plain := object{}
	err := json.Unmarshal(body, &plain)
	if _, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return nil
	}
	if err != nil {
		t.Fatalf("encoding/json refuses what was taken: %v", err)
	}
	if plain == nil { // the body is null
		plain = object{}
	}
	return plain
}

func sameItem(t *testing.T, batch *authzen.Batch, i int, defaults object, item any) {
	t.Helper()
	var got authz.Request
	gotProof, gotErr := batch.Request(i, &got)
	want, wantProof, wantErr := merged(t, defaults, item)
	if (gotErr == nil) != (wantErr == nil) {
		t.Fatalf("item %d: error %v, want %v", i, gotErr, wantErr)
	}
	if gotProof.Shared = false; gotErr == nil && gotProof != wantProof {
		t.Errorf("item %d: proof %+v, want %+v", i, gotProof, wantProof)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); gotErr == nil && diff != "" {
		t.Errorf("item %d (-merged by hand +got):\n%s", i, diff)
	}
}

// merged decodes a single evaluation made of an item and the defaults that it
// does not replace.
func merged(t *testing.T, defaults object, item any) (authz.Request, authzen.Proof, error) {
	t.Helper()
	var r authz.Request
	own, isObject := item.(object)
	if !isObject && item != nil {
		proof, err := new(authzen.Decoder).Evaluation([]byte("7"), &r)
		return r, proof, err
	}
	all := maps.Clone(defaults)
	for _, name := range []string{"subject", "action", "resource", "context"} {
		if own[name] != nil {
			all[name] = own[name]
		}
	}
	body, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	proof, err := new(authzen.Decoder).Evaluation(body, &r)
	if fallback, ok := member(defaults, "context")["scope"].(string); ok && r.Scope == "" {
		r.Scope = fallback
	}
	return r, proof, err
}

// plainProof takes the token out of a body.
func plainProof(body object) authzen.Proof {
	properties := member(member(body, "subject"), "properties")
	jwt, _ := properties["session_jwt"].(string)
	opaque, _ := properties["session_token"].(string)
	delete(properties, "session_jwt")
	delete(properties, "session_token")
	return authzen.Proof{JWT: jwt, Opaque: opaque}
}

func seeds() []string {
	all := []string{
		`{"subject":{"type":"user","id":"alice","properties":{"roles":["r"],"groups":["g"],"email":"a@b",` +
			`"email_verified":true,"sso_connections":["c"],"sso_groups":[{"connection":"c","id":"i"}],"x":[1,{"y":null}]}},` +
			`"action":{"name":"read","properties":{"soft":true}},"resource":{"type":"doc","id":"1","properties":{"n":1e-7}},` +
			`"context":{"scope":"org:a/team:b","ip":"::1"},"options":{"evaluations_semantic":"deny_on_first_deny","context":true}}`,
		`{"subject":{"properties":{"session_jwt":"a.b.c","session_token":null,"x":1}}}`,
		`{"subject":{"type":"user","id":"a","properties":{"session_token":"t"}},"evaluations":[{},{"subject":{"id":"b"}},{"subject":{"properties":{"session_jwt":"j"}}}]}`,
		`{}`, `null`, `{"evaluations":[]}`, `{"evaluations":[null,{"subject":null}]}`,
		`{"subject":{"type":"user","id":"a\u0000\ud83d\ude00"},"evaluations":[{"action":{"name":"x"}},{"resource":{}}]}`,
	}
	for _, tt := range refused() {
		if len(tt.body) < 1<<10 {
			all = append(all, tt.body)
		}
	}
	return all
}

// parts are the members of a body that have a meaning, as values of encoding/json.
func parts(body object) object {
	subject, action, resource := member(body, "subject"), member(body, "action"), member(body, "resource")
	return object{
		"subject": present(subject, "type", "id", "properties"), "action": present(action, "name", "properties"),
		"resource": present(resource, "type", "id", "properties"), "context": member(body, "context"),
	}
}

// partsOf is parts of what was decoded.
func partsOf(r *authz.Request) object {
	return object{
		"subject":  object{"type": r.Subject.Type, "id": r.Subject.ID, "properties": r.Subject.Properties},
		"action":   object{"name": r.Action.Name, "properties": r.Action.Properties},
		"resource": object{"type": r.Resource.Type, "id": r.Resource.ID, "properties": r.Resource.Properties},
		"context":  r.Context,
	}
}

func member(o object, name string) object {
	m, _ := o[name].(object)
	return m
}

func present(o object, names ...string) object {
	out := object{}
	for _, name := range names {
		if name == "properties" {
			out[name] = member(o, name)
			continue
		}
		s, _ := o[name].(string)
		out[name] = s
	}
	return out
}

// free takes the members out of the free objects that have a meaning: they stand
// in fields of their own.
func free(r *authz.Request) {
	r.Subject.Properties, r.Context = maps.Clone(r.Subject.Properties), maps.Clone(r.Context)
	delete(r.Context, "scope")
	for _, name := range []string{"roles", "groups", "email", "email_verified", "sso_connections", "sso_groups"} {
		delete(r.Subject.Properties, name)
	}
}
