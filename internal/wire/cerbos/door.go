// SPDX-License-Identifier: Apache-2.0

package cerbos

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/door"
)

// Name is the door's name in metrics.
const Name = "cerbos"

// Options are what the door needs.
type Options struct {
	// Asker is the way to the policy.
	Asker door.Asker
	// Sessions verifies the tokens of auxData.
	Sessions door.Sessions
	// DefaultNamespace is meant by requests that name none; if it is empty they
	// are 404.
	DefaultNamespace string
	// MaxActionsPerResource and MaxResourcesPerRequest bound a request.
	MaxActionsPerResource, MaxResourcesPerRequest int
	// Version is that of this server, for ServerInfo and the header cerbos-version.
	Version string
}

// Door answers Cerbos' clients. It is safe for concurrent use.
type Door struct {
	options    Options
	namespaces door.Namespaces
	// calls are the memory of requests over HTTP.
	calls sync.Pool
	// contentType and version are headers of every answer over HTTP.
	contentType, version []string
}

// New returns a door.
func New(o Options) *Door {
	return &Door{
		options: o, namespaces: door.Namespaces{Default: o.DefaultNamespace},
		calls:       sync.Pool{New: func() any { return new(call) }},
		contentType: []string{"application/json"}, version: []string{o.Version},
	}
}

// admit lets in the caller of a gRPC call; all of them are for callers that may
// check.
func (d *Door) admit(ctx context.Context) (door.Origin, error) {
	namespace, err := d.namespaces.OfCall(ctx)
	if err != nil {
		return door.Origin{}, err
	}
	o := door.CallOrigin(ctx, namespace)
	return d.options.Asker.Admit(ctx, door.CallCredentials(ctx), o, door.PermissionCheck)
}

// CheckResources answers a gRPC call, whose message is a CheckResourcesRequest, with
// the message of a CheckResourcesResponse, both in their wire format.
func (d *Door) CheckResources(ctx context.Context, message string) ([]byte, error) {
	d.header(ctx)
	o, err := d.admit(ctx)
	if err != nil {
		return nil, err
	}
	policy, err := d.options.Asker.Policy(o)
	if err != nil {
		return nil, err
	}
	request, err := DecodeMessage(message)
	if err != nil {
		policy.Refused(err)
		return nil, err
	}
	out, err := d.decide(ctx, &policy, request)
	if err != nil {
		return nil, err
	}
	return AppendMessage(make([]byte, 0, usual), out), nil
}

// usual is the length in bytes within which most answers are.
const usual = 256

// decide answers a request whose caller was let in.
func (d *Door) decide(ctx context.Context, policy *door.Policy, in *Request) (*Response, error) {
	request, err := d.read(ctx, policy.Namespace(), in)
	if err != nil {
		policy.Refused(err)
		return nil, err
	}
	out := &Response{RequestID: in.ID, CallID: rand.Text(), Results: make([]Result, len(in.Entries))}
	for i := range in.Entries {
		if err := ctx.Err(); err != nil {
			return nil, door.GivenUp(err)
		}
		out.Results[i].Meta = in.IncludeMeta
		if err := out.Results[i].check(policy, request, &in.Entries[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// read reads what holds for all entries of a request.
func (d *Door) read(ctx context.Context, namespace string, in *Request) (*authz.Request, error) {
	if err := d.validate(in); err != nil {
		return nil, err
	}
	claims, err := d.claims(ctx, namespace, in)
	if err != nil {
		return nil, err
	}
	p := in.Principal
	return &authz.Request{
		Subject: authz.Subject{Type: subjectType, ID: p.ID, Roles: p.Roles, Properties: p.Attributes},
		Claims:  claims,
	}, nil
}

// claims verifies the token of auxData and returns its claims, for conditions;
// they give no authority. A token that proves nothing is a 400 here, as clients
// expect.
func (d *Door) claims(ctx context.Context, namespace string, in *Request) (map[string]any, error) {
	switch {
	case in.Tokens:
		return nil, door.BadRequest("auxData.jwts: is not served; send one token, in auxData.jwt")
	case in.Token == nil:
		return nil, nil
	case in.Token.Text == "":
		return nil, required("auxData.jwt.token")
	}
	session, err := d.options.Sessions.JWT(ctx, namespace, in.Token.Text)
	if err != nil {
		if status, message := door.Answer(err); status == http.StatusUnauthorized {
			return nil, door.BadRequest("auxData.jwt.token: " + message)
		}
		return nil, err
	}
	if keys := in.Token.KeySetID; keys != "" && keys != session.Issuer {
		return nil, door.BadRequest(fmt.Sprintf("auxData.jwt.keySetId: %q is not the issuer of the token; leave it out, or name the issuer as its claim iss does", keys))
	}
	return session.Claims, nil
}

// check decides about the actions of one entry.
func (result *Result) check(policy *door.Policy, r *authz.Request, entry *Entry) error {
	result.Resource = entry.Resource
	result.Effects = make([]Effect, len(entry.Actions))
	r.Resource, r.Scope = entry.Resource.core(), scope(entry.Resource.Scope)
	var decision authz.Decision
	for i, action := range entry.Actions {
		r.Action.Name = action
		decision.Reset()
		if err := policy.Check(r, &decision); err != nil {
			return rename(err)
		}
		effect := &result.Effects[i]
		effect.Action, effect.Allowed = action, decision.Allowed
		if result.Meta {
			effect.Policy = match(entry.Resource.Kind, &decision)
		}
	}
	return nil
}

// rename names the field of a fault as a request does here.
func rename(err error) error {
	fault, ok := errors.AsType[*authz.RequestError](err)
	if !ok {
		return err
	}
	named := *fault
	if rest, ok := strings.CutPrefix(named.Field, "subject."); ok {
		named.Field = "principal." + rest
	}
	return door.BadRequest(named.Error())
}
