// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// NamespaceSessions says whose session tokens count in one namespace.
type NamespaceSessions struct {
	// namespace is the Kubernetes namespace whose checks may carry these tokens.
	//
	// +required
	Namespace string `json:"namespace"`

	// jwt are the trusted issuers of signed tokens, in the shape of Kubernetes'
	// AuthenticationConfiguration. Each has a URL of its own.
	//
	// +optional
	// +listType=atomic
	JWT []JWTAuthenticator `json:"jwt,omitempty"`

	// introspection is the endpoint that is asked about opaque tokens.
	//
	// +optional
	Introspection *Introspection `json:"introspection,omitempty"`
}

// JWTAuthenticator trusts the signed tokens of one issuer.
type JWTAuthenticator struct {
	// issuer says who signs, for whom, and with which keys.
	//
	// +required
	Issuer Issuer `json:"issuer"`

	SubjectRules `json:",inline"`
}

// Issuer says who signs tokens, for whom, and where the keys are. At most one of
// discoveryURL, jwksURL and jwks is set; without any of them the keys are found
// by OpenID Connect Discovery below url, which then is an https URL.
type Issuer struct {
	// url is the `iss` claim of the tokens, compared exactly. It need not be a
	// URL: some issuers call themselves otherwise.
	//
	// +required
	URL string `json:"url"`

	// audiences are those that tokens may be for: the `aud` claim of a token must
	// hold one of them.
	//
	// +required
	// +listType=set
	Audiences []string `json:"audiences"`

	// discoveryURL is where the issuer's metadata is, if it is not at
	// `/.well-known/openid-configuration` below url. Its `issuer` must be url.
	//
	// +optional
	DiscoveryURL string `json:"discoveryURL,omitempty"`

	// jwksURL is where the JSON Web Key Set is (RFC 7517).
	//
	// +optional
	JWKSURL string `json:"jwksURL,omitempty"`

	// jwks is a JSON Web Key Set itself. Nothing is fetched then.
	//
	// +optional
	JWKS string `json:"jwks,omitempty"`

	// certificateAuthority is the PEM text of the certificates that the issuer's
	// server must be certified by.
	//
	// Default: the authorities that the system trusts.
	//
	// +optional
	CertificateAuthority string `json:"certificateAuthority,omitempty"`

	// allowPlainHTTP lets keys be fetched without TLS. Whoever sits between can
	// then give out keys, and be anyone.
	//
	// +optional
	AllowPlainHTTP bool `json:"allowPlainHTTP,omitempty"`

	// algorithms are those that tokens may be signed with, of RS256, RS384, RS512,
	// PS256, PS384, PS512, ES256, ES384, ES512 and EdDSA.
	//
	// Default: all of them.
	//
	// +optional
	// +listType=set
	Algorithms []string `json:"algorithms,omitempty"`

	// types are the `typ` headers that tokens may have, such as `at+jwt` for
	// access tokens (RFC 9068), compared without regard to case.
	//
	// Default: `JWT`, or no such header.
	//
	// +optional
	// +listType=set
	Types []string `json:"types,omitempty"`

	// leeway is by how much the issuer's clock and ours may differ, up to `5m`.
	//
	// Default: `10s`.
	//
	// +optional
	Leeway *metav1.Duration `json:"leeway,omitempty"`

	// keyRefreshInterval is how often keys are fetched, from `10s`. A token whose
	// key is not known has them fetched at once, at most every ten seconds.
	//
	// Default: `5m`.
	//
	// +optional
	KeyRefreshInterval metav1.Duration `json:"keyRefreshInterval,omitempty"`

	// maxKeyAge is how long keys are trusted after they were fetched last, and so
	// how long an outage of the issuer may last. Beyond it tokens cannot be
	// verified, which is an error and no decision.
	//
	// Default: `24h`.
	//
	// +optional
	MaxKeyAge metav1.Duration `json:"maxKeyAge,omitempty"`
}

