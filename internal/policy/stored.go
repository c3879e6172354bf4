// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"maps"
	"slices"
	"sync"

	"github.com/rolecall/rolecall/internal/authz"
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

// merging is a request with the properties that conditions see. It is used again.
type merging struct {
	with, without     authz.Request
	subject, resource map[string]any
}

var mergings = sync.Pool{New: func() any {
	return &merging{subject: make(map[string]any), resource: make(map[string]any)}
}}

// merge lets conditions see the properties of the subject and the resource with
// what is stored of them. It is put off until one looks.
func (c *check) merge() {
	c.mayMerge = false
	subject, _ := c.v.Instances(c.r.Subject.Type).Properties(c.r.Subject.ID)
	resource, _ := c.v.Instances(c.r.Resource.Type).Properties(c.r.Resource.ID)
	if len(subject)+len(resource)+len(c.r.Subject.Captured)+len(c.r.Resource.Captured) == 0 {
		return
	}
	m, _ := mergings.Get().(*merging)
	c.deferred.merging = m
	m.with = *c.r
	m.with.Subject.Properties = merged(m.subject, c.r.Subject.Captured, subject, c.r.Subject.Properties)
	m.with.Resource.Properties = merged(m.resource, c.r.Resource.Captured, resource, c.r.Resource.Properties)
	c.r = &m.with
	if c.without != nil {
		groups := c.without.Subject.Groups
		m.without = m.with
		m.without.Subject.Groups = groups
		c.without = &m.without
	}
}

// merged returns tiers of properties as one, key by key, of which the last counts
// most. If only one says anything it is that, else room, which is empty.
func merged(room map[string]any, tiers ...map[string]any) map[string]any {
	var only map[string]any
	said := 0
	for _, tier := range tiers {
		if len(tier) > 0 {
			only = tier
			said++
		}
	}
	if said < 2 {
		return only
	}
	for _, tier := range tiers {
		maps.Copy(room, tier)
	}
	return room
}

// maxRoom is how many properties a map that is used again may have had: it never
// shrinks.
const maxRoom = 256

// release gives the room back, without what it points to.
func (m *merging) release() {
	if len(m.subject) > maxRoom || len(m.resource) > maxRoom {
		return
	}
	clear(m.subject)
	clear(m.resource)
	m.with, m.without = authz.Request{}, authz.Request{}
	mergings.Put(m)
}
