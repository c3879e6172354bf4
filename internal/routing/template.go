// SPDX-License-Identifier: Apache-2.0

package routing

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Template is the template of a path, such as /documents/{id}. It is immutable;
// the zero Template matches nothing.
type Template struct {
	text     string
	segments []segment
}

// segment is a part of a template between two slashes.
type segment struct {
	kind kind
	// text is what a literal segment is, and the name of what another captures.
	text string
}

// kind is a kind of segment. A smaller one matches less.
type kind uint8

const (
	literal kind = iota
	capture
	rest // matches what is left, also nothing after a slash
)

// maxTemplate is how long a template may be in characters.
const maxTemplate = 512

// Parse reads a template: segments that begin with a slash, each either literal
// text as it is after percent-decoding, a capture {name}, or, at the end, a capture
// of the rest {name...}. A capture never matches an empty segment.
func Parse(text string) (Template, error) {
	if n := utf8.RuneCountInString(text); n > maxTemplate {
		return Template{}, fmt.Errorf("has %d characters, at most %d are allowed", n, maxTemplate)
	}
	tail, ok := strings.CutPrefix(text, "/")
	if !ok {
		return Template{}, errors.New("does not begin with /")
	}
	parts := strings.Split(tail, "/")
	t := Template{text: text, segments: make([]segment, len(parts))}
	for i, part := range parts {
		s, err := parseSegment(part, i == len(parts)-1)
		if err != nil {
			return Template{}, err
		}
		if s.kind != literal && slices.ContainsFunc(t.segments[:i], func(o segment) bool { return o.kind != literal && o.text == s.text }) {
			return Template{}, fmt.Errorf("captures {%s} twice", s.text)
		}
		t.segments[i] = s
	}
	return t, nil
}

func parseSegment(part string, last bool) (segment, error) {
	name, captures := strings.CutPrefix(part, "{")
	if !captures {
		return segment{literal, part}, validLiteral(part, last)
	}
	name, closed := strings.CutSuffix(name, "}")
	s := segment{capture, name}
	if short, ok := strings.CutSuffix(name, "..."); ok {
		s = segment{rest, short}
	}
	switch {
	case !closed || !validName(s.text):
		return s, fmt.Errorf("has the segment %q, which is no capture such as {id}", part)
	case s.kind == rest && !last:
		return s, fmt.Errorf("has more behind {%s...}, which captures all that follows", s.text)
	}
	return s, nil
}

func validLiteral(part string, last bool) error {
	switch {
	case part == "" && !last:
		return errors.New("has an empty segment")
	case part == "." || part == "..":
		return errors.New("has a segment . or .., and requests that have such are refused")
	case strings.HasPrefix(part, ":"):
		return fmt.Errorf("has the segment %q; a capture is written {%s}", part, part[1:])
	case !plainText(part) || strings.ContainsAny(part, ` %?#{}*`):
		return fmt.Errorf(`has the segment %q; blanks and \ ; %% ? # { } * cannot stand in one`, part)
	}
	return nil
}

func validName(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

// String returns the template as it was written.
func (t Template) String() string { return t.text }

// captures yields the names of what t captures, in order.
func (t Template) captures() []string {
	var names []string
	for _, s := range t.segments {
		if s.kind != literal {
			names = append(names, s.text)
		}
	}
	return names
}

// narrower reports whether t matches less than u; both match one and the same path
// and are of different forms.
func (t Template) narrower(u Template) bool {
	for i, s := range t.segments {
		if s.kind > u.segments[i].kind {
			return false
		}
		if u.segments[i].kind == rest {
			return true
		}
	}
	return true
}
