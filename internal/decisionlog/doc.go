// SPDX-License-Identifier: Apache-2.0

// Package decisionlog writes down who asked what for whom, and the answer: one
// JSON object a line.
//
// Nothing of it is on the path of a check but the copying of what is needed. A
// Log hands each door a recorder of its own, which copies a decision into a
// record that is used again, and queues it if there is room; one that does not
// fit is dropped and counted. A single goroutine makes lines of the records and
// writes them.
//
// A line holds what names things (ids, types, actions, scopes, roles), and of the
// properties and the context what the configuration includes, nothing else. It
// knows neither tokens nor credentials: a door has taken them out of a request
// before there is a decision.
package decisionlog
