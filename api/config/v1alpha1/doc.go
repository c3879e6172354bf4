// SPDX-License-Identifier: Apache-2.0

// Package v1alpha1 holds the kind of Rolecall's configuration file: API group
// config.rolecall.dev, version v1alpha1. It is a file's kind only; no API server
// knows it. Package config reads, defaults and validates it.
//
// +kubebuilder:object:generate=true
// +groupName=config.rolecall.dev
package v1alpha1
