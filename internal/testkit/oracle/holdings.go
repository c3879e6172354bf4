// SPDX-License-Identifier: Apache-2.0

package oracle

import (
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
func (o *Oracle) Holdings(r *authz.Request) []Holding {
	var out []Holding
	for _, b := range o.bindings {
		if b.Namespace != r.Namespace || !valid(b, r) || !covers(b.Spec.Scope, r.Scope) || !names(b, r) {
			continue
		}
		for _, subject := range b.Spec.Subjects {
			for _, role := range b.Spec.Roles {
				if has(subject, &r.Subject) && o.owner(r, string(role)) != nil {
					out = append(out, Holding{b.Name, string(role), subject})
				}
			}
		}
	}
	return out
}
