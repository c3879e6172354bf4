// SPDX-License-Identifier: Apache-2.0

package ijson

import (
	"math/bits"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// plain are the bytes that stand for themselves in a string, whatever surrounds
// them.
var plain = func() (set [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		set[c] = c != '"' && c != '\\'
	}
	return set
}()

// quoted reads a string whose opening quote is next. It reports false if there
// is a fault.
func (s *Scanner) quoted() (text string, ok bool) {
	start := s.pos + 1
	i := start + plainLength(s.text[start:])
	if i < len(s.text) && s.text[i] == '"' {
		s.pos = i + 1
		return s.text[start:i], true
	}
	return s.unquote(start, i)
}

// plainLength returns how many of the first bytes of text are plain, looking at
// eight at a time.
func plainLength(text string) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; i+8 <= len(text); i += 8 {
		b := text[i : i+8]
		w := uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
			uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
		// The top bit of a byte is set if that is beyond ASCII, or if a
		// subtraction borrows: from a control character, or from what an
		// exclusive or has made zero. A borrow goes upwards, so the lowest top
		// bit is that of the first such byte, whatever is above it.
		quote, escape := w^ones*'"', w^ones*'\\'
		if found := (w | (w - ones*' ') | (quote - ones) | (escape - ones)) & tops; found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for i < len(text) && plain[text[i]] {
		i++
	}
	return i
}

// unquote reads the string that begins at start, of which everything before i is
// plain.
func (s *Scanner) unquote(start, i int) (text string, ok bool) {
	var b strings.Builder
	copied := start // up to there the string is in b
	for i < len(s.text) {
		switch c := s.text[i]; {
		case plain[c]:
			i++
		case c == '"':
			s.pos = i + 1
			if copied == start {
				return s.text[start:i], true
			}
			b.WriteString(s.text[copied:i])
			return b.String(), true
		case c == '\\':
			b.WriteString(s.text[copied:i])
			r, n := s.escape(i)
			if n == 0 {
				return "", false
			}
			b.WriteRune(r)
			i += n
			copied = i
		default:
			n := s.rune(i)
			if n == 0 {
				return "", false
			}
			i += n
		}
	}
	s.syntax(len(s.text), "the text ends within a string")
	return "", false
}

// rune returns the length of the character at i, which is not plain; 0 if there
// is a fault.
func (s *Scanner) rune(i int) int {
	if s.text[i] < ' ' {
		s.syntax(i, "a control character in a string must be spelled as an escape")
		return 0
	}
	r, n := utf8.DecodeRuneInString(s.text[i:])
	if r == utf8.RuneError && n == 1 {
		s.syntax(i, "invalid UTF-8")
		return 0
	}
	return n
}

// escape returns what the escape at i stands for, and its length; 0 if there is
// a fault.
func (s *Scanner) escape(i int) (r rune, n int) {
	if i+1 == len(s.text) {
		s.syntax(i+1, "the text ends within a string")
		return 0, 0
	}
	switch c := s.text[i+1]; c {
	case '"', '\\', '/':
		return rune(c), 2
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		return s.escapedRune(i)
	}
	s.syntax(i, "an escape that JSON does not know")
	return 0, 0
}

// escapedRune is escape for \uXXXX, or two of them that are a surrogate pair.
func (s *Scanner) escapedRune(i int) (r rune, n int) {
	const length = len(`\uXXXX`)
	r, ok := hex4(s.text[i:])
	if !ok {
		s.syntax(i, `\u must be followed by four hexadecimal digits`)
		return 0, 0
	}
	if !utf16.IsSurrogate(r) {
		return r, length
	}
	low, _ := hex4(s.text[i+length:])
	if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
		s.syntax(i, "half a surrogate pair")
		return 0, 0
	}
	return r, 2 * length
}

// hex4 returns the number that a \uXXXX at the beginning of text stands for.
func hex4(text string) (r rune, ok bool) {
	const length = len(`\uXXXX`)
	if len(text) < length || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(text[2:length], 16, 16)
	return rune(n), err == nil
}
