// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Callers says who may ask the doors, and how they prove who they are. A caller
// is the application that asks, not the subject that it asks about. The methods
// can be combined; a caller proves itself by one of them.
type Callers struct {
	// anonymous is `Allow` to let everyone ask everything who reaches the listener,
	// or `Deny`. It goes with no method: whoever may ask without proof needs none.
	//
	// Default: `Deny` with a method or beyond the loopback interface, else `Allow`.
	//
	// +optional
	Anonymous AnonymousCallers `json:"anonymous,omitempty"`

	// serviceAccounts lets in those whom Kubernetes knows by a service account's
	// token and to whom Kubernetes RBAC gives the right. It needs an API server.
	//
	// Default: `{}` if no method is configured, the objects come from an API server
	// and the doors listen beyond the loopback interface.
	//
	// +optional
	ServiceAccounts *ServiceAccountCallers `json:"serviceAccounts,omitempty"`

	// jwt lets in those who have a signed token of an issuer, with OAuth scopes.
	// Each issuer is named once.
	//
	// +optional
	// +listType=atomic
	JWT []JWTCallers `json:"jwt,omitempty"`

	// clientCertificates lets in those who have a certificate of an authority, by
	// the names in it (mutual TLS). It needs `http.tls`.
	//
	// +optional
	ClientCertificates *ClientCertificateCallers `json:"clientCertificates,omitempty"`

	// apiKeys are those who are let in by a secret that they share with the server.
	//
	// +optional
	// +listType=map
	// +listMapKey=id
	APIKeys []APIKeyCaller `json:"apiKeys,omitempty"`
}

// AnonymousCallers says whether callers need to prove who they are.
//
// +kubebuilder:validation:Enum=Allow;Deny
type AnonymousCallers string

// The ways to treat callers without proof.
const (
	// AnonymousAllow lets everyone in.
	AnonymousAllow AnonymousCallers = "Allow"
	// AnonymousDeny lets in only those whom a method lets in.
	AnonymousDeny AnonymousCallers = "Deny"
)

// ServiceAccountCallers says how service accounts are recognized. They send
// `Authorization: Bearer TOKEN`. The API server is asked whose the token is
// (TokenReview), and whether it may `create` the virtual resource of the
// permission, such as `checks.rolecall.dev`, in the namespace asked about
// (SubjectAccessReview). The operator needs the right to ask both.
type ServiceAccountCallers struct {
	// audience is the one that a token must be for, so that a token for something
	// else is worth nothing here, and one for this is worth nothing elsewhere.
	//
	// Default: `rolecall.dev`.
	//
	// +optional
	Audience string `json:"audience,omitempty"`

	// reviewTTL is how long a caller that was let in need not be reviewed again,
	// from `1s` to `10m`: as long may a right that was taken away still count.
	//
	// Default: `10s`.
	//
	// +optional
	ReviewTTL metav1.Duration `json:"reviewTTL,omitempty"`

	// refusalTTL is how long a caller that was refused is refused without another
	// review, from `1s` to `10m`: as long may a right that was given not yet count.
	//
	// Default: `2s`.
	//
	// +optional
	RefusalTTL metav1.Duration `json:"refusalTTL,omitempty"`

	// outageTTL is how long after its last review a caller that was let in goes on
	// being let in while no review can be made, because the API server does not
	// answer; up to `24h`. Not longer than reviewTTL means: not at all.
	//
	// Default: `15m`.
	//
	// +optional
	OutageTTL metav1.Duration `json:"outageTTL,omitempty"`
}

