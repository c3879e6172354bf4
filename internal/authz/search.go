// SPDX-License-Identifier: Apache-2.0

package authz

import "context"

// Searcher finds who may, to what, and what may be done. Like a Checker it is safe
// for concurrent use and reads one policy.
type Searcher interface {
	// Search returns those of the known subjects, resources or actions that a check
	// allows. Its errors are those of Checker.Check, and that of ctx if it ends first.
	Search(ctx context.Context, s *Search) (Found, error)
}

// Search asks for every subject, resource or action that takes a place in a
// request.
//
// Known subjects are those that a binding or a Group names, and stored instances of
// their type; known resources those that a binding names, and stored instances. An
// undeclared type or action, an unknown id, finds nothing.
type Search struct {
	// Sought is the place.
	Sought Sought
	// Request is the rest. What it says of the id in the place, or of the name of
	// the action, does not matter; properties of what is sought count for each.
	// What gives authority (see Subject) is not said of subjects that are sought.
	Request Request
	// After is an id or a name: only those behind it, in the order of bytes, are
	// returned. None is before all.
	After string
	// Limit is how many are returned at most, and Candidates how many are decided
	// about at most. Both are above 0.
	Limit, Candidates int
}

// Sought is what a Search looks for.
type Sought uint8

// What can be sought.
const (
	Subjects Sought = iota
	Resources
	Actions
)

// Found is the answer to a Search.
type Found struct {
	// IDs are the ids, or the names of actions, sorted by their bytes.
	IDs []string
	// Next is where to go on: the Search after it finds the rest. Empty if there is
	// none.
	Next string
	// OpenTo are the ways by which others may be allowed whom nobody knows.
	OpenTo []Opening
	// Undecided is how many of those that were decided about are left out because a
	// condition failed: maybe for want of a property that nobody stated or stored.
	Undecided int
}

// Opening is a way to be allowed that does not lead to known ids.
type Opening string

// The openings.
const (
	// OpenToAll: every subject or resource of the type, whether it is known or not.
	OpenToAll Opening = "*"
	// OpenToAsserted: subjects that state a role.
	OpenToAsserted Opening = "role"
	// OpenToGroup: subjects that state a group.
	OpenToGroup Opening = TypeGroup
	// OpenToEmailDomain: subjects with an e-mail address of a domain.
	OpenToEmailDomain Opening = TypeEmailDomain
	// OpenToSSOConnection: subjects that have come by an SSO connection.
	OpenToSSOConnection Opening = TypeSSOConnection
	// OpenToSSOGroup: subjects that an SSO connection says to be in a group.
	OpenToSSOGroup Opening = TypeSSOGroup
)
