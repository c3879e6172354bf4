// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// FrontEnds lets the users of applications ask what they may do themselves, from
// a browser: with the JWT of their session as the proof, instead of a caller's.
type FrontEnds struct {
	// allowedOrigins are the origins whose pages may read the answers, such as
	// `https://app.example.com`: a scheme, a host and, if it is not the scheme's own, a
	// port. There is no wildcard. Pages of the server's own origin, as behind a
	// proxy, need none.
	//
	// +optional
	// +listType=set
	AllowedOrigins []string `json:"allowedOrigins,omitempty"`
}
