// SPDX-License-Identifier: Apache-2.0

// Package controllers writes the status of Resources, Roles, RoleBindings and Groups:
// one reconciler a kind, on the leader only.
//
// A reconciler reads its object and what the object names from the manager's
// cache, asks the compiler, which the data path asks too, and writes conditions
// and counts if they differ. It is never in the data path and never a gate for
// it: a decision does not depend on whether a status has been written.
//
// Whatever an object names is found by a field index, and whatever names it is
// asked again when it comes, changes or goes, by the same indexes.
package controllers

// Events are those of the objects, wherever they are; leases and the events of
// the election are in the operator's own namespace.
//
// +kubebuilder:rbac:groups=rolecall.dev,resources=resources;roles;rolebindings;groups,verbs=list;watch
// +kubebuilder:rbac:groups=rolecall.dev,resources=resources/status;roles/status;rolebindings/status;groups/status,verbs=patch
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch
// +kubebuilder:rbac:groups=coordination.k8s.io,resources=leases,namespace=rolecall-system,verbs=get;create;update
// +kubebuilder:rbac:groups="",resources=events,namespace=rolecall-system,verbs=create;patch
