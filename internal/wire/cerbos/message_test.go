// SPDX-License-Identifier: Apache-2.0

package cerbos_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/rolecall/rolecall/internal/wire/cerbos"
	"github.com/rolecall/rolecall/internal/wire/cerbos/cerbospb"
)

// plain is the request that a message asks, read by the library.
func plain(in *cerbospb.CheckResourcesRequest) *cerbos.Request {
	r := &cerbos.Request{ID: in.GetRequestId(), IncludeMeta: in.GetIncludeMeta(), Tokens: len(in.GetAuxData().GetJwts()) > 0}
	if jwt := in.GetAuxData().GetJwt(); jwt != nil {
		r.Token = &cerbos.Token{Text: jwt.GetToken(), KeySetID: jwt.GetKeySetId()}
	}
	if p := in.GetPrincipal(); p != nil {
		r.Principal = &cerbos.Principal{
			ID: p.GetId(), PolicyVersion: p.GetPolicyVersion(), Scope: p.GetScope(), Roles: p.GetRoles(), Attributes: plainMap(p.GetAttr()),
		}
	}
	for _, entry := range in.GetResources() {
		e := cerbos.Entry{Actions: entry.GetActions()}
		if of := entry.GetResource(); of != nil {
			e.Resource = &cerbos.Resource{
				Kind: of.GetKind(), PolicyVersion: of.GetPolicyVersion(), ID: of.GetId(), Scope: of.GetScope(), Attributes: plainMap(of.GetAttr()),
			}
		}
		r.Entries = append(r.Entries, e)
	}
	return r
}

func plainMap(attr map[string]*structpb.Value) map[string]any {
	if attr == nil {
		return nil
	}
	return (&structpb.Struct{Fields: attr}).AsMap()
}

// binary is the wire format of a message.
func binary(tb testing.TB, m proto.Message) string {
	tb.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		tb.Fatal(err)
	}
	return string(b)
}

// sendable is what answers messages.
type sendable interface {
	CheckResources(ctx context.Context, message string) ([]byte, error)
}

// call puts a message to a door and reads the answer by the library.
func call(tb testing.TB, d sendable, in *cerbospb.CheckResourcesRequest) (*cerbospb.CheckResourcesResponse, error) {
	tb.Helper()
	text, err := d.CheckResources(tb.Context(), binary(tb, in))
	if err != nil {
		return nil, err
	}
	out := &cerbospb.CheckResourcesResponse{}
	if err := proto.Unmarshal(text, out); err != nil {
		tb.Fatal(err)
	}
	return out, nil
}

// FuzzMessage: a message is what the library takes for it, and says the same. Only
// attributes that JSON could not say are refused.
func FuzzMessage(f *testing.F) {
	for _, body := range []string{request(john, entry, `,"includeMeta":true`), request(`{"id":"a","roles":["r"],"attr":{"l":[null,{"y":[true,1.5,"x"]}]}}`, entry, "")} {
		f.Add([]byte(binary(f, message(f, body))))
	}
	// A field of a message is there twice, and is merged; so is one of another type.
	twice := binary(f, message(f, request(john, entry, "")))
	f.Add([]byte(twice + twice))
	f.Add(protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 7))
	f.Add(append(protowire.AppendTag(nil, 9, protowire.StartGroupType), protowire.AppendTag(nil, 9, protowire.EndGroupType)...))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := cerbos.DecodeMessage(string(text))
		m := &cerbospb.CheckResourcesRequest{}
		reference := proto.Unmarshal(text, m)
		switch {
		case err != nil && reference != nil:
		case err != nil && !bytes.Contains([]byte(err.Error()), []byte(".attr")):
			t.Fatalf("it is a message, and refused: %v", err)
		case err != nil:
		case reference != nil:
			if m.GetAuxData().GetJwts() == nil && m.GetRequestContext() == nil && !unread(text) {
				t.Fatalf("it is no message, and taken: %v", reference)
			}
		default:
			if diff := cmp.Diff(plain(m), got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("it says something else (-want +got):\n%s", diff)
			}
		}
	})
}

// unread reports whether a message has fields that the door does not look into, or
// what is in them: tokens by name, what is said for an audit log.
func unread(text []byte) bool {
	for len(text) > 0 {
		number, wire, n := protowire.ConsumeTag(text)
		m := protowire.ConsumeFieldValue(number, wire, text[max(n, 0):])
		if n < 0 || m < 0 {
			return false
		}
		if number >= 5 {
			return true
		}
		text = text[n+m:]
	}
	return false
}
