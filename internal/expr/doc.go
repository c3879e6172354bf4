// SPDX-License-Identifier: Apache-2.0

// Package expr compiles and evaluates the conditions of permissions and
// bindings, which are CEL expressions over a request.
package expr
