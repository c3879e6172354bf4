// SPDX-License-Identifier: Apache-2.0

// Package authz is the vocabulary of a decision: what a door asks (Request),
// what it is told (Decision, Reason), and whom it asks (Checker). Every door
// translates its protocol to these types and back; nothing here knows a
// protocol, a clock, Kubernetes or CEL.
//
// The zero Decision is a deny, and an error never comes with an allow.
package authz
