// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"cmp"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/authz"
)

// Holding is a role that a binding gives to the subject of a request, and the
// item of its subjects that says so.
type Holding struct {
	Binding, Role string
	Subject       v1alpha1.Subject
}

// Holdings returns the ways in which bindings give declared roles to the subject
// of a request, whatever their gates say, in no particular order.
func (o *Oracle) Holdings(request *authz.Request) []Holding {
	r := o.ask(request)
	var out []Holding
	for _, b := range o.bindings {
		if !applies(b, request) {
			continue
		}
		for _, subject := range b.Spec.Subjects {
			for _, role := range b.Spec.Roles {
				if listed, _ := keyed([]v1alpha1.Subject{subject}, &r.Subject, r.groups); listed && o.owner(r, string(role)) != nil {
					out = append(out, Holding{b.Name, string(role), subject})
				}
			}
		}
	}
	return out
}

// Held returns the roles that the subject of a request holds for Allows at its
// scope, those of bindings and asserted ones, in no particular order and some of
// them repeatedly.
func (o *Oracle) Held(request *authz.Request) []authz.HeldRole {
	r := o.ask(request)
	home := r.Subject.SessionScope
	if home != "" && !covers(home, r.Scope) {
		return nil
	}
	var out []authz.HeldRole
	for _, b := range o.bindings {
		_, trusted := keyed(b.Spec.Subjects, &r.Subject, r.groups)
		if b.Namespace != r.Namespace || !trusted || !valid(b, request) || !covers(b.Spec.Scope, r.Scope) || b.DeletionTimestamp != nil {
			continue
		}
		for _, role := range b.Spec.Roles {
			if o.owner(r, string(role)) != nil {
				out = append(out, authz.HeldRole{
					Role: string(role), Scope: b.Spec.Scope, Conditional: b.Spec.Condition != "" || len(b.Spec.Resources) > 0,
				})
			}
		}
	}
	for _, role := range r.Subject.Roles {
		if owner := o.owner(r, role); owner != nil && owner.Spec.Assertable {
			out = append(out, authz.HeldRole{Role: role, Scope: cmp.Or(home, r.Scope), Asserted: true})
		}
	}
	return out
}
