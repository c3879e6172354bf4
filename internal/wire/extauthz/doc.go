// SPDX-License-Identifier: Apache-2.0

// Package extauthz is the door of Envoy's external authorization, version 3 over
// gRPC: of Envoy itself, Istio, Envoy Gateway, Contour and what else is made of it.
//
// Whatever a client can bring about is answered with a CheckResponse. An error of
// gRPC means that it is not known whether the client may: what happens then, the
// filter's failure_mode_allow and status_on_error say.
package extauthz
