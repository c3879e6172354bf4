// SPDX-License-Identifier: Apache-2.0

// Package policy is the decision core: units (compiled objects) in, an immutable
// Snapshot out, and Check, which decides a request by one snapshot.
//
// A snapshot has two tiers. The Vocabulary of a namespace (its resources and
// roles) is linked as a whole whenever one of them changes. The bindings are an
// index from what a subject is to what it holds; they name roles by id, so a
// changed binding touches the entries of its own subjects and nothing else, and
// a role may come before or after its bindings.
//
// The package is pure. It knows no clock, no logger, no lock and no Kubernetes;
// the same units give the same answers in whatever order they came.
package policy
