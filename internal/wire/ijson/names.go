// SPDX-License-Identifier: Apache-2.0

package ijson

import "slices"

// few is the number of names up to which looking through them all is cheaper
// than a map.
const few = 16

// unique takes up the name of the next member, and reports whether the object
// has no other of that name.
//
// The last of an object's names is always that of its current member. Until there
// are more than few, the others stand before it; then they stand in a map, so
// that an object with a hundred thousand members takes no longer than as many
// small ones.
func (s *Scanner) unique(f *frame, name string) bool {
	known := s.knows(f, name)
	f.count++
	switch {
	case f.many != nil:
		f.many[name] = struct{}{}
		s.names[len(s.names)-1] = name
	case f.count > few:
		f.many = make(map[string]struct{}, 2*few)
		for _, other := range s.names[f.first:] {
			f.many[other] = struct{}{}
		}
		f.many[name] = struct{}{}
		s.names[len(s.names)-1] = name
	default:
		s.names = append(s.names, name)
	}
	if known {
		s.fail(Duplicate, s.path(), "is there twice; member names must be unique")
	}
	return !known
}

func (s *Scanner) knows(f *frame, name string) bool {
	if f.many != nil {
		_, ok := f.many[name]
		return ok
	}
	return slices.Contains(s.names[f.first:], name)
}

// nameOf returns the name of the current member of an open object: the last one
// before what is open inside it.
func (s *Scanner) nameOf(frame int) string {
	end := len(s.names)
	if frame+1 < s.depth {
		end = s.frames[frame+1].first
	}
	return s.names[end-1]
}
