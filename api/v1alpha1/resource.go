// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Resource declares a kind of thing in the application and what can be done to
// it. Permissions can only grant what a Resource declares.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=rcres,categories=rolecall
// +kubebuilder:printcolumn:name="Type",type=string,JSONPath=`.status.id`,description="The type by which permissions and checks name it"
// +kubebuilder:printcolumn:name="Actions",type=integer,JSONPath=`.status.actions`,description="How many actions are declared"
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Message",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="(has(self.spec.type) ? self.spec.type : self.metadata.name) == (has(oldSelf.spec.type) ? oldSelf.spec.type : oldSelf.metadata.name)",message="the type is immutable (without spec.type it is metadata.name): delete the Resource and create it anew",fieldPath=".spec.type",reason=FieldValueForbidden
type Resource struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec is what the application's team declares.
	// +required
	Spec ResourceSpec `json:"spec"`
	// Status is what Rolecall reports.
	// +optional
	Status ResourceStatus `json:"status,omitempty"`
}

// ResourceSpec declares a resource type.
type ResourceSpec struct {
	// Type is the id by which permissions and checks name the resource; the
	// object's name unless given. It cannot change.
	// +optional
	Type ID `json:"type,omitempty"`

	// Description says what the resource is.
	// +optional
	Description Description `json:"description,omitempty"`

	// Actions is the closed vocabulary of what can be done to the resource. A
	// check of any other action is denied as UnknownAction.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=256
	Actions []ResourceAction `json:"actions,omitempty"`

	// Scoping says whether a check must name a scope (a tenant). With
	// `Required` a check without one is denied as ScopeRequired; `Optional` is
	// the same as leaving the field out.
	// +optional
	Scoping Scoping `json:"scoping,omitempty"`
}

// ResourceAction is something that can be done to a resource.
type ResourceAction struct {
	// Name is the id of the action, such as `create` or `update.info.name`.
	// +required
	Name ID `json:"name"`
	// Description says what the action does.
	// +optional
	Description Description `json:"description,omitempty"`
}

// Scoping says whether checks of a resource need a scope.
//
// +kubebuilder:validation:Enum=Optional;Required
type Scoping string

// The values of Scoping.
const (
	// ScopingOptional lets a check come without a scope.
	ScopingOptional Scoping = "Optional"
	// ScopingRequired denies a check that comes without a scope.
	ScopingRequired Scoping = "Required"
)

// ResourceStatus is what Rolecall reports on a Resource.
type ResourceStatus struct {
	Status `json:",inline"`

	// ID is the type in force: spec.type, or else metadata.name.
	// +optional
	ID string `json:"id,omitempty"`
	// Actions is how many actions are declared.
	// +optional
	Actions int32 `json:"actions"`
}

// TypeID returns the type in force: spec.type, or else the object's name.
func (r *Resource) TypeID() string {
	return idOr(r.Spec.Type, r.Name)
}

func idOr(id ID, name string) string {
	if id != "" {
		return string(id)
	}
	return name
}

// ResourceList is a list of Resources.
//
// +kubebuilder:object:root=true
type ResourceList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Resource `json:"items"`
}
