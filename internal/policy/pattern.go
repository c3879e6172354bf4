// SPDX-License-Identifier: Apache-2.0

package policy

import "strings"

// IsPattern reports whether s holds a `*`.
func IsPattern(s string) bool {
	return strings.IndexByte(s, '*') >= 0
}

// Match reports whether a pattern covers s as a whole; `*` stands for any run of
// bytes, also none, and everything else for itself. It takes linear time in
// practice and at most len(pattern)*len(s) steps.
func Match(pattern, s string) bool {
	first, rest, wild := strings.Cut(pattern, "*")
	if !wild {
		return pattern == s
	}
	s, ok := strings.CutPrefix(s, first)
	if !ok {
		return false
	}
	for {
		part, next, more := strings.Cut(rest, "*")
		if !more {
			return strings.HasSuffix(s, part)
		}
		// The leftmost place is the best one: it leaves the most for the rest.
		i := strings.Index(s, part)
		if i < 0 {
			return false
		}
		s, rest = s[i+len(part):], next
	}
}
