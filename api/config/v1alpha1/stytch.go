// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Stytch configures the door for Stytch's B2B SDKs.
type Stytch struct {
	// projects are those whose backends are answered. Without any, the door is
	// shut.
	//
	// +optional
	// +listType=map
	// +listMapKey=id
	Projects []StytchProject `json:"projects,omitempty"`
}

// StytchProject is a project of Stytch's. Its secret is the key of the item of
// `callers.apiKeys` that has the same id.
type StytchProject struct {
	// id is the project's id, such as `project-live-...`, by which its backends
	// call.
	//
	// +required
	ID string `json:"id"`

	// namespace is the namespace whose policy decides, and whose trusted issuers
	// sign the members' sessions.
	//
	// +required
	Namespace string `json:"namespace"`

	// scopePrefix is put before an organization's id to make it a scope, as in
	// `org:organization-live-...`. It is the prefix of the scope mapping of the
	// namespace's issuers.
	//
	// Default: `org:`. An empty one is none.
	//
	// +optional
	ScopePrefix *string `json:"scopePrefix,omitempty"`
}
