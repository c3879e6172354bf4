// SPDX-License-Identifier: Apache-2.0

// Package grants is the index of the bindings of one namespace: which roles are
// given to a subject key, where and by which binding. Everything in it is a
// number that the caller has given to a name, except the ids of the keys.
//
// A Table is immutable; an Edit makes the next one. The keys are spread by a
// hash over pages of about forty, each one piece of memory without pointers,
// so that a look-up touches few cache lines, a change copies a page and the way
// to it, and the garbage collector has nothing to look through. A key with a
// great many bindings is kept apart, in sorted sets (see Fat), so that neither a
// check nor a change goes through all of them.
package grants
