// SPDX-License-Identifier: Apache-2.0

package cerbos_test

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
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
func ask(ctx context.Context, in *cerbospb.CheckResourcesRequest) ([]authz.Request, *cerbospb.CheckResourcesResponse, error) {
	l := &listener{}
	d := cerbos.New(cerbos.Options{
		Asker:            door.Asker{Gate: l, Provider: l, Now: func() time.Time { return time.Unix(1, 0) }, Meter: l},
		DefaultNamespace: "default", MaxActionsPerResource: 50, MaxResourcesPerRequest: 50,
	})
	out, err := d.CheckResources(ctx, in)
	return l.asked, out, err
}

// FuzzCheckResources: what is taken says the same to encoding/json, and to whom it
// comes as a protocol buffer; every action that is asked about is answered, and
// nothing is allowed that the policy has not allowed.
func FuzzCheckResources(f *testing.F) {
	f.Add([]byte(request(john, entry, `,"includeMeta":true,"requestContext":{"annotations":{"a":[1]}}`)))
	f.Add([]byte(request(`{"id":"a\u0000\ud83d\ude00","roles":["r"],"attr":{"n":1e-7,"l":[null,{"y":true}],"nan":"NaN"}}`, entry+","+entry, "")))
	for _, tt := range refusals() {
		if len(tt.body) < 1<<10 {
			f.Add([]byte(tt.body))
		}
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		in, err := cerbos.Decode(body)
		if err != nil || in.GetAuxData() != nil {
			return
		}
		asked, out, err := ask(t.Context(), in)
		if err != nil {
			return
		}
		if !json.Valid(body) {
			t.Fatal("encoding/json refuses what was taken")
		}
		sameActions(t, in, asked, out)
		binary, err := proto.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		again := &cerbospb.CheckResourcesRequest{}
		if err := proto.Unmarshal(binary, again); err != nil {
			t.Fatal(err)
		}
		askedAgain, _, err := ask(t.Context(), again)
		if diff := cmp.Diff(asked, askedAgain, cmpopts.EquateEmpty()); err != nil || diff != "" {
			t.Errorf("as a protocol buffer it asks something else, error %v (-JSON +binary):\n%s", err, diff)
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
