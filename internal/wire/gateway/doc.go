// SPDX-License-Identifier: Apache-2.0

// Package gateway is what the doors for gateways have in common: which gateway is
// believed, whose a request is, what it means by the routes of the namespace, and
// what the answer says. The doors themselves are how a gateway asks.
//
// Nothing of a request is believed because it is there. A gateway is known by its
// address or its certificate, and whatever it passes on beside what the
// configuration names is the client's.
package gateway