// JWTCallers are those who have a signed token of an issuer. They send it as
// `Authorization: Bearer TOKEN`. Its scopes say what they may ask: `authz:check`,
// `authz:search`, `authz:explain` and `authz:policy` are the permissions `checks`,
// `searches`, `explanations` and `policies`; others mean nothing here. Exactly one
// of namespaces and namespacesClaim is set.
//
// A token that was verified is not verified again for ten seconds, nor after its
// end.
type JWTCallers struct {
	// issuer says who signs the tokens, for whom, and with which keys.
	//
	// +required
	Issuer Issuer `json:"issuer"`

	// nameClaim is the claim with the caller's name, a string. The caller is called
	// by the issuer's URL, `#` and this name.
	//
	// Default: `sub`.
	//
	// +optional
	NameClaim string `json:"nameClaim,omitempty"`

	// scopesClaim is the claim with the scopes: a string of scopes separated by
	// spaces (RFC 8693, section 4.2), or a list of strings.
	//
	// Default: `scope`.
	//
	// +optional
	ScopesClaim string `json:"scopesClaim,omitempty"`

	// namespaces are those that all tokens of the issuer may ask about; `*` alone
	// is all of them.
	//
	// +optional
	// +listType=set
	Namespaces []string `json:"namespaces,omitempty"`

	// namespacesClaim is the claim with the namespaces that a token may ask about:
	// a string of names separated by spaces, or a list of strings. There is no name
	// in it that means all of them.
	//
	// +optional
	NamespacesClaim string `json:"namespacesClaim,omitempty"`
}

// ClientCertificateCallers says which certificates let whom in.
type ClientCertificateCallers struct {
	// caFile is the path of the authorities' certificates in PEM. It is read again
	// when it changes; who has a certificate of one that is no longer in it is
	// refused, also on a connection that is open.
	//
	// +required
	CAFile string `json:"caFile"`

	// allow says what the names in certificates let ask. A certificate with none
	// of these names may ask nothing; one with several may ask what any of them may.
	//
	// +required
	// +listType=atomic
	Allow []CertificateCaller `json:"allow"`
}

// CertificateCaller is a name in a certificate, and what it may ask. Exactly one
// of commonName, dnsName and uri is set, and compared whole.
type CertificateCaller struct {
	// commonName is the common name of the certificate's subject.
	//
	// +optional
	CommonName string `json:"commonName,omitempty"`

	// dnsName is a DNS name among the subject's alternative names. It is a name
	// here, not a pattern.
	//
	// +optional
	DNSName string `json:"dnsName,omitempty"`

	// uri is a URI among the subject's alternative names, such as a SPIFFE ID.
	//
	// +optional
	URI string `json:"uri,omitempty"`

	CallerGrant `json:",inline"`
}

// APIKeyCaller is a caller and the file of its keys. It sends a key as
// `Authorization: Bearer KEY`, as `Authorization: Basic` with its id as the user
// and the key as the password, or as `X-API-Key`.
type APIKeyCaller struct {
	// id is the caller's name, of letters, digits, `-`, `_` and `.`.
	//
	// +required
	ID string `json:"id"`

	// keyFile is the path of a file with the key, or several, one a line, so that a
	// new one can be given out before the old one goes. A key is 16 to 512 letters,
	// digits and `-_~+/=`; `openssl rand -base64 32` makes one. The file is read
	// again when it changes; as long as it is not there or wrong, nobody is let in
	// by it.
	//
	// +required
	KeyFile string `json:"keyFile"`

	CallerGrant `json:",inline"`
}

// CallerGrant is what a caller may ask, and of which namespaces.
type CallerGrant struct {
	// namespaces are those that the caller may ask about; `*` alone is all of them.
	//
	// +required
	// +listType=set
	Namespaces []string `json:"namespaces"`

	// permissions are what it may ask there: `checks`, `searches`, `explanations`,
	// `policies`.
	//
	// +required
	// +listType=set
	Permissions []CallerPermission `json:"permissions"`
}

// CallerPermission is something that a caller may ask.
//
// +kubebuilder:validation:Enum=checks;searches;explanations;policies
type CallerPermission string

// The permissions of callers.
const (
	// CallerChecks is to ask for decisions.
	CallerChecks CallerPermission = "checks"
	// CallerSearches is to ask who may, what may be done and to what.
	CallerSearches CallerPermission = "searches"
	// CallerExplanations is to ask why.
	CallerExplanations CallerPermission = "explanations"
	// CallerPolicies is to fetch the policy itself.
	CallerPolicies CallerPermission = "policies"
)

// CallerPermissions returns all permissions.
func CallerPermissions() []CallerPermission {
	return []CallerPermission{CallerChecks, CallerSearches, CallerExplanations, CallerPolicies}
}
