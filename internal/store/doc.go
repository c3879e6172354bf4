// SPDX-License-Identifier: Apache-2.0

// Package store owns the policy in force. Sources put objects in; one goroutine at
// a time compiles them, makes the next snapshot and publishes it: the writer's, or
// that of a source whose change is cheap and alone. Any number of readers take the
// current one with a single load.
//
// What is published is a function of the objects present and of nothing else:
// not of the order in which they came, nor of what was there before. The store
// keeps compiled units and, of bindings, the numbers that they come to; never
// objects.
package store
