// SPDX-License-Identifier: Apache-2.0

package authzen_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/wire/authzen"
)

type object = map[string]any

func TestDecodeEvaluation(t *testing.T) {
	tests := map[string]struct {
		body string
		want authz.Request
	}{
		"subject, action, resource": {
			body: `{"subject":{"type":"user","id":"alice"},"action":{"name":"read"},"resource":{"type":"doc","id":"1"}}`,
			want: authz.Request{
				Subject:  authz.Subject{Type: "user", ID: "alice"},
				Action:   authz.Action{Name: "read"},
				Resource: authz.Resource{Type: "doc", ID: "1"},
			},
		},
		"properties and context are free values": {
			body: `{"subject":{"properties":{"a":[1,"x",null,true,{"b":-2.5e3}]}},` +
				`"action":{"properties":{"soft":true}},"resource":{"properties":{"size":1}},"context":{"ip":"::1"}}`,
			want: authz.Request{
				Subject: authz.Subject{Properties: object{
					"a": []any{1.0, "x", nil, true, object{"b": -2500.0}},
				}},
				Action:   authz.Action{Properties: object{"soft": true}},
				Resource: authz.Resource{Properties: object{"size": 1.0}},
				Context:  object{"ip": "::1"},
			},
		},
		"the scope is taken from the context and stays there": {
			body: `{"context":{"scope":"org:acme/team:web"}}`,
			want: authz.Request{Scope: "org:acme/team:web", Context: object{"scope": "org:acme/team:web"}},
		},
		"a null scope is no scope": {
			body: `{"context":{"scope":null}}`,
			want: authz.Request{Context: object{"scope": nil}},
		},
		"null stands for absent": {
			body: `{"subject":{"type":"user","id":null,"properties":null},"action":null,"resource":null,"context":null}`,
			want: authz.Request{Subject: authz.Subject{Type: "user"}},
		},
		"unknown members are ignored, wherever they stand": {
			body: `{"foo":1,"subject":{"type":"user","bar":{}},"evaluations":[1],"options":"x"}`,
			want: authz.Request{Subject: authz.Subject{Type: "user"}},
		},
		"member names are spelled exactly": {
			body: `{"Subject":{"type":"user"},"action":{"Name":"read"}}`,
			want: authz.Request{},
		},
		"what gives authority is taken from the subject's properties and stays there": {
			body: `{"subject":{"properties":{"roles":["r"],"groups":["g","h"],"email":"a@b","email_verified":true,` +
				`"sso_connections":["c"],"sso_groups":[{"connection":"c","id":"i","more":1}]}}}`,
			want: authz.Request{Subject: authz.Subject{
				Roles: []string{"r"}, Groups: []string{"g", "h"},
				Email: "a@b", EmailVerified: true,
				SSOConnections: []string{"c"}, SSOGroups: []authz.SSOGroup{{Connection: "c", ID: "i"}},
				Properties: object{
					"roles": []any{"r"}, "groups": []any{"g", "h"}, "email": "a@b", "email_verified": true,
					"sso_connections": []any{"c"},
					"sso_groups":      []any{object{"connection": "c", "id": "i", "more": 1.0}},
				},
			}},
		},
		"null gives no authority": {
			body: `{"subject":{"properties":{"roles":null,"groups":null,"email":null,"email_verified":null,` +
				`"sso_connections":null,"sso_groups":null}}}`,
			want: authz.Request{Subject: authz.Subject{Properties: object{
				"roles": nil, "groups": nil, "email": nil, "email_verified": nil, "sso_connections": nil, "sso_groups": nil,
			}}},
		},
		"empty lists give no authority": {
			body: `{"subject":{"properties":{"roles":[],"sso_groups":[]}}}`,
			want: authz.Request{Subject: authz.Subject{Properties: object{"roles": []any{}, "sso_groups": []any{}}}},
		},
		"the names have no meaning in a resource": {
			body: `{"resource":{"properties":{"roles":1,"email":2}}}`,
			want: authz.Request{Resource: authz.Resource{Properties: object{"roles": 1.0, "email": 2.0}}},
		},
		"white space and escapes": {
			body: " {\n\"\\u0073ubject\" : {\"id\":\"\\ud83d\\ude00\\u0000\"} }\t",
			want: authz.Request{Subject: authz.Subject{ID: "😀\x00"}},
		},
		"as deep as it may be": {
			body: `{"x":` + strings.Repeat("[", 63) + `"[[[\"[[["` + strings.Repeat("]", 63) + `}`,
			want: authz.Request{},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := authz.Request{Scope: "left over", Context: object{"left": "over"}}
			if _, err := new(authzen.Decoder).Evaluation([]byte(tt.body), &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}

// refused is what neither decoder takes, and what the message says of it.
func refused() map[string]struct{ body, want string } {
	return map[string]struct{ body, want string }{
		"an empty body":              {"", "the body is empty"},
		"white space":                {" \n", "not JSON"},
		"half an object":             {`{"subject":`, "not JSON: byte 11"},
		"text after the object":      {`{}x`, "not JSON: byte 2"},
		"two objects":                {`{}{}`, "not JSON"},
		"JavaScript":                 {`{subject:1}`, "not JSON"},
		"an array":                   {`[]`, "the body must be an object"},
		"a string":                   {`"x"`, "the body must be an object"},
		"a repeated member":          {`{"action":{},"action":{}}`, "action: is there twice"},
		"a repeated inner member":    {`{"subject":{"id":"a","id":"b"}}`, "subject.id: is there twice"},
		"a repeated free member":     {`{"context":{"a":[{"b":1,"b":2}]}}`, "context.a[0].b: is there twice"},
		"a repeated unknown member":  {`{"foo":{"b":1,"b":2}}`, "foo.b: is there twice"},
		"a repeated escaped member":  {`{"context":{"a":1,"\u0061":2}}`, "context.a: is there twice"},
		"invalid UTF-8":              {"{\"subject\":{\"id\":\"\xff\"}}", "invalid UTF-8"},
		"invalid UTF-8 nobody reads": {"{\"foo\":\"\xff\"}", "invalid UTF-8"},
		"half a surrogate pair":      {`{"subject":{"id":"\ud83d"}}`, "surrogate"},
		"a byte order mark":          {"\xef\xbb\xbf{}", "not JSON"},
		"a subject that is a string": {`{"subject":"alice"}`, "subject: must be an object"},
		"an id that is a number":     {`{"subject":{"id":1}}`, "subject.id: must be a string"},
		"a name that is a number":    {`{"action":{"name":123}}`, "action.name: must be a string"},
		"a type that is a list":      {`{"resource":{"type":[]}}`, "resource.type: must be a string"},
		"properties of no object":    {`{"resource":{"properties":[]}}`, "resource.properties: must be an object"},
		"a context of no object":     {`{"context":"x"}`, "context: must be an object"},
		"a scope that is no string":  {`{"context":{"scope":1}}`, "context.scope: must be a string"},
		"an empty scope":             {`{"context":{"scope":""}}`, "context.scope: must not be empty"},
		"roles that are no list":     {`{"subject":{"properties":{"roles":"admin"}}}`, "subject.properties.roles: must be an array"},
		"a group that is no string":  {`{"subject":{"properties":{"groups":["a",1]}}}`, "subject.properties.groups[1]: must be a string"},
		"a group that is null":       {`{"subject":{"properties":{"groups":[null]}}}`, "subject.properties.groups[0]: must be a string"},
		"an email that is a list":    {`{"subject":{"properties":{"email":["a@b"]}}}`, "subject.properties.email: must be a string"},
		"verified by a string":       {`{"subject":{"properties":{"email_verified":"true"}}}`, "subject.properties.email_verified: must be true or false"},
		"a connection of no string":  {`{"subject":{"properties":{"sso_connections":[{}]}}}`, "subject.properties.sso_connections[0]: must be a string"},
		"an SSO group of no object":  {`{"subject":{"properties":{"sso_groups":["g"]}}}`, "subject.properties.sso_groups[0]: must be an object"},
		"an SSO group's bad member": {
			`{"subject":{"properties":{"sso_groups":[{"connection":"c","id":"i"},{"connection":1}]}}}`,
			"subject.properties.sso_groups[1].connection: must be a string",
		},
		"a number beyond doubles": {`{"context":{"n":1e999}}`, "context.n: 1e999 is not a number that a double can hold"},
		"a bomb of arrays":        {`{"x":` + strings.Repeat("[", 500_000), "nests"},
		"a bomb of objects":       {strings.Repeat(`{"a":`, 100_000), "nests"},
		"one level too deep":      {`{"x":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `}`, "nests"},
	}
}

func TestDecodersRefuse(t *testing.T) {
	decoders := map[string]func([]byte) error{
		"evaluation":  func(b []byte) error { _, err := new(authzen.Decoder).Evaluation(b, &authz.Request{}); return err },
		"evaluations": func(b []byte) error { _, err := new(authzen.Decoder).Evaluations(b, 10); return err },
	}
	for decoder, decode := range decoders {
		for name, tt := range refused() {
			t.Run(decoder+" refuses "+name, func(t *testing.T) {
				wantRefusal(t, decode([]byte(tt.body)), tt.want)
			})
		}
	}
}

func wantRefusal(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil {
		t.Fatal("it was taken")
	}
	status, message := door.Answer(err)
	if status != http.StatusBadRequest || !strings.Contains(message, want) {
		t.Errorf("refused with %d %q, want %d with %q", status, message, http.StatusBadRequest, want)
	}
}

func TestDecodeEvaluationsRefuses(t *testing.T) {
	tests := map[string]struct{ body, want string }{
		"evaluations that are no array":  {`{"evaluations":{}}`, "evaluations: must be an array"},
		"more evaluations than allowed":  {`{"evaluations":[{},{},{}]}`, "evaluations: 3 are more than the 2"},
		"an unknown semantic":            {`{"options":{"evaluations_semantic":"any"}}`, `options.evaluations_semantic: "any" is not one of execute_all`},
		"an empty semantic":              {`{"options":{"evaluations_semantic":""}}`, `options.evaluations_semantic: "" is not one of`},
		"a semantic of no string":        {`{"options":{"evaluations_semantic":1}}`, "options.evaluations_semantic: must be a string"},
		"options of no object":           {`{"options":[]}`, "options: must be an object"},
		"a wish for context of no truth": {`{"options":{"context":"yes"}}`, "options.context: must be true or false"},
		"a repeated member of an item":   {`{"evaluations":[{},{"action":{},"action":{}}]}`, "evaluations[1].action: is there twice"},
		"a repeated member in a free one": {
			`{"evaluations":[{"context":{"a":1,"a":2}}]}`, "evaluations[0].context.a: is there twice",
		},
		"invalid UTF-8 in an item": {"{\"evaluations\":[{\"x\":\"\xff\"}]}", "invalid UTF-8"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := new(authzen.Decoder).Evaluations([]byte(tt.body), 2)
			wantRefusal(t, err, tt.want)
		})
	}
}

func TestBatchRequest(t *testing.T) {
	const defaults = `"subject":{"type":"user","id":"alice","properties":{"groups":["g"]}},"action":{"name":"read"},` +
		`"resource":{"type":"doc","id":"1","properties":{"a":1}},"context":{"scope":"org:a","mfa":true}`
	base := authz.Request{
		Subject:  authz.Subject{Type: "user", ID: "alice", Groups: []string{"g"}, Properties: object{"groups": []any{"g"}}},
		Action:   authz.Action{Name: "read"},
		Resource: authz.Resource{Type: "doc", ID: "1", Properties: object{"a": 1.0}},
		Scope:    "org:a", Context: object{"scope": "org:a", "mfa": true},
	}
	tests := map[string]struct {
		item string
		want func(*authz.Request)
		err  string
	}{
		"an empty item is the defaults": {item: `{}`, want: func(*authz.Request) {}},
		"null members are the defaults": {
			item: `{"subject":null,"action":null,"resource":null,"context":null}`, want: func(*authz.Request) {},
		},
		"a subject replaces the default whole, with its authority": {
			item: `{"subject":{"type":"user","id":"bob"}}`,
			want: func(r *authz.Request) { r.Subject = authz.Subject{Type: "user", ID: "bob"} },
		},
		"a resource replaces the default whole": {
			item: `{"resource":{"type":"doc","id":"d1"}}`,
			want: func(r *authz.Request) { r.Resource = authz.Resource{Type: "doc", ID: "d1"} },
		},
		"an empty id is no one instance": {
			item: `{"resource":{"type":"doc","id":""}}`,
			want: func(r *authz.Request) { r.Resource = authz.Resource{Type: "doc"} },
		},
		"a resource without an id is its own fault, whatever the default's": {
			item: `{"resource":{"type":"doc"}}`, err: "resource.id is required",
		},
		"an action replaces the default whole": {
			item: `{"action":{"name":"write","properties":{"soft":true}}}`,
			want: func(r *authz.Request) {
				r.Action = authz.Action{Name: "write", Properties: object{"soft": true}}
			},
		},
		"a context without a scope keeps the default's scope": {
			item: `{"context":{"ip":"::1"}}`,
			want: func(r *authz.Request) { r.Context = object{"ip": "::1"} },
		},
		"an empty context keeps the default's scope": {
			item: `{"context":{}}`, want: func(r *authz.Request) { r.Context = object{} },
		},
		"a context with a scope replaces the default's scope": {
			item: `{"context":{"scope":"org:b"}}`,
			want: func(r *authz.Request) { r.Scope, r.Context = "org:b", object{"scope": "org:b"} },
		},
		"an empty resource is one without a type": {
			item: `{"resource":{}}`, want: func(r *authz.Request) { r.Resource = authz.Resource{} },
		},
		"an item that is no object is its own fault": {item: `7`, err: "must be an object"},
		"a subject of no object is its own fault":    {item: `{"subject":"bob"}`, err: "subject: must be an object"},
		"bad authority is its own fault": {
			item: `{"subject":{"properties":{"groups":"g"}}}`, err: "subject.properties.groups: must be an array",
		},
		"an empty scope is its own fault": {item: `{"context":{"scope":""}}`, err: "context.scope: must not be empty"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b, err := new(authzen.Decoder).Evaluations([]byte(`{`+defaults+`,"evaluations":[{"action":{"name":"x"}},`+tt.item+`]}`), 2)
			if err != nil {
				t.Fatal(err)
			}
			var got authz.Request
			_, err = b.Request(1, &got)
			if tt.err != "" {
				wantRefusal(t, err, tt.err)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want := base
			tt.want(&want)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
			if _, err := b.Defaults(&got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(base, got); diff != "" {
				t.Errorf("defaults after an item was asked for (-want +got):\n%s", diff)
			}
		})
	}
}

func TestBatchOptions(t *testing.T) {
	tests := map[string]struct {
		body string
		want authzen.Batch
	}{
		"without options":        {`{}`, authzen.Batch{Semantic: authzen.ExecuteAll}},
		"null options":           {`{"options":null}`, authzen.Batch{Semantic: authzen.ExecuteAll}},
		"null in options":        {`{"options":{"evaluations_semantic":null,"context":null}}`, authzen.Batch{Semantic: authzen.ExecuteAll}},
		"other options":          {`{"options":{"other":1}}`, authzen.Batch{Semantic: authzen.ExecuteAll}},
		"the answers' context":   {`{"options":{"context":true}}`, authzen.Batch{Semantic: authzen.ExecuteAll, WithContext: true}},
		"execute_all":            {`{"options":{"evaluations_semantic":"execute_all"}}`, authzen.Batch{Semantic: authzen.ExecuteAll}},
		"deny_on_first_deny":     {`{"options":{"evaluations_semantic":"deny_on_first_deny"}}`, authzen.Batch{Semantic: authzen.DenyOnFirstDeny}},
		"permit_on_first_permit": {`{"options":{"evaluations_semantic":"permit_on_first_permit"}}`, authzen.Batch{Semantic: authzen.PermitOnFirstPermit}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b, err := new(authzen.Decoder).Evaluations([]byte(tt.body), 1)
			if err != nil {
				t.Fatal(err)
			}
			if b.Len() != 0 || b.Semantic != tt.want.Semantic || b.WithContext != tt.want.WithContext {
				t.Errorf("%d items, semantic %q, context %t; want none, %q, %t",
					b.Len(), b.Semantic, b.WithContext, tt.want.Semantic, tt.want.WithContext)
			}
		})
	}
}

// TestADefaultWithoutIDIsTheFaultOfItsUsers shows that a default is judged only
// where it is used.
func TestADefaultWithoutIDIsTheFaultOfItsUsers(t *testing.T) {
	b, err := new(authzen.Decoder).Evaluations([]byte(`{"resource":{"type":"doc"},"evaluations":[{},{"resource":{"type":"doc","id":"1"}}]}`), 2)
	if err != nil {
		t.Fatal(err)
	}
	var r authz.Request
	_, err = b.Request(0, &r)
	wantRefusal(t, err, "resource.id is required")
	if _, err := b.Request(1, &r); err != nil {
		t.Errorf("an item with a resource of its own: %v", err)
	}
	_, err = b.Defaults(&r)
	wantRefusal(t, err, "resource.id is required")
}
