// SPDX-License-Identifier: Apache-2.0

package expr

// ShapeKind is a kind of value.
type ShapeKind uint8

// The kinds. Of the zero one nothing is known.
const (
	AnyShape ShapeKind = iota
	TruthShape
	TextShape
	NumberShape
	ListShape
	ObjectShape
)

// Shape is what is known of the type of a value. It is immutable.
type Shape struct {
	Kind ShapeKind
	// Nullable says that the value may be null instead.
	Nullable bool
	// Items is the shape of the items of a list.
	Items *Shape
	// Properties are the shapes of an object's properties, by name, and Others is
	// that of all others; nil if there can be no others.
	Properties map[string]*Shape
	Others     *Shape
}

// Property returns the shape of a property of an object, and whether it can have
// one of that name.
func (s *Shape) Property(name string) (*Shape, bool) {
	if p, listed := s.Properties[name]; listed {
		return p, true
	}
	return s.Others, s.Others != nil
}

// hasNumbers reports whether there are numbers in a shape.
func (s *Shape) hasNumbers() bool {
	found := false
	s.each(func(s *Shape) { found = found || s.Kind == NumberShape })
	return found
}

// each calls do with a shape and all that are in it.
func (s *Shape) each(do func(*Shape)) {
	do(s)
	if s.Items != nil {
		s.Items.each(do)
	}
	for _, p := range s.Properties {
		p.each(do)
	}
	if s.Others != nil {
		s.Others.each(do)
	}
}
