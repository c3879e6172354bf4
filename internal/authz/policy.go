// SPDX-License-Identifier: Apache-2.0

package authz

// Policy is the part of a namespace's policy that whoever holds a role can rely
// on, whatever the circumstances. What depends on a condition is not in it, and no
// action that any role forbids, in whatever circumstances: who decides by it
// alone, allows no more than a Checker does to a subject that holds the roles in the
// scope of the check.
//
// It is sorted by ids and names, and patterns are expanded. It is not changed by
// who reads it.
type Policy struct {
	Resources []PolicyResource
	Roles     []PolicyRole
}

// PolicyResource is a declared type.
type PolicyResource struct {
	Type    string
	Actions []string
	// ScopeRequired says that a check without a scope is denied whatever the
	// roles allow.
	ScopeRequired bool
}

// PolicyRole is a role, with what it inherits.
type PolicyRole struct {
	ID string
	// Assertable says that the role may be held because a token says so.
	Assertable bool
	// Allows are the types of which it allows an action, which may be none.
	Allows []PolicyAllow
}

// PolicyAllow is what a role allows to do to the resources of a type.
type PolicyAllow struct {
	Type    string
	Actions []string
}
