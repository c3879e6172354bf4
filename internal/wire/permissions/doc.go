// SPDX-License-Identifier: Apache-2.0

// Package permissions answers what a subject may do, all at once: for front ends,
// which show what their user can do and hide the rest.
//
// The answer is a help for showing, never for letting: what is done is checked
// when it is done. It shows no more than is certain. Whatever depends on the
// resource is false, and named as conditional beside.
package permissions
