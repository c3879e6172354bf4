// SPDX-License-Identifier: Apache-2.0

package cerbos

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/wire/cerbos/cerbospb"
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
}

// New returns a door.
func New(o Options) *Door {
	return &Door{options: o, namespaces: door.Namespaces{Default: o.DefaultNamespace}}
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

// CheckResources answers a gRPC call.
func (d *Door) CheckResources(ctx context.Context, in *cerbospb.CheckResourcesRequest) (*cerbospb.CheckResourcesResponse, error) {
	o, err := d.admit(ctx)
	if err != nil {
		return nil, err
	}
	policy, err := d.options.Asker.Policy(o)
	if err != nil {
		return nil, err
	}
	return d.decide(ctx, &policy, in)
}

// decide answers a request whose caller was let in.
func (d *Door) decide(ctx context.Context, policy *door.Policy, in *cerbospb.CheckResourcesRequest) (*cerbospb.CheckResourcesResponse, error) {
	request, err := d.read(ctx, policy.Namespace(), in)
	if err != nil {
		policy.Refused(err)
		return nil, err
	}
	out := &cerbospb.CheckResourcesResponse{RequestId: in.GetRequestId(), CerbosCallId: rand.Text()}
	for i, entry := range in.GetResources() {
		if err := ctx.Err(); err != nil {
			return nil, door.GivenUp(err)
		}
		result, err := check(policy, request, i, entry, in.GetIncludeMeta())
		if err != nil {
			return nil, err
		}
		out.Results = append(out.Results, result)
	}
	return out, nil
}

// read reads what holds for all entries of a request.
func (d *Door) read(ctx context.Context, namespace string, in *cerbospb.CheckResourcesRequest) (*authz.Request, error) {
	if err := d.validate(in); err != nil {
		return nil, err
	}
	p := in.GetPrincipal()
	properties, err := attributes("principal.attr", p.GetAttr())
	if err != nil {
		return nil, err
	}
	claims, err := d.claims(ctx, namespace, in.GetAuxData())
	if err != nil {
		return nil, err
	}
	return &authz.Request{
		Subject: authz.Subject{Type: subjectType, ID: p.GetId(), Roles: p.GetRoles(), Properties: properties},
		Claims:  claims,
	}, nil
}

// check decides about the actions of one entry.
func check(
	policy *door.Policy, r *authz.Request, i int, entry *cerbospb.CheckResourcesRequest_Entry, withMeta bool,
) (*cerbospb.CheckResourcesResponse_Result, error) {
	var err error
	if r.Resource, err = resource(i, entry.GetResource()); err != nil {
		policy.Refused(err)
		return nil, err
	}
	r.Scope = scope(entry.GetResource().GetScope())
	result := newResult(entry, withMeta)
	var decision authz.Decision
	for _, action := range entry.GetActions() {
		r.Action.Name = action
		decision.Reset()
		if err := policy.Check(r, &decision); err != nil {
			return nil, rename(err)
		}
		result.Actions[action] = effect(&decision)
		if withMeta {
			result.Meta.Actions[action] = match(entry.GetResource().GetKind(), &decision)
		}
	}
	return result, nil
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
