// SPDX-License-Identifier: Apache-2.0

// Package routing finds what an HTTP request means: the routes of a namespace go
// in, an immutable Table comes out, and Match finds the route of a request by its
// method, host and path.
//
// Of the routes that match a request the most specific one counts: one for the
// request's host before one for any host, one for HEAD before one for GET, and of
// two paths the one that matches less. Where no route is the most specific one, or
// objects disagree about what it means, the request has no meaning, and neither has
// one whose path a proxy and the server behind it may read differently. Nothing is
// guessed, because what is guessed here is what somebody is let in to.
//
// The package is pure. A match takes no lock and, unless something in the path is
// percent-encoded, no memory; its time depends on the path and on the routes that
// match its beginning, not on how many there are.
package routing
