// SPDX-License-Identifier: Apache-2.0

// Package server listens: for checks, for health probes, for Prometheus. It does
// what is the same for every door (addresses, TLS, timeouts, limits, methods,
// media types, request ids, panics, an orderly end) and knows neither a protocol
// nor a policy.
package server
