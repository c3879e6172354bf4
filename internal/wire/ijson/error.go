// SPDX-License-Identifier: Apache-2.0

package ijson

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Kind says what sort of fault an Error is.
type Kind uint8

// The kinds of faults.
const (
	// Syntax: the text is not JSON, or not UTF-8.
	Syntax Kind = iota + 1
	// Duplicate: an object has a member twice.
	Duplicate
	// Depth: objects and arrays nest deeper than MaxDepth.
	Depth
	// Shape: a value is of another type than the one that is asked for.
	Shape
	// Range: a number is beyond what a double can hold.
	Range
	// Refused: the dialect does not take the member; see Scanner.Refuse.
	Refused
)

// Error is the first fault of a text, in the order of its bytes.
type Error struct {
	// Kind is the sort of the fault.
	Kind Kind
	// Path is where in the text it is, such as evaluations[1].subject; empty for
	// the text as a whole, and for what is not JSON.
	Path string
	// Problem says what is wrong, in words that follow those of the place.
	Problem string
}

// Error returns the place and the problem in one line.
func (e *Error) Error() string {
	if e.Path == "" {
		return "the body " + e.Problem
	}
	return e.Path + ": " + e.Problem
}

// tooDeep is the problem of a text that nests deeper than MaxDepth.
var tooDeep = "nests objects and arrays deeper than " + strconv.Itoa(MaxDepth)

// fail keeps the first fault and goes to the end of the text, where every
// further step finds nothing.
func (s *Scanner) fail(kind Kind, path, problem string) {
	if s.err == nil {
		s.err = &Error{Kind: kind, Path: path, Problem: problem}
	}
	s.pos = len(s.text)
}

// syntax says that the byte at an offset cannot stand there.
func (s *Scanner) syntax(offset int, problem string) {
	s.fail(Syntax, "", "is not JSON: byte "+strconv.Itoa(offset)+": "+problem)
}

// expected says that something else should stand where the scanner is.
func (s *Scanner) expected(what string) {
	if s.pos == len(s.text) {
		s.syntax(s.pos, "the text ends where "+what+" should be")
		return
	}
	r, _ := utf8.DecodeRuneInString(s.text[s.pos:])
	s.syntax(s.pos, fmt.Sprintf("%q where %s should be", r, what))
}

// mismatch says that the value which follows is not what was asked for. If it is
// no value at all, that is the fault.
func (s *Scanner) mismatch(want string) {
	if s.err != nil {
		return
	}
	path := s.path()
	s.Skip()
	s.fail(Shape, path, want)
}

// Refuse says that the member which was gone to last cannot be there, for a reason
// that follows the words of its place. It is a fault like any other.
func (s *Scanner) Refuse(problem string) {
	if s.err == nil {
		s.fail(Refused, s.path(), problem)
	}
}

// maxPath is how long a path may be in bytes: names are as long as the client likes.
const maxPath = 256

// path returns the place of the value that is read, or would be next: its end, if it
// is long.
func (s *Scanner) path() string {
	path := s.wholePath()
	if len(path) > maxPath {
		path = "..." + strings.ToValidUTF8(path[len(path)-maxPath:], "")
	}
	return path
}

func (s *Scanner) wholePath() string {
	var b strings.Builder
	for i := range s.depth {
		f := &s.frames[i]
		switch {
		case f.array:
			b.WriteString("[" + strconv.Itoa(f.count-1) + "]")
		case b.Len() > 0:
			b.WriteString("." + s.nameOf(i))
		default:
			b.WriteString(s.nameOf(i))
		}
	}
	return b.String()
}
