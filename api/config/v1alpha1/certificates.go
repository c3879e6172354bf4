// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Certificates describes the certificate that the servers make themselves: an
// authority, and a certificate that it signs, which all replicas show. The replica
// that leads keeps both in a Secret, renews them before they end, and publishes the
// authority for clients in a ConfigMap. Both are in the namespace of the Lease
// (`leaderElection.namespace`). It needs an API server.
//
// Clients that trust what the ConfigMap says, or said within authorityOverlap,
// accept what every replica shows.
type Certificates struct {
	// secretName is the name of the Secret. One that somebody else has made is never
	// written to. The operator needs the rights `get`, `list`, `watch` and `update`
	// on it, and to `create` Secrets in the namespace.
	//
	// Default: `rolecall-tls`.
	//
	// +optional
	SecretName string `json:"secretName,omitempty"`

	// configMapName is the name of the ConfigMap, whose key `ca.crt` holds the
	// authorities to trust in PEM: two while one follows the other. One that somebody
	// else has made is never written to. The operator needs the same rights on it.
	//
	// Default: `rolecall-ca`.
	//
	// +optional
	ConfigMapName string `json:"configMapName,omitempty"`

	// dnsNames are the names by which clients reach the server, such as
	// `rolecall.rolecall-system.svc`: the certificate's subject alternative names.
	// The first label may be `*`. When they change, another certificate is signed.
	//
	// +required
	// +listType=set
	DNSNames []string `json:"dnsNames"`

	// validity is how long a certificate is valid, from `1m` to `8760h`. It is
	// renewed after two thirds of that.
	//
	// Default: `2160h` (90 days).
	//
	// +optional
	Validity metav1.Duration `json:"validity,omitempty"`

	// authorityValidity is how long an authority is valid, up to `87600h`. Its
	// successor is made after two thirds of that; the last third must be long enough
	// for authorityOverlap and validity together.
	//
	// Default: `43800h` (five years).
	//
	// +optional
	AuthorityValidity metav1.Duration `json:"authorityValidity,omitempty"`

	// authorityOverlap is how long a new authority is published before it signs
	// anything, at least `1s`: as long may clients take to read the ConfigMap again.
	// The old one stays published until all that it has signed has ended.
	//
	// Default: `168h` (a week).
	//
	// +optional
	AuthorityOverlap metav1.Duration `json:"authorityOverlap,omitempty"`
}
