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
	// roles are found by the interned ids of bindings, and by the strings of
	// requests, which are not worth interning.
	roles map[ID]*role
	named map[string]*role
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
	nodes := l.nodes(roles)
	v := &Vocabulary{
		types: l.types,
		roles: make(map[ID]*role, len(nodes)),
		named: make(map[string]*role, len(nodes)),
	}
	for id, n := range nodes {
		r := l.role(id, n, nodes)
		v.roles[Intern(id)], v.named[id] = r, r
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
	_, ok := v.named[id]
	return ok
}

// RoleIDs returns the ids of the roles, sorted.
func (v *Vocabulary) RoleIDs() []string {
	return slices.Sorted(maps.Keys(v.named))
}

// Inherits returns what the Roles that claim the id inherit, sorted.
func (v *Vocabulary) Inherits(id string) []string {
	if r, ok := v.named[id]; ok {
		return r.inherits
	}
	return nil
}

// empty reports whether nothing is declared.
func (v *Vocabulary) empty() bool {
	return v == nil || len(v.types) == 0 && len(v.roles) == 0
}
