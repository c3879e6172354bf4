// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Gateway opens the doors for gateways, forward-auth and Envoy's ext_authz, for one
// namespace: what a request means is said by the routes of its Resources.
type Gateway struct {
	// namespace is the namespace whose policy decides.
	//
	// +required
	Namespace string `json:"namespace"`

	// peers are the gateways that are believed: everything about a request is what
	// they say, so nobody else is answered.
	//
	// +required
	// +listType=atomic
	Peers []GatewayPeer `json:"peers"`

	// requestHeaders says by which headers a forward-auth gateway tells the method,
	// the host and the path of a request: `Forwarded`, that is `X-Forwarded-Method`,
	// `X-Forwarded-Host` and `X-Forwarded-Uri`, as Traefik and Caddy do; or
	// `Original`, that is `X-Original-Method` and `X-Original-URL`, as
	// ingress-nginx does. The other ones mean nothing: a client may have sent them.
	//
	// Default: `Forwarded`.
	//
	// +optional
	RequestHeaders GatewayRequestHeaders `json:"requestHeaders,omitempty"`

	// subject says whose request it is.
	//
	// +optional
	Subject GatewaySubject `json:"subject,omitempty"`

	// contextHeaders are the headers that conditions see, as
	// `context.headers["user-agent"]`: names in small letters. A header that is there
	// more than once is one, joined by commas.
	//
	// +optional
	// +listType=set
	ContextHeaders []string `json:"contextHeaders,omitempty"`

	// decisionHeaders are the headers by which the application hears who asks. They
	// take the place of those that a client sends.
	//
	// +optional
	DecisionHeaders GatewayDecisionHeaders `json:"decisionHeaders,omitempty"`

	// denied is the answer to a client that may not.
	//
	// +optional
	Denied GatewayDenied `json:"denied,omitempty"`
}

// GatewayPeer is a gateway, or several. Exactly one of its fields is set. What a
// request says in its headers lets no gateway in: it may be the client's.
type GatewayPeer struct {
	// cidr is the addresses that it asks from, such as `10.0.0.0/8`. Whoever can send
	// from such an address is believed.
	//
	// +optional
	CIDR string `json:"cidr,omitempty"`

	// certificate is the name in its certificate by which
	// `callers.clientCertificates.allow` lets it ask for checks in the namespace.
	//
	// +optional
	Certificate string `json:"certificate,omitempty"`
}

// GatewayRequestHeaders is a family of headers.
//
// +kubebuilder:validation:Enum=Forwarded;Original
type GatewayRequestHeaders string

// The families of headers.
const (
	// GatewayForwarded is X-Forwarded-Method, X-Forwarded-Host and X-Forwarded-Uri.
	GatewayForwarded GatewayRequestHeaders = "Forwarded"
	// GatewayOriginal is X-Original-Method and X-Original-URL.
	GatewayOriginal GatewayRequestHeaders = "Original"
)

// GatewaySubject says whose request it is: that of whoever the token proves; else of
// whom the headers name; else of the client's certificate, if the gateway tells it;
// else of nobody, the subject `anonymous` of the type `anonymous`.
type GatewaySubject struct {
	// token says where the session token of a request is, which the namespace's
	// `sessions` verify. A token that does not count is a 401, whatever else there
	// is. Without it no token is looked for.
	//
	// +optional
	Token *GatewayToken `json:"token,omitempty"`

	// headers names the headers in which the gateway says who asks, because it has
	// authenticated the client itself. It must set or remove each of them on every
	// request, or clients can say who they are. Without it no header is believed.
	//
	// +optional
	Headers *GatewayIdentityHeaders `json:"headers,omitempty"`

	// certificateType, if it is set, is the type of the subject that a client's
	// certificate proves to Envoy, such as `service`; its id is what Envoy calls
	// `source.principal`.
	//
	// +optional
	CertificateType string `json:"certificateType,omitempty"`
}

// GatewayToken says where a token is: in the header `Authorization: Bearer TOKEN`, or
// else in a cookie.
type GatewayToken struct {
	// kind is `JWT`, for signed tokens, or `Opaque`, for those that the namespace's
	// introspection endpoint is asked about.
	//
	// Default: `JWT`.
	//
	// +optional
	Kind GatewayTokenKind `json:"kind,omitempty"`

	// cookie is the name of the cookie; none unless given.
	//
	// +optional
	Cookie string `json:"cookie,omitempty"`
}

// GatewayTokenKind is a kind of session token.
//
// +kubebuilder:validation:Enum=JWT;Opaque
type GatewayTokenKind string

// The kinds of session tokens.
const (
	// GatewayJWT is a signed token.
	GatewayJWT GatewayTokenKind = "JWT"
	// GatewayOpaque is a token that says nothing by itself.
	GatewayOpaque GatewayTokenKind = "Opaque"
)

// GatewayIdentityHeaders are the names of headers. Lists in them are separated by
// commas.
type GatewayIdentityHeaders struct {
	// id is the header with the subject's id. A request without it has no subject by
	// headers, and then the others must not be there.
	//
	// +required
	ID string `json:"id"`

	// type is the subject's type.
	//
	// Default: `user`.
	//
	// +optional
	Type string `json:"type,omitempty"`

	// roles is the header with asserted roles.
	//
	// +optional
	Roles string `json:"roles,omitempty"`

	// groups is the header with groups.
	//
	// +optional
	Groups string `json:"groups,omitempty"`

	// email is the header with a verified e-mail address.
	//
	// +optional
	Email string `json:"email,omitempty"`

	// scope is the header with the scope of the check.
	//
	// +optional
	Scope string `json:"scope,omitempty"`
}

// GatewayDecisionHeaders are the names of headers of an allowed request. Values are
// percent-encoded where they are not visible ASCII.
type GatewayDecisionHeaders struct {
	// subject has the id of the subject.
	//
	// Default: `X-Rolecall-Subject`.
	//
	// +optional
	Subject string `json:"subject,omitempty"`

	// subjectType has its type.
	//
	// Default: `X-Rolecall-Subject-Type`.
	//
	// +optional
	SubjectType string `json:"subjectType,omitempty"`

	// roles has the roles that granted the request, separated by commas.
	//
	// Default: `X-Rolecall-Roles`.
	//
	// +optional
	Roles string `json:"roles,omitempty"`
}

// GatewayDenied is the answer to a client that may not.
type GatewayDenied struct {
	// status is the HTTP status, from 400 to 499 and not 401, which stays what a
	// client without a subject hears. nginx makes a 500 of all but 401 and 403.
	//
	// Default: `403`.
	//
	// +optional
	Status int `json:"status,omitempty"`

	// body is the body, as plain text. nginx sends its own.
	//
	// Default: `access denied`.
	//
	// +optional
	Body string `json:"body,omitempty"`
}
