// SPDX-License-Identifier: Apache-2.0

// Package kube is the data path's own watch of an API server: events become
// changes of the store.
//
// It keeps no copy of the objects. After a list it says what is there, and the
// store finds what is gone. It never gives up: definitions that are not
// installed yet and servers that are away are waited for, and said once.
package kube
