// SPDX-License-Identifier: Apache-2.0

package routing

import "github.com/rolecall/rolecall/internal/authz"

// usualSegments is how many segments a path may have before a match takes memory.
const usualSegments = 24

// Match finds what a request means and writes it to m, whose memory of captures it
// uses again.
func (t *Table) Match(r *authz.HTTPRequest, m *authz.RouteMatch) {
	*m = authz.RouteMatch{Captures: m.Captures[:0]}
	var room [usualSegments]string
	segments, plain := split(r.Path, room[:0])
	if !plain {
		m.Outcome = authz.RouteUnclear
		return
	}
	found := search{segments: segments}
	if len(t.hosts) > 0 {
		host := bareHost(r.Host)
		if host == "" {
			m.Outcome = authz.RouteUnclear
			return
		}
		found.in(t.hosts[host], r.Method)
	}
	if found.entry == nil {
		found.in(t.anywhere, r.Method)
	}
	found.write(r.Path, m)
}

// search goes through the templates that match a path, those first that match less.
type search struct {
	segments []string
	entry    *entry // the first one that matches
	// even says that another one matches, and neither of them matches less.
	even bool
}

// in searches the trees of a host. What means something under GET means the same
// under HEAD, which fetches no more.
func (s *search) in(trees methods, method string) {
	s.walk(trees[method], 0)
	if s.entry == nil && method == "HEAD" {
		s.walk(trees["GET"], 0)
	}
}

// walk takes what matches the segments from i on below a node.
func (s *search) walk(n *node, i int) {
	if n == nil {
		return
	}
	if i == len(s.segments) {
		s.take(n.leaf)
		return
	}
	text := s.segments[i]
	s.walk(n.literals[text], i+1)
	if text != "" {
		s.walk(n.capture, i+1)
	}
	s.take(n.rest)
}

// take takes what matches. Whatever comes later matches more than the first one, or
// other requests.
func (s *search) take(e *entry) {
	switch {
	case e == nil:
	case s.entry == nil:
		s.entry = e
	case !s.even:
		s.even = !s.entry.template().narrower(e.template())
	}
}

func (s *search) write(path string, m *authz.RouteMatch) {
	switch e := s.entry; {
	case e == nil:
		m.Outcome = authz.RouteNone
	case s.even || e.inForce == nil:
		m.Outcome = authz.RouteContested
	default:
		m.Outcome, m.Type, m.Action = authz.RouteFound, e.inForce.Type, e.inForce.Action
		for i, part := range e.template().segments {
			switch part.kind {
			case literal:
			case capture:
				m.Captures = append(m.Captures, authz.Capture{Name: part.text, Value: s.segments[i]})
			case rest:
				m.Captures = append(m.Captures, authz.Capture{Name: part.text, Value: s.remainder(path, i)})
			}
		}
	}
}
