// SPDX-License-Identifier: Apache-2.0

package authz

// Enumerator tells what a subject may do, and what it holds, without a question
// for each. Like a Checker it is safe for concurrent use and reads one policy.
type Enumerator interface {
	// Permissions returns what the subject of r may do to the resources of every
	// declared type, of which nothing else is known, at the scope, the time and in
	// the context of r: one for each type and action, sorted by them. The action and
	// the resource of r do not matter. The errors are those of Checker.Check.
	Permissions(r *Request) ([]Permission, error)

	// Held returns the roles that the subject of r holds at its scope and time,
	// with and without conditions, sorted by role, scope and condition. The action
	// and the resource of r do not matter. The errors are those of Checker.Check.
	Held(r *Request) ([]HeldRole, error)

	// Policy returns what the roles of a namespace allow for certain, for clients
	// that decide by themselves. The error wraps ErrUnknownNamespace.
	Policy(namespace string) (*Policy, error)
}

// Permission is what is known of one action on the resources of one type.
type Permission struct {
	Resource, Action string
	Outlook          Outlook
	// Roles are the ids of the roles through which it is, or may be, allowed,
	// sorted; none if it is denied.
	Roles []string
}

// Outlook is what is known of the decisions about resources of which only the
// type is known. It is no decision: only a check of the resource is.
type Outlook uint8

// The outlooks. The zero one is a deny.
const (
	// Denied: every such check is denied.
	Denied Outlook = iota
	// Conditional: it depends on the resource's id or properties, or on the
	// properties of the action; or on conditions that could cost more than the
	// budget of a check, which such properties may do.
	Conditional
	// Allowed: every such check is allowed.
	Allowed
)

// String returns the outlook's name, such as "allowed".
func (o Outlook) String() string {
	switch o {
	case Denied:
		return "denied"
	case Conditional:
		return "conditional"
	case Allowed:
		return "allowed"
	}
	return ""
}

// HeldRole is a role that a subject holds, as bound or asserted.
type HeldRole struct {
	Role string
	// Scope is where it is held: Wildcard is everywhere. An asserted role is held
	// where it is asked for.
	Scope string
	// Conditional says that it is held for some resources or under some condition
	// only.
	Conditional bool
	// Asserted says that the subject holds it because it says so, not because a
	// binding gives it.
	Asserted bool
}
