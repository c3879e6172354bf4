// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// YorAuth configures the door for those who ask by YorAuth's API.
type YorAuth struct {
	// applications are those whose checks are answered. Without any, the door is
	// shut.
	//
	// +optional
	// +listType=map
	// +listMapKey=id
	Applications []YorAuthApplication `json:"applications,omitempty"`
}

// YorAuthApplication is an application of YorAuth's, of which several may share a
// namespace.
type YorAuthApplication struct {
	// id is the application's id, as it stands in the path of requests.
	//
	// +required
	ID string `json:"id"`

	// namespace is the namespace whose policy decides.
	//
	// +required
	Namespace string `json:"namespace"`
}
