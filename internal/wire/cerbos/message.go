// SPDX-License-Identifier: Apache-2.0

package cerbos

import (
	"errors"
	"fmt"
	"math"

	"google.golang.org/protobuf/types/known/structpb"

	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/wire/cerbos/cerbospb"
	"github.com/rolecall/rolecall/internal/wire/ijson"
)

// FromMessage returns the request that a message asks. Attributes that JSON could not
// say are a *door.Error with the status 400.
func FromMessage(in *cerbospb.CheckResourcesRequest) (*Request, error) {
	r := &Request{ID: in.GetRequestId(), IncludeMeta: in.GetIncludeMeta(), Tokens: len(in.GetAuxData().GetJwts()) > 0}
	if jwt := in.GetAuxData().GetJwt(); jwt != nil {
		r.Token = &Token{Text: jwt.GetToken(), KeySetID: jwt.GetKeySetId()}
	}
	if p := in.GetPrincipal(); p != nil {
		attr, err := attributes(p.GetAttr(), principalDepth)
		if err != nil {
			return nil, door.BadRequest("principal.attr." + err.Error())
		}
		r.Principal = &Principal{ID: p.GetId(), PolicyVersion: p.GetPolicyVersion(), Scope: p.GetScope(), Roles: p.GetRoles(), Attributes: attr}
	}
	r.Entries = make([]Entry, len(in.GetResources()))
	for i, entry := range in.GetResources() {
		e := &r.Entries[i]
		e.Actions = entry.GetActions()
		if of := entry.GetResource(); of != nil {
			attr, err := attributes(of.GetAttr(), resourceDepth)
			if err != nil {
				return nil, door.BadRequest(fmt.Sprintf("resources[%d].resource.attr.%v", i, err))
			}
			e.Resource = &Resource{Kind: of.GetKind(), PolicyVersion: of.GetPolicyVersion(), ID: of.GetId(), Scope: of.GetScope(), Attributes: attr}
		}
	}
	return r, nil
}

// How deep within the JSON of a request attr stands: a message may nest as deep as
// its JSON may.
const (
	principalDepth = 3 // the request, principal, attr
	resourceDepth  = 5 // the request, resources, an entry, resource, attr
)

// attributes are attr as the properties that conditions see.
func attributes(attr map[string]*structpb.Value, depth int) (map[string]any, error) {
	if len(attr) == 0 {
		return nil, nil
	}
	properties := make(map[string]any, len(attr))
	for name, v := range attr {
		value, err := attribute(v, depth)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		properties[name] = value
	}
	return properties, nil
}

// attribute is a value as of encoding/json, below depth objects and lists.
func attribute(v *structpb.Value, depth int) (any, error) {
	switch kind := v.GetKind().(type) {
	case *structpb.Value_StringValue:
		return kind.StringValue, nil
	case *structpb.Value_BoolValue:
		return kind.BoolValue, nil
	case *structpb.Value_NumberValue:
		if math.IsNaN(kind.NumberValue) || math.IsInf(kind.NumberValue, 0) {
			return nil, errors.New("must be a finite number")
		}
		return kind.NumberValue, nil
	case *structpb.Value_ListValue:
		return list(kind.ListValue.GetValues(), depth+1)
	case *structpb.Value_StructValue:
		return object(kind.StructValue.GetFields(), depth+1)
	default: // null, or a value of no kind
		return nil, nil
	}
}

func list(values []*structpb.Value, depth int) (any, error) {
	if depth > ijson.MaxDepth {
		return nil, errTooDeep
	}
	l := make([]any, len(values))
	for i, v := range values {
		var err error
		if l[i], err = attribute(v, depth); err != nil {
			return nil, err
		}
	}
	return l, nil
}

func object(members map[string]*structpb.Value, depth int) (any, error) {
	if depth > ijson.MaxDepth {
		return nil, errTooDeep
	}
	o := make(map[string]any, len(members))
	for name, v := range members {
		var err error
		if o[name], err = attribute(v, depth); err != nil {
			return nil, err
		}
	}
	return o, nil
}

var errTooDeep = fmt.Errorf("makes the request nest objects and arrays deeper than %d", ijson.MaxDepth)

// Message returns the response as a message.
func (r *Response) Message() *cerbospb.CheckResourcesResponse {
	out := &cerbospb.CheckResourcesResponse{
		RequestId: r.RequestID, CerbosCallId: r.CallID, Results: make([]*cerbospb.CheckResourcesResponse_Result, len(r.Results)),
	}
	for i := range r.Results {
		out.Results[i] = r.Results[i].message()
	}
	return out
}

func (r *Result) message() *cerbospb.CheckResourcesResponse_Result {
	out := &cerbospb.CheckResourcesResponse_Result{
		Resource: &cerbospb.CheckResourcesResponse_Subject{
			Id: r.Resource.ID, Kind: r.Resource.Kind, PolicyVersion: r.Resource.PolicyVersion, Scope: r.Resource.Scope,
		},
		Actions: make(map[string]cerbospb.Effect, len(r.Effects)),
	}
	if r.Meta {
		out.Meta = &cerbospb.CheckResourcesResponse_Meta{Actions: make(map[string]*cerbospb.CheckResourcesResponse_Match, len(r.Effects))}
	}
	for _, e := range r.Effects {
		out.Actions[e.Action] = cerbospb.Effect_EFFECT_DENY
		if e.Allowed {
			out.Actions[e.Action] = cerbospb.Effect_EFFECT_ALLOW
		}
		if r.Meta {
			out.Meta.Actions[e.Action] = &cerbospb.CheckResourcesResponse_Match{MatchedPolicy: e.Policy}
		}
	}
	return out
}
