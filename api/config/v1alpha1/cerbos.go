// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Cerbos bounds what clients of Cerbos may ask for in one request.
type Cerbos struct {
	// maxActionsPerResource is how many actions may be asked about for one resource,
	// from 1 to 1000.
	//
	// Default: 50.
	//
	// +optional
	MaxActionsPerResource int `json:"maxActionsPerResource,omitempty"`

	// maxResourcesPerRequest is how many resources one request may ask about, from 1
	// to 1000.
	//
	// Default: 50.
	//
	// +optional
	MaxResourcesPerRequest int `json:"maxResourcesPerRequest,omitempty"`
}
