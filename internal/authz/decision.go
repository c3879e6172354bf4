// SPDX-License-Identifier: Apache-2.0

package authz

// Decision is the answer to a Request. The zero Decision is a deny.
type Decision struct {
	// Allowed says that the subject may.
	Allowed bool
	// Reason says why, or why not.
	Reason Reason
	// Roles are the ids of all the roles through which the decision came, as
	// bound or asserted, sorted: those that grant if Allowed, those that forbid
	// if the Reason is ReasonExplicitDeny or ReasonDenyError, else none.
	Roles []string
	// Warnings are sentences about the request, for whoever made it: what does not
	// fit the schema of its resource. They have no part in the decision.
	Warnings []string
}

// Reset makes d a deny without a reason and keeps the memory of its lists.
func (d *Decision) Reset() {
	*d = Decision{Roles: d.Roles[:0], Warnings: d.Warnings[:0]}
}

// Reason says why a decision is as it is. The set is closed.
type Reason uint8

// The reasons, in the order in which they are decided.
const (
	// ReasonNone is the reason of no decision at all.
	ReasonNone Reason = iota
	// ReasonScopeMismatch: the subject's session belongs to another scope than the
	// check's.
	ReasonScopeMismatch
	// ReasonUnknownResource: no Resource declares the type.
	ReasonUnknownResource
	// ReasonUnknownAction: the Resource does not declare the action.
	ReasonUnknownAction
	// ReasonScopeRequired: the Resource requires a scope and the check has none.
	ReasonScopeRequired
	// ReasonExplicitDeny: a Deny permission of a held role applies.
	ReasonExplicitDeny
	// ReasonDenyError: the condition of a Deny permission of a held role fails,
	// and none that applies holds.
	ReasonDenyError
	// ReasonGranted: an Allow permission of a held role applies.
	ReasonGranted
	// ReasonConditionError: an error stood between the subject and an Allow.
	ReasonConditionError
	// ReasonConditionFalse: a condition that does not hold stood between the
	// subject and an Allow.
	ReasonConditionFalse
	// ReasonNoPermission: roles are held, and none of them allows this.
	ReasonNoPermission
	// ReasonNoRole: no role is held here and now.
	ReasonNoRole
)

// Reasons lists every reason of a decision, in the order of their constants.
func Reasons() []Reason {
	rs := make([]Reason, 0, len(reasonNames)-1)
	for r := ReasonNone + 1; int(r) < len(reasonNames); r++ {
		rs = append(rs, r)
	}
	return rs
}

var reasonNames = [...]string{
	ReasonNone:            "",
	ReasonScopeMismatch:   "ScopeMismatch",
	ReasonUnknownResource: "UnknownResource",
	ReasonUnknownAction:   "UnknownAction",
	ReasonScopeRequired:   "ScopeRequired",
	ReasonExplicitDeny:    "ExplicitDeny",
	ReasonDenyError:       "DenyError",
	ReasonGranted:         "Granted",
	ReasonConditionError:  "ConditionError",
	ReasonConditionFalse:  "ConditionFalse",
	ReasonNoPermission:    "NoPermission",
	ReasonNoRole:          "NoRole",
}

// String returns the reason as it stands in answers, such as "Granted".
func (r Reason) String() string {
	if int(r) < len(reasonNames) {
		return reasonNames[r]
	}
	return ""
}
