// SPDX-License-Identifier: Apache-2.0

package cerbos_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/wire/cerbos"
	"github.com/rolecall/rolecall/internal/wire/cerbos/cerbospb"
)

// listener is a policy that denies, and remembers what it was asked.
type listener struct {
	door.Anyone
	meter
	asked []authz.Request
}

func (l *listener) Checker() (authz.Checker, error) { return l, nil }
func (*listener) Revision() string                  { return "r" }
func (l *listener) Check(r *authz.Request, d *authz.Decision) error {
	l.asked = append(l.asked, *r)
	d.Reset()
	return r.Validate()
}

// ask puts a message to a door, and returns what the policy is asked.
func ask(tb testing.TB, in *cerbospb.CheckResourcesRequest) ([]authz.Request, *cerbospb.CheckResourcesResponse, error) {
	tb.Helper()
	l := &listener{}
	d := cerbos.New(cerbos.Options{
		Asker:            door.Asker{Gate: l, Provider: l, Now: func() time.Time { return time.Unix(1, 0) }, Meter: l},
		DefaultNamespace: "default", MaxActionsPerResource: 50, MaxResourcesPerRequest: 50,
	})
	out, err := call(tb, d, in)
	return l.asked, out, err
}

// FuzzCheckResources: the JSON of a request is what the library of protocol buffers
// takes for it, and says the same; every action that is asked about is answered, and
// nothing is allowed that the policy has not allowed.
func FuzzCheckResources(f *testing.F) {
	f.Add([]byte(request(john, entry, `,"includeMeta":true,"requestContext":{"annotations":{"a":[1]}}`)))
	f.Add([]byte(request(`{"id":"a\u0000\ud83d\ude00","roles":["r"],"attr":{"n":1e-7,"l":[null,{"y":true}],"nan":"NaN"}}`, entry+","+entry, "")))
	f.Add([]byte(request(`{"id":null,"roles":null,"attr":null,"policy_version":null}`, `null,{"actions":[null]}`, `,"auxData":{"jwts":{"a":null},"jwt":{"keySetId":"k"}}`)))
	for _, tt := range refusals() {
		if len(tt.body) < 1<<10 {
			f.Add([]byte(tt.body))
		}
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var d cerbos.Decoder
		in, err := d.Request(body)
		message := &cerbospb.CheckResourcesRequest{}
		reference := protojson.Unmarshal(body, message)
		switch {
		case err != nil && reference != nil:
			return
		case err != nil:
			if !strings.Contains(err.Error(), "deeper than") {
				t.Fatalf("it is a message, and refused: %v", err)
			}
			return
		case reference != nil:
			if !nullish(body) {
				t.Fatalf("it is no message, and taken: %v", reference)
			}
			return
		}
		again, err := cerbos.DecodeMessage(binary(t, message))
		if diff := cmp.Diff(plain(message), in, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("the library takes it for something else (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(again, in, cmpopts.EquateEmpty()); err != nil || diff != "" {
			t.Fatalf("as a message it asks something else, error %v (-want +got):\n%s", err, diff)
		}
		if message.GetAuxData() != nil {
			return
		}
		if asked, out, err := ask(t, message); err == nil {
			sameActions(t, message, asked, out)
		}
	})
}

// nullish reports whether a text says null: the library takes that for absent where
// a field has one value, and the door everywhere. What is absent is refused later.
func nullish(body []byte) bool { return bytes.Contains(body, []byte("null")) }

// FuzzResponse: the JSON of a response is that of the library, but for blanks.
func FuzzResponse(f *testing.F) {
	f.Add("id", "kind", "1", "a.b", "read", "role.a", true, true)
	f.Add("", "", "", "", "", "", false, false)
	f.Add("\"\\", "\u2028<>&", "\x00\n", "\x7f", "é", "\U0001F600", true, false)
	f.Fuzz(func(t *testing.T, id, kind, version, scope, action, policy string, allowed, meta bool) {
		resource := &cerbos.Resource{ID: id, Kind: kind, PolicyVersion: version, Scope: scope}
		effects := []cerbos.Effect{{Action: action, Allowed: allowed, Policy: policy}, {Action: action + "2", Policy: id}}
		r := &cerbos.Response{RequestID: id, CallID: kind, Results: []cerbos.Result{
			{Resource: resource, Effects: effects, Meta: meta}, {Resource: &cerbos.Resource{}, Effects: effects[:1]},
		}}
		answer := &cerbospb.CheckResourcesResponse{}
		if proto.Unmarshal(cerbos.AppendMessage(nil, r), answer) != nil {
			return // some text is no UTF-8
		}
		for i, result := range answer.GetResults() {
			if n := len(result.GetActions()); n != len(r.Results[i].Effects) || meta && i == 0 && n != len(result.GetMeta().GetActions()) {
				t.Fatalf("the message has %d actions: %v", n, answer)
			}
		}
		want, err := protojson.Marshal(answer)
		if err != nil {
			t.Fatal(err)
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, want); err != nil {
			t.Fatal(err)
		}
		again := &cerbospb.CheckResourcesResponse{}
		got := cerbos.AppendResponse(nil, r)
		if err := protojson.Unmarshal(got, again); err != nil || !proto.Equal(again, answer) {
			t.Fatalf("the JSON\n%s\nsays another response than\n%s\nerror %v", got, compact.Bytes(), err)
		}
		if len(got) != compact.Len() {
			t.Errorf("the JSON\n%s\nis not as long as\n%s", got, compact.Bytes())
		}
	})
}

// sameActions: what is asked, what the policy hears and what is answered are about
// the same.
func sameActions(t *testing.T, in *cerbospb.CheckResourcesRequest, asked []authz.Request, out *cerbospb.CheckResourcesResponse) {
	t.Helper()
	if len(out.GetResults()) != len(in.GetResources()) {
		t.Fatalf("%d results for %d resources", len(out.GetResults()), len(in.GetResources()))
	}
	for i, entry := range in.GetResources() {
		result := out.GetResults()[i]
		want := slices.Sorted(slices.Values(entry.GetActions()))
		if got := slices.Sorted(maps.Keys(result.GetActions())); !slices.Equal(got, want) {
			t.Errorf("answers about %q, want %q", got, want)
		}
		for _, action := range entry.GetActions() {
			if result.GetActions()[action] != cerbospb.Effect_EFFECT_DENY {
				t.Errorf("%q is allowed", action)
			}
			if r := asked[0]; r.Action.Name != action || r.Resource.ID != entry.GetResource().GetId() ||
				r.Subject.ID != in.GetPrincipal().GetId() || r.Subject.Type != "user" || !slices.Equal(r.Subject.Roles, in.GetPrincipal().GetRoles()) {
				t.Errorf("the policy is asked %+v for %q of %v", r, action, entry)
			}
			asked = asked[1:]
		}
	}
	if len(asked) > 0 {
		t.Errorf("the policy is asked %d times more", len(asked))
	}
}
