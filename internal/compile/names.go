// SPDX-License-Identifier: Apache-2.0

package compile

// validName reports whether s has the form of an id, or with stars that of a
// pattern. Both are ASCII, so bytes are characters.
func validName(s string, stars bool) bool {
	if s == "" || len(s) > maxID {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if isWord(c) || (stars && c == '*') {
			continue
		}
		inside := i > 0 && i < len(s)-1
		if !inside || !isJoint(c) {
			return false
		}
	}
	return true
}

func isWord(c byte) bool {
	return isAlphanumeric(c) || c == '_'
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

func isJoint(c byte) bool {
	switch c {
	case '.', ':', '/', '-':
		return true
	}
	return false
}

// validDomain reports whether s has the form of an e-mail domain.
func validDomain(s string) bool {
	if s == "" || !isAlphanumeric(s[0]) || !isAlphanumeric(s[len(s)-1]) {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !isAlphanumeric(c) && c != '.' && c != '-' {
			return false
		}
	}
	return true
}

// plainScope reports whether a scope has neither blanks nor control characters
// nor `*`.
func plainScope(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c == 0x7f || c == '*' {
			return false
		}
	}
	return true
}
