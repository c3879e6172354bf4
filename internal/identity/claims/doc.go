// SPDX-License-Identifier: Apache-2.0

// Package claims reads what configured mappings and rules say of the claims of a
// token that has been verified: by the name of a claim, or by a CEL expression.
//
// Whatever does not fit makes the token invalid: a claim of the wrong form, an
// expression that fails, a rule that does not hold. Errors name the mapping or the
// rule and never hold a value.
package claims
