// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"cmp"
	"time"

	"github.com/rolecall/rolecall/internal/expr"
	"github.com/rolecall/rolecall/internal/routing"
)

// Meta is what a unit keeps of its object's metadata.
type Meta struct {
	// Name is the object's name; with the kind and the namespace it is the
	// object's identity.
	Name string
	// Created is the object's creation time; zero for an object from a file.
	Created time.Time
	// Deleting says that the object is being deleted: it gives no Allow any
	// more, and its Denies stand until it is gone.
	Deleting bool
}

// CompareClaims orders objects that claim one id: the first one owns it.
func (m Meta) CompareClaims(other Meta) int {
	return cmp.Or(m.Created.Compare(other.Created), cmp.Compare(m.Name, other.Name))
}

// Resource is a compiled Resource. It is immutable.
type Resource struct {
	Meta
	// Type is the id in force.
	Type string
	// Actions are the declared names.
	Actions []string
	// ScopeRequired says that a check without scope is denied.
	ScopeRequired bool
	// Routes are the HTTP requests that mean an action, as the object says.
	Routes []routing.Claim
	// Instances are those that are known; nil if there are none.
	Instances *Instances
	// Schema is nil if there is none, and Validation is what becomes of requests that
	// do not fit it.
	Schema     Schema
	Validation Validation
}

// Role is a compiled Role. It is immutable.
type Role struct {
	Meta
	// Generation is that of the object's metadata; 0 for an object from a file.
	Generation int64
	// ID is the id in force.
	ID string
	// Inherits are the ids of the roles whose permissions it has too.
	Inherits []string
	// Assertable says that the role may be held without a binding.
	Assertable bool
	// Permissions are in the order of the object's, one for one.
	Permissions []Permission
}

// Permission is a compiled permission of a Role.
type Permission struct {
	Deny bool
	// Resource is a type or a pattern.
	Resource string
	// Actions are names or patterns.
	Actions Words
	// Condition is nil if there is none. The program of a condition that does
	// not compile fails at every evaluation.
	Condition *expr.Program
}

// Key is one way of holding a role, and what a binding lists as a subject: a
// type and an id, and for an SSO group its connection. It is a tuple and never
// joined into one string, so that no id can imitate another key.
type Key struct {
	Type       string
	Connection string
	ID         string
}

// Instance names one resource.
type Instance struct {
	Type string
	ID   string
}

// Binding is a compiled RoleBinding. It is immutable. Its name is not empty, and
// no two of a namespace have the same.
type Binding struct {
	Meta
	// Generation is as that of a Role.
	Generation int64
	Roles      []string
	Subjects   []Key
	// Scope is where the roles are held; authz.Wildcard is everywhere.
	Scope string
	// Resources limits the binding to these instances, unless it is empty.
	Resources []Instance
	// Gate is nil if there is none. The program of a gate that does not compile
	// fails at every evaluation.
	Gate *expr.Program
	// NotBefore and NotAfter bound the validity, [NotBefore, NotAfter); a zero
	// time is no bound.
	NotBefore, NotAfter time.Time
}

// validAt reports whether the binding is valid at a moment.
func (b *Binding) validAt(t time.Time) bool {
	return (b.NotBefore.IsZero() || !t.Before(b.NotBefore)) && (b.NotAfter.IsZero() || t.Before(b.NotAfter))
}

// plain reports whether there is nothing about the binding that a check has to
// look at: it holds its roles for everyone whom it lists.
func (b *Binding) plain() bool {
	return b.Gate == nil && len(b.Resources) == 0 && b.NotBefore.IsZero() && b.NotAfter.IsZero() && !b.Deleting
}

// names reports whether the binding counts for an instance.
func (b *Binding) names(typ, id string) bool {
	if len(b.Resources) == 0 {
		return true
	}
	for i := range b.Resources {
		if b.Resources[i].ID == id && b.Resources[i].Type == typ {
			return true
		}
	}
	return false
}
