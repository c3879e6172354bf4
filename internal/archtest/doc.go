// SPDX-License-Identifier: Apache-2.0

// Package archtest holds the house rules as ordinary tests: which package may
// import what and why, how packages are named and documented, how long a file
// may be, which documents must keep up with the code. Linters see to the rest.
//
// Whoever breaks a rule for a good reason changes the rule, and says why there.
package archtest
