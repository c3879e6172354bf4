// SPDX-License-Identifier: Apache-2.0

package ijson

// MaxDepth is how deep objects and arrays may nest: far more than anyone asks
// for, far less than what would make a walk over them expensive.
const MaxDepth = 64

// Scanner reads one JSON text, value by value:
//
//	s.Reset(text)
//	if s.Object() {
//		for s.Member() {
//			switch s.Name() {
//			case "id":
//				id, _ = s.Text()
//			default:
//				s.Skip()
//			}
//		}
//	}
//	err := s.End()
//
// After Member or Element has returned true, exactly one value must be read or
// skipped. After the first fault nothing more is found, so that only End needs to
// be asked for it.
//
// Strings share the memory of the text unless they are spelled with escapes. A
// Scanner is reused to save allocations; it is not safe for concurrent use. The
// zero Scanner is one of an empty text.
type Scanner struct {
	text string
	// pos is the offset of what has not been read.
	pos int
	err *Error
	// frames are the objects and arrays that are open: the first depth of them.
	frames [MaxDepth]frame
	depth  int
	// names are the members' names of the objects that are open; see unique.
	names []string
}

// frame is an object or array that is open.
type frame struct {
	array bool
	// count is the number of members or elements that have begun.
	count int
	// first is where in Scanner.names the names of the object begin.
	first int
	// many are all the names of an object that has more than few of them.
	many map[string]struct{}
}

// Reset begins with another text, and forgets the last one.
func (s *Scanner) Reset(text string) {
	for i := range s.depth { // a text with a fault has left them open
		s.frames[i].many = nil
	}
	clear(s.names)
	s.text, s.pos, s.err, s.depth, s.names = text, 0, nil, 0, s.names[:0]
}

// End returns the first fault of the text, an *Error; that something follows its
// value is one.
func (s *Scanner) End() error {
	if s.next(); s.pos < len(s.text) {
		s.expected("the end")
	}
	if s.err != nil {
		return s.err
	}
	return nil
}

// Object begins to read an object, and reports whether there is one: null stands
// for none.
func (s *Scanner) Object() bool {
	switch s.next() {
	case '{':
		return s.enter(false)
	case 'n':
		s.literal("null")
	default:
		s.mismatch("must be an object")
	}
	return false
}

// Member goes to the value of the next member of the object that was begun last,
// and reports whether there is one.
func (s *Scanner) Member() bool {
	f := &s.frames[s.depth-1]
	c := s.next()
	if c == '}' {
		s.leave()
		return false
	}
	if f.count > 0 {
		if c != ',' {
			s.expected("a comma or }")
			return false
		}
		s.pos++
		c = s.next()
	}
	if c != '"' {
		s.expected("a member's name")
		return false
	}
	name, ok := s.quoted()
	if !ok || !s.unique(f, name) {
		return false
	}
	if s.next() != ':' {
		s.expected("a colon")
		return false
	}
	s.pos++
	return true
}

// Name returns the name of the member that Member went to.
func (s *Scanner) Name() string {
	return s.names[len(s.names)-1]
}

// Array begins to read an array, and reports whether there is one: null stands
// for none.
func (s *Scanner) Array() bool {
	switch s.next() {
	case '[':
		return s.enter(true)
	case 'n':
		s.literal("null")
	default:
		s.mismatch("must be an array")
	}
	return false
}

// Element goes to the next element of the array that was begun last, and reports
// whether there is one.
func (s *Scanner) Element() bool {
	f := &s.frames[s.depth-1]
	c := s.next()
	switch {
	case c == ']':
		s.leave()
		return false
	case f.count > 0 && c != ',':
		s.expected("a comma or ]")
		return false
	case f.count > 0:
		s.pos++
	case s.pos == len(s.text):
		s.expected("a value or ]")
		return false
	}
	f.count++
	return true
}

// next skips white space and returns the byte that follows, which stays to be
// read; 0, which stands for nothing in JSON, at the end of the text.
func (s *Scanner) next() byte {
	for s.pos < len(s.text) {
		c := s.text[s.pos]
		if c > ' ' || (c != ' ' && c != '\n' && c != '\t' && c != '\r') {
			return c
		}
		s.pos++
	}
	return 0
}

// enter opens an object or array, whose bracket is next.
func (s *Scanner) enter(array bool) bool {
	if s.depth == MaxDepth {
		s.fail(Depth, "", tooDeep)
		return false
	}
	s.pos++
	s.frames[s.depth] = frame{array: array, first: len(s.names)}
	s.depth++
	return true
}

// leave closes the last object or array, whose bracket is next.
func (s *Scanner) leave() {
	s.pos++
	s.depth--
	f := &s.frames[s.depth]
	clear(s.names[f.first:])
	s.names = s.names[:f.first]
	f.many = nil
}
