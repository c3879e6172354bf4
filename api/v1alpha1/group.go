// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Group is a team under one id: its members have whatever RoleBindings give to
// the subject of type `group` with that id. Groups that a request or a verified
// token states and Groups that are objects add up.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=rcgroup,categories=rolecall
// +kubebuilder:printcolumn:name="ID",type=string,JSONPath=`.status.id`,description="The id by which bindings name it"
// +kubebuilder:printcolumn:name="Members",type=integer,JSONPath=`.status.members`,description="How many members are listed"
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Message",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="(has(self.spec.id) ? self.spec.id : self.metadata.name) == (has(oldSelf.spec.id) ? oldSelf.spec.id : oldSelf.metadata.name)",message="the id is immutable (without spec.id it is metadata.name): delete the Group and create it anew",fieldPath=".spec.id",reason=FieldValueForbidden
type Group struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec says who is in the group.
	// +required
	Spec GroupSpec `json:"spec"`
	// Status is what Rolecall reports.
	// +optional
	Status GroupStatus `json:"status,omitempty"`
}

// GroupSpec says who is in a group.
type GroupSpec struct {
	// ID is the id by which bindings, other groups and conditions name the group;
	// the object's name unless given. It cannot change.
	// +optional
	ID ID `json:"id,omitempty"`

	// Description says who the group is.
	// +optional
	Description Description `json:"description,omitempty"`

	// Members are those who are in the group: subjects by type and id, `*` being
	// every subject of the type; other groups, with all their members, whether
	// they are objects or stated by tokens; or everyone with an e-mail domain, an
	// SSO connection or a group of one. A group without members has those of whom
	// tokens state it. Larger teams are made of groups; `kubectl apply` takes some
	// thousand members, with `--server-side` all of them.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +listMapKey=connection
	// +listMapKey=id
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=5000
	Members []Subject `json:"members,omitempty"`
}

// GroupStatus is what Rolecall reports on a Group.
type GroupStatus struct {
	Status `json:",inline"`

	// ID is the id in force: spec.id, or else metadata.name.
	// +optional
	ID string `json:"id,omitempty"`
	// Members is how many members the Group lists itself.
	// +optional
	Members int32 `json:"members"`
}

// GroupID returns the id in force: spec.id, or else the object's name.
func (g *Group) GroupID() string {
	return idOr(g.Spec.ID, g.Name)
}

// GroupList is a list of Groups.
//
// +kubebuilder:object:root=true
type GroupList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Group `json:"items"`
}
