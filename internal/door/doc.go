// SPDX-License-Identifier: Apache-2.0

// Package door is what the doors have in common: the shape of an endpoint (Route
// over HTTP, Service over gRPC), the way to the policy (Asker), and how an error of
// the core becomes a status.
//
// Every protocol is a dialect in a package of its own below internal/wire. A
// dialect decodes its bytes to an authz.Request, asks, and encodes the
// authz.Decision; it decides nothing. The server does what is the same for all:
// methods, limits, media types, request ids, panics, metrics. This package stands
// between them, so that neither knows the other.
package door
