// SPDX-License-Identifier: Apache-2.0

// Package expr compiles and evaluates the conditions of permissions and
// bindings: CEL expressions over a request.
//
// # Variables
//
//	subject   type, id, email, email_verified, groups, roles (the asserted ones), properties
//	resource  type, id, properties
//	action    name, properties
//	context   what else the application says
//	scope     the tenant inside the application, or ""
//	now       the moment of the decision
//
// and for policies that come from Cerbos request.principal (id, roles, attr),
// request.resource (kind, id, attr), P and R for the two, attr being properties.
// A field that is not listed does not compile; below properties, attr and
// context any key does, and reading one that the request lacks is an error.
// Values there are those of encoding/json, so every number is a double:
// `resource.properties.count == 5` compares as expected, and
// `resource.properties.count + 1` needs int(...) around the first.
//
// # Functions
//
// CEL's own; cel-go's extensions for strings, lists, sets, mathematics, base64,
// regular expressions, optionals, cel.bind and loops with two variables; the
// Kubernetes libraries for IP, CIDR, quantity, semver, URL, format, lists and
// regular expressions. Of Cerbos' functions: now, timeSince, hasIntersection,
// isSubset, intersect, except, inIPAddrRange.
//
// # Outcomes
//
// A condition is true, false or an error, and which is a function of the text,
// the request and what is left of the budget: loops go through maps in the order
// of the keys, and nothing reads a clock. Whatever a condition says and a
// request holds, an evaluation ends within milliseconds. See CheckBudget.
package expr
