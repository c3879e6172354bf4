// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"encoding/json"
	"maps"

	"github.com/rolecall/rolecall/api/v1alpha1"
)

// properties returns those that conditions see of a subject or a resource: what a
// caller states, else what is stored, else what a gateway has captured.
func (o *Oracle) properties(namespace, typ, id string, captured, stated map[string]any) map[string]any {
	all := map[string]any{}
	for _, tier := range []map[string]any{captured, o.stored(namespace, typ, id), stated} {
		maps.Copy(all, tier)
	}
	return all
}

// stored returns the stored properties of an instance: only the Resource that owns
// the type knows any, also while it is being deleted.
func (o *Oracle) stored(namespace, typ, id string) map[string]any {
	owner := first(claims(o.resources, namespace, typ, (*v1alpha1.Resource).TypeID))
	if owner == nil {
		return nil
	}
	for _, in := range owner.Spec.Instances {
		if in.ID != id || in.Properties == nil {
			continue
		}
		var properties map[string]any
		if err := json.Unmarshal(in.Properties.Raw, &properties); err != nil {
			panic(err) // no schema accepts it
		}
		return properties
	}
	return nil
}
