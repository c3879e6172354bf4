// SPDX-License-Identifier: Apache-2.0

// Package random makes policies and requests without end, out of a universe that
// is small on purpose: few ids, so that they meet, and of everything the odd
// case. The same seed makes the same. Tests only.
package random
