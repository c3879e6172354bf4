// SPDX-License-Identifier: Apache-2.0

// Package testkit is what tests write policies and checks with: builders of
// objects, objects and checks as YAML, what is expected of them, and checks as
// AuthZEN requests. Tests only.
package testkit
