// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"slices"

	"github.com/rolecall/rolecall/internal/authz"
)

// maxWarnings is how many misfits an answer tells of.
const maxWarnings = 10

// judges reports whether requests are to fit the schema.
func (r *Resource) judges() bool {
	return r != nil && r.Schema != nil && r.Validation != IgnoreMisfits
}

// judge holds the properties of the resource against the schema of its type: what
// does not fit is an error, or the decision warns of it.
func (c *check) judge() error {
	owner := c.v.declared[c.v.names[c.pair.place()].typ].described
	if !owner.judges() {
		return nil
	}
	misfits := owner.misfits(&c.r.Resource)
	if len(misfits) == 0 {
		return nil
	}
	if owner.Validation == RefuseMisfits {
		problem := fmt.Sprintf("%s, by the schema of the type %q", misfits[0].Problem, owner.Type)
		if more := len(misfits) - 1; more > 0 {
			problem += fmt.Sprintf("; and %d more", more)
		}
		return &authz.RequestError{Field: misfits[0].Field(), Problem: problem}
	}
	for _, m := range misfits[:min(len(misfits), maxWarnings)] {
		c.d.Warnings = append(c.d.Warnings, fmt.Sprintf("%s %s, by the schema of the type %q", m.Field(), m.Problem, owner.Type))
	}
	return nil
}

// misfits returns what the request says that does not fit, with what is stored
// under it. What is stored and does not fit is not the request's fault: the status of
// the Resource says so.
func (r *Resource) misfits(of *authz.Resource) []authz.Misfit {
	stored, _ := r.Instances.Properties(of.ID)
	all := merged(make(map[string]any), of.Captured, stored, of.Properties)
	return slices.DeleteFunc(r.Schema.Misfits(all), func(m authz.Misfit) bool {
		_, isStored := stored[m.Property]
		_, isStated := of.Properties[m.Property]
		return isStored && !isStated
	})
}
