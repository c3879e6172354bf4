// SPDX-License-Identifier: Apache-2.0

// Package decide puts the corpus and random requests to the decision core and to
// the oracle, with nothing around them: it is small and quick, so that it can be
// run with one rule after the other switched off (hack/mutants). What else must
// decide in the same way stands in package conformance. Tests only.
package decide
