// SPDX-License-Identifier: Apache-2.0

package ijson

import (
	"strconv"
	"strings"
)

// Text reads a string, and reports whether there is one: null stands for none.
func (s *Scanner) Text() (text string, ok bool) {
	switch s.next() {
	case '"':
		return s.quoted()
	case 'n':
		s.literal("null")
	default:
		s.mismatch("must be a string")
	}
	return "", false
}

// Truth reads true or false; null stands for false.
func (s *Scanner) Truth() bool {
	switch s.next() {
	case 't':
		return s.literal("true")
	case 'f':
		s.literal("false")
	case 'n':
		s.literal("null")
	default:
		s.mismatch("must be true or false")
	}
	return false
}

// Map reads an object of free values into m, which is empty; if m is nil, into a
// new one. It returns the map, or nil for null.
func (s *Scanner) Map(m map[string]any) map[string]any {
	if !s.Object() {
		return nil
	}
	return s.members(m)
}

func (s *Scanner) members(m map[string]any) map[string]any {
	if m == nil {
		m = make(map[string]any)
	}
	for s.Member() {
		name := s.Name()
		m[name] = s.Value()
	}
	return m
}

// Value reads a free value.
func (s *Scanner) Value() any {
	switch s.next() {
	case '"':
		text, _ := s.quoted()
		return text
	case '{':
		if s.enter(false) {
			return s.members(nil)
		}
	case '[':
		if s.enter(true) {
			return s.elements()
		}
	case 't':
		return s.literal("true")
	case 'f':
		return !s.literal("false")
	case 'n':
		s.literal("null")
	default:
		return s.double()
	}
	return nil
}

func (s *Scanner) elements() []any {
	list := []any{}
	for s.Element() {
		list = append(list, s.Value())
	}
	return list
}

func (s *Scanner) double() any {
	literal := s.number()
	f, err := strconv.ParseFloat(literal, 64)
	if err != nil && s.err == nil { // a number of JSON is one of Go: it can only be too large
		s.fail(Range, s.path(), literal+" is not a number that a double can hold")
	}
	return f
}

// Raw skips a value and returns its text, which can be read by another Scanner.
func (s *Scanner) Raw() string {
	s.next()
	start := s.pos
	s.Skip()
	if s.err != nil {
		return ""
	}
	return s.text[start:s.pos]
}

// Skip goes over a value. It finds the same faults as reading it would, but for
// numbers that no double can hold.
func (s *Scanner) Skip() {
	switch s.next() {
	case '"':
		s.quoted()
	case '{':
		if s.enter(false) {
			for s.Member() {
				s.Skip()
			}
		}
	case '[':
		if s.enter(true) {
			for s.Element() {
				s.Skip()
			}
		}
	case 't':
		s.literal("true")
	case 'f':
		s.literal("false")
	case 'n':
		s.literal("null")
	default:
		s.number()
	}
}

// literal reads a word that must be next, and reports whether it is. (What
// follows it is looked at where a comma or a bracket must be.)
func (s *Scanner) literal(word string) bool {
	if !strings.HasPrefix(s.text[s.pos:], word) {
		s.expected("a value")
		return false
	}
	s.pos += len(word)
	return true
}

// number reads a number that must be next, and returns it as it is spelled.
func (s *Scanner) number() string {
	start := s.pos
	minus := s.take("-")
	if !s.take("0") && !s.takeDigits() {
		if minus {
			s.expected("a digit")
		} else {
			s.expected("a value")
		}
		return ""
	}
	if s.take(".") && !s.takeDigits() {
		s.expected("a digit")
		return ""
	}
	if s.take("eE") {
		s.take("+-")
		if !s.takeDigits() {
			s.expected("a digit")
			return ""
		}
	}
	return s.text[start:s.pos]
}

// take goes over the next byte if it is one of those given, and reports whether
// it is.
func (s *Scanner) take(bytes string) bool {
	if s.pos == len(s.text) || strings.IndexByte(bytes, s.text[s.pos]) < 0 {
		return false
	}
	s.pos++
	return true
}

// takeDigits goes over the digits that are next, and reports whether there are
// any.
func (s *Scanner) takeDigits() bool {
	start := s.pos
	for s.pos < len(s.text) && '0' <= s.text[s.pos] && s.text[s.pos] <= '9' {
		s.pos++
	}
	return s.pos > start
}
