// SPDX-License-Identifier: Apache-2.0

// Package forwardauth is the door that HTTP gateways ask before they let a request
// through: nginx (auth_request), Traefik (ForwardAuth), Caddy (forward_auth) and
// those that do as they do.
//
// The question is a GET without a body. What it is about stands in headers: which
// ones, the configuration says, because a gateway overwrites only its own and passes
// on what a client has sent as the others. 200 lets the request through, with headers
// for the application; 401 and 403 do not; 503 says that it is not known.
package forwardauth
