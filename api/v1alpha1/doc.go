// SPDX-License-Identifier: Apache-2.0

// Package v1alpha1 holds the kinds of the API group rolecall.dev, version
// v1alpha1: what a team writes to describe its application's permissions
// (Resource, Role, RoleBinding, Group), and the condition types and reasons that
// Rolecall reports on them.
//
// The package is data: it knows apimachinery and nothing else, so that any
// client can import it.
//
// +kubebuilder:object:generate=true
// +groupName=rolecall.dev
package v1alpha1
