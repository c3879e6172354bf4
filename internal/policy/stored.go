// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"maps"
	"slices"
)

// Instances are the known instances of a type and what is stored of them. They
// are immutable; nil is none.
type Instances struct {
	ids        []string
	properties map[string]map[string]any
}

// NewInstances returns known instances with their stored properties, by id. Values
// are those of encoding/json; no properties are nil or empty. The map is taken over.
func NewInstances(properties map[string]map[string]any) *Instances {
	if len(properties) == 0 {
		return nil
	}
	return &Instances{ids: slices.Sorted(maps.Keys(properties)), properties: properties}
}

// IDs returns the ids, sorted. The caller must not change them.
func (i *Instances) IDs() []string {
	if i == nil {
		return nil
	}
	return i.ids
}

// Properties returns what is stored of an instance, and whether it is known. The
// caller must not change it.
func (i *Instances) Properties(id string) (properties map[string]any, known bool) {
	if i == nil {
		return nil, false
	}
	properties, known = i.properties[id]
	return properties, known
}
