// SPDX-License-Identifier: Apache-2.0

// Package gateways holds the configurations of gateways that docs/gateways.md shows,
// and that no test can run, against what the projects of these gateways publish: Go
// types and CustomResourceDefinitions. It is a module of its own, so that nobody else
// has to have theirs.
package gateways
