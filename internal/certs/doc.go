// SPDX-License-Identifier: Apache-2.0

// Package certs makes the server's certificate, and keeps it fresh: an authority,
// and a certificate that it signs and that every replica shows.
//
// Both live in one Secret. The replica that leads writes it (Keeper), every replica
// reads it (Holder). What clients have to trust is published in a ConfigMap, and in
// the webhook configuration by which the API server asks.
//
// What holds, and why the order of things is what it is (rules): whoever trusts what
// was published at any time within the overlap accepts what any replica shows. A new
// authority is published for that long before it signs, and an old one stays
// published until all that it has signed has ended, so that a replica which has not
// heard of anything newer is still believed. The Secret is the only state, each step
// is one write of it, and who writes second is refused, so that a leader can be lost
// between any two of them.
package certs
