// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// The condition types that Rolecall sets. Accepted, ResolvedRefs and Ready
// stand on every object that Rolecall has seen; Stalled only while it is True.
// They follow the Gateway API's vocabulary (GEP-1364) and kstatus.
const (
	// ConditionAccepted says whether the object compiles and owns its id. What
	// does not compile grants nothing, and a Deny that does not compile denies.
	ConditionAccepted = "Accepted"
	// ConditionResolvedRefs says whether what the object names exists and fits.
	// It heals by itself when the missing object arrives.
	ConditionResolvedRefs = "ResolvedRefs"
	// ConditionReady is the summary: Accepted and ResolvedRefs.
	ConditionReady = "Ready"
	// ConditionStalled is True while Accepted is False: nothing but an edit of
	// an object mends it. kstatus, Flux and Argo CD report it as a failure.
	ConditionStalled = "Stalled"
)

// Reasons of the condition Accepted; a False one is also the reason of Stalled
// and Ready.
const (
	// ReasonAccepted: the object compiles and owns its id.
	ReasonAccepted = "Accepted"
	// ReasonConflicted: an older object claims the same id. The Allows of this
	// object grant nothing, and those that a Group's members would get; its Denies
	// stand.
	ReasonConflicted = "Conflicted"
	// ReasonInvalidCondition: a CEL condition does not compile.
	ReasonInvalidCondition = "InvalidCondition"
	// ReasonInvalidSchema: the schema of a Resource is no structural schema. The
	// type is declared, and without a schema.
	ReasonInvalidSchema = "InvalidSchema"
	// ReasonInvalidInstance: what is stored of an instance does not fit the schema
	// of its Resource. It is stored as it is.
	ReasonInvalidInstance = "InvalidInstance"
	// ReasonInvalidSpec: a field holds what the CRD's schema refuses; such an
	// object was stored before the schema could see it.
	ReasonInvalidSpec = "InvalidSpec"
)

// Reasons of the condition ResolvedRefs; a False one is also the reason of
// Ready if the object is Accepted.
const (
	// ReasonResolvedRefs: everything that the object names exists.
	ReasonResolvedRefs = "ResolvedRefs"
	// ReasonRoleNotFound: a binding names a role id that no Role has.
	ReasonRoleNotFound = "RoleNotFound"
	// ReasonInheritedRoleNotFound: a Role inherits a role id that no Role has,
	// so neither its Allows nor its Denies are inherited.
	ReasonInheritedRoleNotFound = "InheritedRoleNotFound"
	// ReasonInheritanceCycle: a Role inherits itself, directly or through
	// others. The cycle changes no decision.
	ReasonInheritanceCycle = "InheritanceCycle"
	// ReasonMembershipCycle: a Group is a member of itself, directly or through
	// others. The cycle changes no decision.
	ReasonMembershipCycle = "MembershipCycle"
	// ReasonResourceNotFound: a permission or a binding names a resource type
	// that no Resource declares.
	ReasonResourceNotFound = "ResourceNotFound"
	// ReasonActionNotFound: a permission names an action that the Resource does
	// not declare.
	ReasonActionNotFound = "ActionNotFound"
	// ReasonConditionMismatch: a condition reads a property that the schema of a
	// type does not have, or in a way that its type does not allow. It changes no
	// decision: the condition fails, or not, as before.
	ReasonConditionMismatch = "ConditionMismatch"
	// ReasonPatternMatchesNothing: a pattern of an Allow permission matches no
	// declared type or action.
	ReasonPatternMatchesNothing = "PatternMatchesNothing"
	// ReasonRouteConflict: a route shares requests with another one, and neither is
	// the more specific one, or both are the same and mean different things. Such
	// requests are denied.
	ReasonRouteConflict = "RouteConflict"
	// ReasonDenyMatchesNothing: a Deny permission names, or its pattern
	// matches, nothing that is declared: it forbids nothing.
	ReasonDenyMatchesNothing = "DenyMatchesNothing"
)

// Reasons of the condition Ready that are not those of another condition.
const (
	// ReasonReady: the object is Accepted and its references are resolved.
	ReasonReady = "Ready"
)

// Reasons of warnings. A warning makes no condition False; it stands in the
// message of Accepted and in the output of `rolecall lint`.
const (
	// WarningUndeclaredSubjectType: a subject's type is neither `user`, nor
	// reserved, nor declared as a Resource; perhaps it is a typo.
	WarningUndeclaredSubjectType = "UndeclaredSubjectType"
	// WarningExpensiveCondition: the worst case of a condition's static cost
	// estimate exceeds the budget of a check.
	WarningExpensiveCondition = "ExpensiveCondition"
	// WarningUnguardedDeny: the condition of a Deny reads a key that a request
	// may lack, without has(); a request without it is denied.
	WarningUnguardedDeny = "UnguardedDeny"
)
