// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Role is a list of permissions under one id. A RoleBinding gives it to
// subjects. It is not Kubernetes' own Role: that one speaks of the Kubernetes
// API, this one of the application.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=rcrole,categories=rolecall
// +kubebuilder:printcolumn:name="ID",type=string,JSONPath=`.status.id`,description="The id by which bindings and verdicts name it"
// +kubebuilder:printcolumn:name="Permissions",type=integer,JSONPath=`.status.permissions`,description="How many permissions the Role lists itself"
// +kubebuilder:printcolumn:name="Bindings",type=integer,JSONPath=`.status.bindings`,description="How many RoleBindings name it"
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Message",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="(has(self.spec.id) ? self.spec.id : self.metadata.name) == (has(oldSelf.spec.id) ? oldSelf.spec.id : oldSelf.metadata.name)",message="the id is immutable (without spec.id it is metadata.name): delete the Role and create it anew",fieldPath=".spec.id",reason=FieldValueForbidden
type Role struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec is what the role grants and forbids.
	// +required
	Spec RoleSpec `json:"spec"`
	// Status is what Rolecall reports.
	// +optional
	Status RoleStatus `json:"status,omitempty"`
}

// RoleSpec is what a role grants and forbids.
type RoleSpec struct {
	// ID is the id by which bindings, tokens and verdicts name the role; the
	// object's name unless given. It cannot change.
	// +optional
	ID ID `json:"id,omitempty"`

	// Description says whom the role is for.
	// +optional
	Description Description `json:"description,omitempty"`

	// Inherits lists the ids of roles whose permissions this role has too,
	// Allow and Deny, and so on through what they inherit.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	Inherits []ID `json:"inherits,omitempty"`

	// Assertable says that the role may be held because a caller or a verified
	// token says so, without a binding. False unless given.
	// +optional
	Assertable bool `json:"assertable,omitempty"`

	// Permissions is what the role grants (Allow) and forbids (Deny). Their
	// order means nothing: a Deny always wins.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=256
	Permissions []Permission `json:"permissions,omitempty"`
}

// Permission allows or denies actions on a resource type, perhaps under a
// condition.
type Permission struct {
	// Effect is `Allow` unless given. A `Deny` wins over every Allow, and also
	// applies if its condition fails to evaluate.
	// +optional
	Effect Effect `json:"effect,omitempty"`

	// Resource is the type of the resource, or a pattern such as `stytch.*`.
	// +required
	Resource Pattern `json:"resource"`

	// Actions are the names of actions, or patterns such as `update.*`.
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	Actions []Pattern `json:"actions"`

	// Condition must hold for the permission to count. An Allow whose condition
	// fails to evaluate grants nothing; a Deny whose condition fails denies.
	// +optional
	Condition Expression `json:"condition,omitempty"`
}

// RoleStatus is what Rolecall reports on a Role.
type RoleStatus struct {
	Status `json:",inline"`

	// ID is the id in force: spec.id, or else metadata.name.
	// +optional
	ID string `json:"id,omitempty"`
	// Permissions is how many permissions the Role lists itself.
	// +optional
	Permissions int32 `json:"permissions"`
	// Bindings is how many RoleBindings name the role.
	// +optional
	Bindings int32 `json:"bindings"`
}

// RoleID returns the id in force: spec.id, or else the object's name.
func (r *Role) RoleID() string {
	return idOr(r.Spec.ID, r.Name)
}

// RoleList is a list of Roles.
//
// +kubebuilder:object:root=true
type RoleList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Role `json:"items"`
}
