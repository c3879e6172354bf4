// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ID is the name by which policy speaks of a role, a resource type or an
// action: letters, digits and `_ . : / -`, beginning and ending with a letter,
// a digit or `_`; bytes are compared exactly.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=253
// +kubebuilder:validation:Pattern=`^[A-Za-z0-9_]([A-Za-z0-9_.:/-]*[A-Za-z0-9_])?$`
type ID string

// Pattern is an ID in which `*` stands for any run of characters, `:` and `.`
// included, also none: `*`, `update.*`, `stytch.*`. It is expanded against what
// Resources declare, so nothing undeclared is ever granted.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=253
// +kubebuilder:validation:Pattern=`^[A-Za-z0-9_*]([A-Za-z0-9_.:/*-]*[A-Za-z0-9_*])?$`
type Pattern string

// Expression is a CEL expression that yields a boolean. It sees `subject`
// (type, id, email, groups, roles, properties), `resource` (type, id,
// properties), `action` (name, properties), `context`, `scope`, `now`, and for
// policies that come from Cerbos `request`, `P` and `R`. Guard what a request
// may lack: `has(context.mfa) && context.mfa`.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=4096
type Expression string

// Description is free text for people.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=1024
type Description string

// Effect says what a permission does when it covers a request and its condition
// holds.
//
// +kubebuilder:validation:Enum=Allow;Deny
type Effect string

// The effects of a permission.
const (
	// EffectAllow grants. It is the effect of a permission that names none.
	EffectAllow Effect = "Allow"
	// EffectDeny forbids, whatever any other permission grants.
	EffectDeny Effect = "Deny"
)

// Status is what every kind's status begins with.
type Status struct {
	// ObservedGeneration is the metadata.generation that the conditions speak
	// of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// Conditions: `Accepted` (the object compiles and owns its id),
	// `ResolvedRefs` (what it names exists and fits), `Ready` (both), and
	// `Stalled` while a person must act.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=8
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// IDOf returns the id by which others name an object: the type of a Resource, the id
// of a Role or a Group. A RoleBinding has none, and what is of another kind neither.
func IDOf(o metav1.Object) string {
	switch o := o.(type) {
	case *Resource:
		return o.TypeID()
	case *Role:
		return o.RoleID()
	case *Group:
		return o.GroupID()
	}
	return ""
}
