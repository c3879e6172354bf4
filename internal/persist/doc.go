// SPDX-License-Identifier: Apache-2.0

// Package persist has the collections that snapshots are made of: a reader holds
// one version of a collection, which never changes, and a writer makes the next
// one by copying the little that is different. So readers need no lock, and a
// change costs about the same in a small collection and in a large one.
//
// Map is for keys of any kind. Triples and Names hold a great many small things
// in few pieces of memory without pointers, which the garbage collector need not
// look through.
package persist
