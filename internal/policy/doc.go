// SPDX-License-Identifier: Apache-2.0

// Package policy is the decision core: units (compiled objects) in, an immutable
// Snapshot out, and Check, which decides a request by one snapshot.
//
// A snapshot has two tiers. In the Vocabulary of a namespace (its resources and
// roles) each pair of a type and an action is found by both names at once, and has a
// row, the set of the roles that cover it, so that all roles of a check are looked up
// in a cache line or two. When a resource or a role changes, a Linker makes the next
// one and touches the rows of the roles that say something else by it. The bindings are a table from what a
// subject is to what it holds (see internal/grants); a changed binding touches the
// entries of its own subjects and nothing else, and a role may come before or
// after its bindings.
//
// The tiers know each other's roles by number only. An Index, which belongs to
// the one who writes, gives the numbers out and takes them back; the snapshots
// that it publishes translate the numbers of one tier to those of the other.
//
// The package is pure. It knows no clock, no logger, no lock and no Kubernetes;
// the same units give the same answers in whatever order they came.
package policy
