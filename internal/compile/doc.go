// SPDX-License-Identifier: Apache-2.0

// Package compile turns one object into a unit of the policy and says what is
// wrong with the object.
//
// A compile function sees its one object and nothing else, so its answer can be
// kept as long as the object does not change. It is total: whatever the object
// holds, there is a unit, and faults never widen what it grants. What can only
// be seen across objects (a role that does not exist, two owners of one id) is
// said by RoleRefs, BindingRefs, GroupRefs, Conflict and Diagnose.
//
// The CRDs' schemas refuse most faults before they reach this package. It
// checks again, because an object may have been stored before a schema learned
// a rule. Of what the schema refuses, a fault that leaves the meaning clear (too
// long a list) is only reported. One that leaves it open is read the safe way:
// an Allow grants nothing, and a Deny counts as broadly as the unreadable field
// might have meant.
package compile
