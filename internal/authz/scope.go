// SPDX-License-Identifier: Apache-2.0

package authz

import "strings"

var (
	escapeSegment   = strings.NewReplacer("%", "%25", "/", "%2F")
	unescapeSegment = strings.NewReplacer("%25", "%", "%2F", "/")
)

// EscapeSegment makes a tenant's opaque id a segment of a scope, or a part of one:
// it keeps what is no segment's within it, and two ids apart.
func EscapeSegment(id string) string {
	return escapeSegment.Replace(id)
}

// UnescapeSegment undoes EscapeSegment.
func UnescapeSegment(segment string) string {
	return unescapeSegment.Replace(segment)
}
