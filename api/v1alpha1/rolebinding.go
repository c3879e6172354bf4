// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// RoleBinding gives roles to subjects: within a scope, perhaps only for some
// instances, for some time, or under a condition.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=rcbind,categories=rolecall
// +kubebuilder:printcolumn:name="Roles",type=string,JSONPath=`.spec.roles`
// +kubebuilder:printcolumn:name="Subjects",type=integer,JSONPath=`.status.subjects`,description="How many subjects are listed"
// +kubebuilder:printcolumn:name="Scope",type=string,JSONPath=`.spec.scope`
// +kubebuilder:printcolumn:name="Not After",type=string,priority=1,JSONPath=`.spec.notAfter`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Message",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type RoleBinding struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec says who gets which roles, where and when.
	// +required
	Spec RoleBindingSpec `json:"spec"`
	// Status is what Rolecall reports.
	// +optional
	Status RoleBindingStatus `json:"status,omitempty"`
}

// RoleBindingSpec says who gets which roles, where and when.
//
// +kubebuilder:validation:XValidation:rule="!has(self.notBefore) || !has(self.notAfter) || self.notBefore < self.notAfter",message="notBefore must be before notAfter: the binding is valid from notBefore up to, not including, notAfter",fieldPath=".notAfter"
type RoleBindingSpec struct {
	// Roles are the ids of the roles that the subjects hold.
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Roles []ID `json:"roles"`

	// Subjects are those who hold the roles.
	// +required
	// +listType=map
	// +listMapKey=type
	// +listMapKey=connection
	// +listMapKey=id
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=1000
	Subjects []Subject `json:"subjects"`

	// Scope is where the roles are held: a path of non-empty segments joined by
	// `/`, such as `org:acme/team:web`, which covers itself and what lies below
	// it; or `*`, everywhere. It is required, so that a template that renders
	// it empty does not grant everywhere.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:Pattern=`^(\*|[^/*\x00-\x20\x7f]+(/[^/*\x00-\x20\x7f]+)*)$`
	Scope string `json:"scope"`

	// Resources limits the binding to these instances. Without it, the roles
	// are held for all.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +listMapKey=id
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=256
	Resources []ResourceRef `json:"resources,omitempty"`

	// Condition is a gate over the whole binding: the roles are held only while
	// it holds. If it fails to evaluate, the roles' Denies stand and their
	// Allows do not.
	// +optional
	Condition Expression `json:"condition,omitempty"`

	// NotBefore is the first moment at which the binding is valid; always,
	// unless given. It is compared with the clock at the check.
	// +optional
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Format=date-time
	// +kubebuilder:validation:Pattern=`T[0-9:]{8}([.][0-9]+)?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$`
	NotBefore *metav1.Time `json:"notBefore,omitempty"`

	// NotAfter is the first moment at which the binding is no longer valid;
	// never, unless given. It is compared with the clock at the check, so an
	// expiry needs no controller.
	// +optional
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Format=date-time
	// +kubebuilder:validation:Pattern=`T[0-9:]{8}([.][0-9]+)?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$`
	NotAfter *metav1.Time `json:"notAfter,omitempty"`
}

// Subject names who holds a role or is a member of a group: a subject of a
// request by type and id, or everyone who has something in common, by one of the
// reserved types `group`, `email_domain`, `sso_connection` and `sso_group`.
//
// +kubebuilder:validation:XValidation:rule="(self.type == 'sso_group') == (size(self.connection) > 0)",message="connection belongs to a subject of type sso_group, and there it is required",fieldPath=".connection"
// +kubebuilder:validation:XValidation:rule="self.id == '*' || !self.id.contains('*')",message="in a subject's id * can only stand alone: it means every subject of the type",fieldPath=".id"
// +kubebuilder:validation:XValidation:rule="self.id != '*' || !(self.type in ['group', 'email_domain', 'sso_connection', 'sso_group'])",message="id * needs a type of subject such as user, not group, email_domain, sso_connection or sso_group",fieldPath=".id"
// +kubebuilder:validation:XValidation:rule="self.type != 'email_domain' || !(self.id.matches('[^A-Za-z0-9.-]') || self.id.startsWith('.') || self.id.startsWith('-') || self.id.endsWith('.') || self.id.endsWith('-'))",message="the id of an email_domain is what follows the @, such as acme.com",fieldPath=".id"
type Subject struct {
	// Type is `user`, another type of subject that the application knows (such
	// as `service`), or one of `group`, `email_domain`, `sso_connection`,
	// `sso_group`.
	// +required
	Type ID `json:"type"`

	// Connection is the SSO connection of a subject of type `sso_group`.
	// +optional
	// +default=""
	// +kubebuilder:validation:MaxLength=253
	Connection string `json:"connection"`

	// ID is the subject's id, the group's id, the e-mail domain, or the SSO
	// connection or group; `*` is every subject of the type.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	ID string `json:"id"`
}

// The reserved types of subjects: whoever has the group, the verified e-mail
// domain, the SSO connection or the group of an SSO connection.
const (
	SubjectGroup         = "group"
	SubjectEmailDomain   = "email_domain"
	SubjectSSOConnection = "sso_connection"
	SubjectSSOGroup      = "sso_group"
	// SubjectUser is the usual type of subject; it is not reserved.
	SubjectUser = "user"
)

// ResourceRef names one instance of a resource.
//
// +kubebuilder:validation:XValidation:rule="!self.id.contains('*')",message="an instance is named by its whole id; leave resources out to mean all of them",fieldPath=".id"
type ResourceRef struct {
	// Type is the type of the resource.
	// +required
	Type ID `json:"type"`
	// ID is the id of the instance.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	ID string `json:"id"`
}

// RoleBindingStatus is what Rolecall reports on a RoleBinding.
type RoleBindingStatus struct {
	Status `json:",inline"`

	// Subjects is how many subjects the binding lists.
	// +optional
	Subjects int32 `json:"subjects"`
}

// RoleBindingList is a list of RoleBindings.
//
// +kubebuilder:object:root=true
type RoleBindingList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []RoleBinding `json:"items"`
}
