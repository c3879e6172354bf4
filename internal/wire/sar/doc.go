// SPDX-License-Identifier: Apache-2.0

// Package sar is the door for Kubernetes API servers, which ask by
// SubjectAccessReview (authorization.k8s.io/v1 and v1beta1) whether one of their
// users may do what it is about to.
//
// A review becomes a request in two steps: the Decoder reads it, and a Mapping says
// what its user, its attributes and its namespace are here. docs/kubernetes-webhook.md
// describes both for those who write policies.
package sar