// Introspection is an endpoint that is asked about opaque tokens (RFC 7662), for
// every check that carries one: nothing is kept, so that a revocation holds at
// once.
type Introspection struct {
	// url is the endpoint.
	//
	// +required
	URL string `json:"url"`

	// clientID is the name by which this server authenticates there, with HTTP
	// Basic (RFC 6749, section 2.3.1).
	//
	// +required
	ClientID string `json:"clientID"`

	// clientSecretFile is the path of a file with the secret that goes with
	// clientID; white space around it does not count. It is read for every call,
	// so that a renewed secret needs no restart.
	//
	// +required
	ClientSecretFile string `json:"clientSecretFile"`

	// certificateAuthority is the PEM text of the certificates that the endpoint
	// must be certified by.
	//
	// Default: the authorities that the system trusts.
	//
	// +optional
	CertificateAuthority string `json:"certificateAuthority,omitempty"`

	// allowPlainHTTP lets the endpoint be asked without TLS. Whoever sits between
	// sees the tokens and the secret.
	//
	// +optional
	AllowPlainHTTP bool `json:"allowPlainHTTP,omitempty"`

	// issuer, if set, is what the answer's `iss` must be.
	//
	// +optional
	Issuer string `json:"issuer,omitempty"`

	// audiences, if set, are those of which the answer's `aud` must hold one. Set
	// them, unless the endpoint itself tells only of tokens that are for this
	// client.
	//
	// +optional
	// +listType=set
	Audiences []string `json:"audiences,omitempty"`

	// timeout is how long an answer may take, waiting for its turn included, up to
	// `10s`.
	//
	// Default: `2s`.
	//
	// +optional
	Timeout metav1.Duration `json:"timeout,omitempty"`

	// maxConcurrent is how many tokens are asked about at the same time, from 1 to
	// 1000. The others wait for their turn.
	//
	// Default: 64.
	//
	// +optional
	MaxConcurrent int `json:"maxConcurrent,omitempty"`

	// leeway is by how much the endpoint's clock and ours may differ, up to `5m`.
	//
	// Default: `10s`.
	//
	// +optional
	Leeway *metav1.Duration `json:"leeway,omitempty"`

	SubjectRules `json:",inline"`
}

// SubjectRules say what the claims of a valid token mean. For an opaque token the
// claims are the members of the introspection's answer.
//
// Expressions are CEL with the functions of conditions. Those about claims have
// one variable, `claims`.
type SubjectRules struct {
	// claimValidationRules must all hold for the claims of a token.
	//
	// +optional
	// +listType=atomic
	ClaimValidationRules []ClaimValidationRule `json:"claimValidationRules,omitempty"`

	// claimMappings say which claim means what.
	//
	// +optional
	ClaimMappings ClaimMappings `json:"claimMappings,omitempty"`

	// userValidationRules must all hold for the subject that the mappings make.
	//
	// +optional
	// +listType=atomic
	UserValidationRules []UserValidationRule `json:"userValidationRules,omitempty"`
}

// ClaimValidationRule is either a claim with the value that it must have, or an
// expression that must be true.
type ClaimValidationRule struct {
	// claim is the name of a claim that must be a string.
	//
	// +optional
	Claim string `json:"claim,omitempty"`

	// requiredValue is what claim must be, exactly.
	//
	// +optional
	RequiredValue string `json:"requiredValue,omitempty"`

	// expression must be true, such as `claims.hd == "example.com"`.
	//
	// +optional
	Expression string `json:"expression,omitempty"`

	// message tells whom the rule refuses what is wrong, in place of expression.
	//
	// +optional
	Message string `json:"message,omitempty"`
}

