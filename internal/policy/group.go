// SPDX-License-Identifier: Apache-2.0

package policy

import "github.com/rolecall/rolecall/internal/authz"

// Group is a compiled Group. It is immutable. Its name is not empty, and no two of
// a namespace have the same.
type Group struct {
	Meta
	// ID is the id in force.
	ID string
	// Members are in the order of the object's, one for one.
	Members []Key
	// DenyOnly says that the members are in the group for Deny only, whoever owns
	// its id.
	DenyOnly bool
}

// Nested returns the ids of the members that are groups.
func (g *Group) Nested() []string {
	var ids []string
	for i := range g.Members {
		if g.Members[i].Type == authz.TypeGroup {
			ids = append(ids, g.Members[i].ID)
		}
	}
	return ids
}
