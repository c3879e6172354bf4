// SPDX-License-Identifier: Apache-2.0

package sar

// The versions of a review, which differ in how it spells a user's groups.
const (
	V1      = "authorization.k8s.io/v1"
	V1Beta1 = "authorization.k8s.io/v1beta1"
)

// Review is what a SubjectAccessReview asks. Exactly one of Resource and
// NonResource is not nil.
//
// Source: the types of k8s.io/api/authorization/v1.
type Review struct {
	// Version is V1 or V1Beta1.
	Version string
	// User is the user's name, UID its id; either may be empty.
	User, UID string
	// Groups are the user's groups.
	Groups []string
	// Resource is what is to be done to an object or to a kind of objects.
	Resource *ResourceAttributes
	// NonResource is what is to be done to a path that is no object's.
	NonResource *NonResourceAttributes
	// Context is the review's spec for conditions: the fields above by the names
	// that they have in JSON, also those that are empty, and `extra`. Values are
	// those of encoding/json.
	Context map[string]any
}

// ResourceAttributes are what a review says of an object or a kind of objects. The
// selectors of a list are in the Context only.
type ResourceAttributes struct {
	// Namespace is empty for what lies in none, and for all of them together.
	Namespace string
	// Verb is what is to be done, such as `list`.
	Verb string
	// Group, Version and Resource are the kind of objects, such as `apps`, `v1` and
	// `deployments`; the core group is empty.
	Group, Version, Resource string
	// Subresource is a part of the object, such as `log`; empty for all of it.
	Subresource string
	// Name is the object's, empty if there is none yet or the kind is meant.
	Name string
}

// NonResourceAttributes are what a review says of a path that is no object's.
type NonResourceAttributes struct {
	// Path is that of the request, such as `/metrics`.
	Path string
	// Verb is the method in small letters, such as `get`.
	Verb string
}
