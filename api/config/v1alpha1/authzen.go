// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// AuthZEN configures the native door, the OpenID AuthZEN Authorization API 1.0. It
// is always open.
type AuthZEN struct {
	// url is where clients reach this door, such as `https://authz.example.com`: the
	// `https` URL of the policy decision point of the default namespace. That of
	// another one is this and `/ns/NAMESPACE`. It may have a path, if a proxy serves
	// the door below one, and has neither a query nor a fragment.
	//
	// The metadata at `/.well-known/authzen-configuration`, by which clients find the
	// endpoints, is made of it and of nothing that a request says. Without it there is
	// none.
	//
	// +optional
	URL string `json:"url,omitempty"`

	// search bounds what a search may cost: who may, to what, and what may be done.
	//
	// +optional
	Search Search `json:"search,omitempty"`
}

// Search bounds searches, so that they leave room for checks. Zero means the
// default; there is no way to have no bound.
type Search struct {
	// results is how many results one answer holds at most, whatever limit a request
	// asks for, from 1 to 10000. A request that asks for none gets as many.
	//
	// Default: 1000.
	//
	// +optional
	Results int `json:"results,omitempty"`

	// candidates is how many subjects or resources one request decides about at
	// most, from 1 to 1000000. If that is not enough for a full page, the answer is a
	// shorter one, with the token to go on.
	//
	// Default: 100000.
	//
	// +optional
	Candidates int `json:"candidates,omitempty"`

	// concurrent is how many searches are under way at a time, from 1 to 1000; others
	// wait.
	//
	// Default: half of the processors that the server may use, at least 1.
	//
	// +optional
	Concurrent int `json:"concurrent,omitempty"`

	// timeout is how long a search may take, its waiting included. One that takes
	// longer is an error.
	//
	// Default: `5s`.
	//
	// +optional
	Timeout metav1.Duration `json:"timeout,omitempty"`
}
