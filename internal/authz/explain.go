// SPDX-License-Identifier: Apache-2.0

package authz

// Explainer tells why requests are decided as they are. Like a Checker it is safe
// for concurrent use and reads one policy.
type Explainer interface {
	// Explain decides r as Checker.Check does, and tells what led to the decision.
	// The errors are those of Checker.Check. It takes far longer than a check.
	Explain(r *Request) (*Explanation, error)
}

// Explanation is a decision and all that led to it. What it names are objects of
// the namespace of the request. Its lists are in an order of their own: equal
// policies and requests give equal explanations.
//
// The names in JSON are those of the native door.
type Explanation struct {
	Decision Decision `json:"-"`
	// Keys are what RoleBindings can list the subject by: its type and id, its
	// type and `*`, and what follows from what it states and from Groups. If the
	// decision is made before anybody looks at the subject, because nothing
	// declares the type or the action, or the scope does not fit, there are none,
	// and nothing below.
	Keys []ExplainedKey `json:"keys"`
	// Bindings are the RoleBindings that list one of the keys, one for each key and
	// role, whether they count or not.
	Bindings []ExplainedBinding `json:"bindings"`
	// OmittedBindings is how many are not among them: of a key that a great many
	// list, there are only those in scope, and of several that give one role
	// unconditionally only one.
	OmittedBindings int `json:"omittedBindings,omitempty"`
	// Asserted are the roles that the subject states.
	Asserted []ExplainedAssertion `json:"asserted,omitempty"`
	// Permissions are those of the roles above, bound in scope or asserted, that
	// cover the type and the action of the request.
	Permissions []ExplainedPermission `json:"permissions"`
}

// ObjectField is a field of an object.
type ObjectField struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
	// Generation is that of the object's metadata; 1 in a folder, and 0 for a Group,
	// of which it is not kept.
	Generation int64 `json:"generation,omitempty"`
	// Field is the path. An item of a list that people merge stands by its key, as
	// spec.subjects[user:alice], any other by its index, as spec.permissions[0].
	Field string `json:"field"`
}

// ExplainedKey is a key of the subject: for groups of an SSO connection with the
// connection.
type ExplainedKey struct {
	Type       string `json:"type"`
	Connection string `json:"connection,omitempty"`
	ID         string `json:"id"`
	// Members are the items of Groups by which the subject has the key, if it does
	// not state it.
	Members []ObjectField `json:"members,omitempty"`
	// DenyOnly says that only Denies count that the key gives, and Because why.
	DenyOnly bool    `json:"denyOnly,omitempty"`
	Because  Because `json:"because,omitempty"`
}

// Because says why something counts in part, or not at all. The set is closed.
type Because string

// The reasons why something counts in part, or not at all.
const (
	// BecauseOtherScope: the check's scope is neither the binding's nor below it.
	BecauseOtherScope Because = "OtherScope"
	// BecauseNotYetValid and BecauseExpired: the check is made before the binding's
	// notBefore, or not before its notAfter.
	BecauseNotYetValid Because = "NotYetValid"
	BecauseExpired     Because = "Expired"
	// BecauseOtherResource: the binding is for other instances.
	BecauseOtherResource Because = "OtherResource"
	// BecauseRoleNotFound: no Role declares the id.
	BecauseRoleNotFound Because = "RoleNotFound"
	// BecauseNotAssertable: the Role does not say `assertable: true`.
	BecauseNotAssertable Because = "NotAssertable"
	// BecauseConditionFalse and BecauseConditionError: the condition, or the one of
	// every binding that gives the role, is false or fails.
	BecauseConditionFalse Because = "ConditionFalse"
	BecauseConditionError Because = "ConditionError"
	// BecauseDeleting: the object is being deleted, so that only its Denies count.
	BecauseDeleting Because = "Deleting"
	// BecauseConflicted: another object owns the id, so that only Denies count.
	BecauseConflicted Because = "Conflicted"
	// BecauseEmailUnverified: only Denies count, because the subject's e-mail address
	// is not verified.
	BecauseEmailUnverified Because = "EmailUnverified"
	// BecauseMembershipInDoubt: only Denies count, because every way into the group
	// leads through an e-mail address that is not verified, or through a Group that
	// is being deleted, is invalid or does not own its id.
	BecauseMembershipInDoubt Because = "MembershipInDoubt"
	// BecauseDenyOnly: the role is held for its Denies only.
	BecauseDenyOnly Because = "DenyOnly"
	// BecauseNotHeld: no binding holds the role; see those that give it.
	BecauseNotHeld Because = "NotHeld"
)

// Counts says for what something counts.
type Counts string

// For what something counts.
const (
	CountsFully   Counts = "Yes"
	CountsForDeny Counts = "DenyOnly"
	CountsNot     Counts = "No"
)

// ExplainedBinding is a RoleBinding that gives a role to one of the keys.
type ExplainedBinding struct {
	// Subject is the item of spec.subjects.
	Subject ObjectField `json:"subject"`
	// Role is the id of the role.
	Role string `json:"role"`
	// Scope is where the role is held; Wildcard is everywhere.
	Scope string `json:"scope"`
	// Counts says for what it counts and Because why, unless fully.
	Counts  Counts  `json:"counts"`
	Because Because `json:"because,omitempty"`
	// Condition is the gate of the binding, if it has one and would count but for it.
	Condition *ExplainedCondition `json:"condition,omitempty"`
}

// ExplainedAssertion is a role that the subject states.
type ExplainedAssertion struct {
	Role    string  `json:"role"`
	Counts  Counts  `json:"counts"`
	Because Because `json:"because,omitempty"`
}

// ExplainedPermission is a permission that covers the type and the action, of a
// role that is bound or asserted.
type ExplainedPermission struct {
	// Role is the role that is bound or asserted, and Inherits the ids of those that
	// lead from it to the one that has the permission, if that is another one.
	Role     string   `json:"role"`
	Inherits []string `json:"inherits,omitempty"`
	// Permission is where it stands.
	Permission ObjectField `json:"permission"`
	Deny       bool        `json:"deny"`
	// Condition is the permission's, if it has one.
	Condition *ExplainedCondition `json:"condition,omitempty"`
	// Applies says that it allows or denies what is asked; Because says why not.
	Applies bool    `json:"applies"`
	Because Because `json:"because,omitempty"`
	// Decides says that the decision comes through it.
	Decides bool `json:"decides"`
}

// ExplainedCondition is a condition and its value.
type ExplainedCondition struct {
	Expression string `json:"expression"`
	// Value is that of the condition for what it stands at; for a binding's, for
	// Allows.
	Value Truth `json:"value"`
	// DenyValue is that for Denies, if it is another one: it is in doubt which groups
	// the subject is in.
	DenyValue Truth `json:"denyValue,omitempty"`
	// Error says why it fails, if it does.
	Error string `json:"error,omitempty"`
}

// Truth is the value of a condition.
type Truth string

// The values of a condition.
const (
	True  Truth = "true"
	False Truth = "false"
	Fails Truth = "error"
)
