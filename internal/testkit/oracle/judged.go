// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/schema"
)

// Judged decides a valid request as Check does, unless the schema of the resource's
// type refuses it, or warns of what does not fit. Who asks for another scope than
// that of the session, or for what is not declared, or for no scope where there must
// be one, is told that and nothing else.
func (o *Oracle) Judged(r *authz.Request) (authz.Decision, error) {
	d := o.Check(r)
	switch d.Reason {
	case authz.ReasonScopeMismatch, authz.ReasonUnknownResource, authz.ReasonUnknownAction, authz.ReasonScopeRequired:
		return d, nil
	default:
	}
	owner := first(claims(o.resources, r.Namespace, r.Resource.Type, (*v1alpha1.Resource).TypeID))
	misfits := o.misfits(owner, r)
	switch {
	case len(misfits) == 0 || owner.Spec.PropertyValidation == v1alpha1.PropertyValidationIgnore:
		return d, nil
	case owner.Spec.PropertyValidation == v1alpha1.PropertyValidationStrict:
		return authz.Decision{}, &authz.RequestError{Field: misfits[0].Field(), Problem: misfits[0].Problem}
	}
	for _, m := range misfits {
		d.Warnings = append(d.Warnings, m.Field()+" "+m.Problem)
	}
	return d, nil
}

// misfits returns what the request states or captures that does not fit, or lacks.
func (o *Oracle) misfits(owner *v1alpha1.Resource, r *authz.Request) []authz.Misfit {
	if owner.Spec.Schema == nil {
		return nil
	}
	s, faults := schema.Parse(owner.Spec.Schema.Raw)
	if len(faults) > 0 {
		return nil
	}
	of, stored := &r.Resource, o.stored(r.Namespace, r.Resource.Type, r.Resource.ID)
	var found []authz.Misfit
	for _, m := range s.Misfits(o.properties(r.Namespace, of.Type, of.ID, of.Captured, of.Properties)) {
		_, isStored := stored[m.Property]
		_, isStated := of.Properties[m.Property]
		if !isStored || isStated {
			found = append(found, m)
		}
	}
	return found
}
