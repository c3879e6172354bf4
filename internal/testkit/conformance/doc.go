// SPDX-License-Identifier: Apache-2.0

// Package conformance shows that everything which decides decides alike: the
// compiled snapshot, the oracle, the store whatever order the objects come in,
// the folder source, the API server with its watch, and the AuthZEN door. The
// cases are those of the corpus and of the samples, and random ones without end.
// Tests only.
package conformance
