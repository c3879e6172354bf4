// SPDX-License-Identifier: Apache-2.0

// Package schema reads the JSON Schema of a type's properties, says what does not
// fit it, and what it says of their types.
//
// It is the language of CustomResourceDefinitions, read by the API server's own
// libraries: a structural schema, in which every value has a type. What is not
// among the properties of an object is unknown, unless additionalProperties or
// x-kubernetes-preserve-unknown-fields lets it in. Keywords that only an API server
// could follow are refused, defaults among them.
package schema
