// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"maps"
	"slices"

	"github.com/rolecall/rolecall/internal/expr"
)

// Vocabulary is the linked resources and roles of one namespace: every (type,
// action) pair has a position, and every role the sets of positions that it
// allows and denies, inheritance and patterns included. It is immutable.
type Vocabulary struct {
	types map[string]*resourceType
	roles map[ID]*role
}

// resourceType is what the owner of a type declares.
type resourceType struct {
	actions       map[string]int32
	scopeRequired bool
}

// role is what holding a role id amounts to.
type role struct {
	id         string
	assertable bool
	// inherits is what all claimants inherit, for the linker's reports.
	inherits []string

	// allow and deny are covered without a condition, condAllow and condDeny by
	// one of the conditional permissions.
	allow, deny, condAllow, condDeny bitset
	conditional                      []*conditional
}

// conditional is a permission with a condition, expanded.
type conditional struct {
	covers    bitset
	deny      bool
	condition *expr.Program
}

// Link makes the vocabulary of one namespace of all its resources and roles. The
// order of its arguments means nothing.
func Link(resources []*Resource, roles []*Role) *Vocabulary {
	l := newLinker(resources)
	v := &Vocabulary{types: l.types, roles: make(map[ID]*role, len(roles))}
	nodes := l.nodes(roles)
	for id, n := range nodes {
		v.roles[Intern(id)] = l.role(id, n, nodes)
	}
	return v
}

// Actions returns the actions that the type's owner declares, sorted, and
// whether anything declares the type.
func (v *Vocabulary) Actions(resourceType string) ([]string, bool) {
	t, ok := v.types[resourceType]
	if !ok {
		return nil, false
	}
	return slices.Sorted(maps.Keys(t.actions)), true
}

// Types returns the declared types, sorted.
func (v *Vocabulary) Types() []string {
	return slices.Sorted(maps.Keys(v.types))
}

// HasRole reports whether a Role claims the id.
func (v *Vocabulary) HasRole(id string) bool {
	_, ok := v.roles[Intern(id)]
	return ok
}

// RoleIDs returns the ids of the roles, sorted.
func (v *Vocabulary) RoleIDs() []string {
	ids := make([]string, 0, len(v.roles))
	for id := range v.roles {
		ids = append(ids, id.Value())
	}
	slices.Sort(ids)
	return ids
}

// Inherits returns what the Roles that claim the id inherit, sorted.
func (v *Vocabulary) Inherits(id string) []string {
	if r, ok := v.roles[Intern(id)]; ok {
		return r.inherits
	}
	return nil
}

// empty reports whether nothing is declared.
func (v *Vocabulary) empty() bool {
	return v == nil || len(v.types) == 0 && len(v.roles) == 0
}