// UserValidationRule is a condition that must hold for the subject of a token.
type UserValidationRule struct {
	// expression is a condition as in a Role. It sees `subject`, and the mapped
	// scope as `scope`; such as `!subject.id.startsWith("system:")`.
	//
	// +required
	Expression string `json:"expression"`

	// message tells whom the rule refuses what is wrong, in place of expression.
	//
	// +optional
	Message string `json:"message,omitempty"`
}

// ClaimMappings say which claim means what. What is not mapped is empty. A claim
// that a token lacks, or that is null, is empty too, except where it is required;
// one of the wrong form makes the token invalid. An expression that fails makes
// it invalid, so guard what may be missing by has().
type ClaimMappings struct {
	// id is the subject's id, a string. It is required of every token.
	//
	// Default: claim `sub`, prefix "".
	//
	// +optional
	ID PrefixedClaimOrExpression `json:"id,omitempty"`

	// type is the subject's type, a string; it is required of every token if it is
	// mapped. The expression `"service"` is the same for all.
	//
	// Default: `user`.
	//
	// +optional
	Type ClaimOrExpression `json:"type,omitempty"`

	// groups are the ids of the subject's groups: a string or a list of strings.
	//
	// +optional
	Groups PrefixedClaimOrExpression `json:"groups,omitempty"`

	// roles are the roles that the token asserts: a string or a list of strings.
	// They count if the Role is assertable, and only in the scope of the token.
	//
	// +optional
	Roles ClaimOrExpression `json:"roles,omitempty"`

	// scope is the scope that the session belongs to, a string; it is required of
	// every token if it is mapped. A claim is taken as an opaque name of a tenant,
	// in which `/` is written as `%2F` and `%` as `%25`; an expression gives a
	// scope as it is, or a scope after a prefix that it adds itself. Checks that
	// ask elsewhere are denied.
	//
	// Map it if the tokens belong to tenants: without it their roles count in
	// every scope.
	//
	// +optional
	Scope PrefixedClaimOrExpression `json:"scope,omitempty"`

	// email is the subject's e-mail address, a string.
	//
	// +optional
	Email ClaimOrExpression `json:"email,omitempty"`

	// emailVerified says whether the address is proven, true or false. Without it
	// the address is not verified and gives nothing.
	//
	// +optional
	EmailVerified ClaimOrExpression `json:"emailVerified,omitempty"`

	// ssoConnections are the ids of the SSO connections that this session has
	// logged in with: a string or a list of strings.
	//
	// +optional
	SSOConnections ClaimOrExpression `json:"ssoConnections,omitempty"`

	// ssoGroups are the groups that connections report: a list of objects with
	// `connection` and `id`. Those of a connection that is not among
	// ssoConnections do not count.
	//
	// +optional
	SSOGroups ClaimOrExpression `json:"ssoGroups,omitempty"`

	// properties are free attributes of the subject, for conditions. They give no
	// authority.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	Properties []PropertyMapping `json:"properties,omitempty"`
}

// ClaimOrExpression is at most one of its fields.
type ClaimOrExpression struct {
	// claim is the name of a claim. For a claim inside another, use expression.
	//
	// +optional
	Claim string `json:"claim,omitempty"`

	// expression makes the value, such as `claims.realm_access.roles`.
	//
	// +optional
	Expression string `json:"expression,omitempty"`
}

// PrefixedClaimOrExpression is a claim with a prefix, or an expression.
type PrefixedClaimOrExpression struct {
	// claim is the name of a claim. For a claim inside another, use expression.
	//
	// +optional
	Claim string `json:"claim,omitempty"`

	// prefix is put before each value of claim, such as `org:`. It is required
	// with claim; say "" for none.
	//
	// +optional
	Prefix *string `json:"prefix,omitempty"`

	// expression makes the value.
	//
	// +optional
	Expression string `json:"expression,omitempty"`
}

// PropertyMapping is a free attribute of the subject.
type PropertyMapping struct {
	// name is the attribute's name below `subject.properties`.
	//
	// +required
	Name string `json:"name"`

	ClaimOrExpression `json:",inline"`
}
