// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// KubernetesWebhook says what the requests of a Kubernetes API server mean here,
// which asks by SubjectAccessReview.
type KubernetesWebhook struct {
	// clusterScope is the scope of requests that are about no namespace of the
	// cluster, and what the scopes of its namespaces lie in, such as `cluster:prod`:
	// for a policy that several clusters ask.
	//
	// Default: none. Only what is bound at `*` then counts for requests about no
	// namespace.
	//
	// +optional
	ClusterScope string `json:"clusterScope,omitempty"`

	// namespaceScopePrefix is put before the name of a namespace of the cluster to
	// make it a scope, as in `namespace:team-a`, or `cluster:prod/namespace:team-a`
	// with a clusterScope.
	//
	// Default: `namespace:`. An empty one is none.
	//
	// +optional
	NamespaceScopePrefix *string `json:"namespaceScopePrefix,omitempty"`

	// serviceAccountType is the type of subjects that service accounts are. If it is
	// `user`, what is bound to every user reaches every service account too.
	//
	// Default: `service_account`.
	//
	// +optional
	ServiceAccountType string `json:"serviceAccountType,omitempty"`
}
