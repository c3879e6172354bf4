// SPDX-License-Identifier: Apache-2.0

package routing

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// Route is the requests that mean an action on the resources of a type.
type Route struct {
	// Method is in capitals.
	Method string
	// Host is in small letters and without a port; empty is any.
	Host string
	Path Template
	// Type and Action are what the requests mean.
	Type, Action string
}

// String returns the route's method, host and path in one line.
func (r *Route) String() string { return r.Method + " " + r.Host + r.Path.text }

// Claim is a route as an object says it.
type Claim struct {
	Route
	// Object is the name of the object and Place the route's in it.
	Object string
	Place  int
	// Void says that the object has nothing to say about the type, which another
	// one owns: its routes mean nothing, but they are in the way of others.
	Void bool
}

// means reports whether two claims to the same requests say the same.
func (c *Claim) means(o *Claim) bool {
	return c.Type == o.Type && c.Action == o.Action && slices.Equal(c.Path.captures(), o.Path.captures())
}

// Same reports whether two claims are of one object and say the same.
func (c *Claim) Same(o *Claim) bool {
	return c.Object == o.Object && c.Place == o.Place && c.Void == o.Void &&
		c.Method == o.Method && c.Host == o.Host && c.Path.text == o.Path.text && c.Type == o.Type && c.Action == o.Action
}

// Table is the routes of a namespace. It is immutable, and safe for concurrent
// use; the zero Table is empty.
type Table struct {
	anywhere methods
	hosts    map[string]methods
}

// methods are trees by method.
type methods map[string]*node

// node is a place in the tree of templates.
type node struct {
	literals map[string]*node
	// names are the keys of literals, sorted.
	names   []string
	capture *node
	leaf    *entry // of templates that end here
	rest    *entry // of those that end with a capture of the rest
}

// entry is all claims to one method, host and form of a path.
type entry struct {
	claims []*Claim
	// inForce is what a request means, nil if the claims disagree or are all void.
	inForce *Claim
	// names are those of its captures.
	names []string
}

// template is the form that all claims have.
func (e *entry) template() Template { return e.claims[0].Path }

// New returns the table of claims. Their order means nothing. They must not be
// changed any more.
func New(claims []*Claim) *Table {
	claims = slices.SortedFunc(slices.Values(claims), func(a, b *Claim) int {
		return cmp.Or(strings.Compare(a.Object, b.Object), cmp.Compare(a.Place, b.Place))
	})
	t := &Table{anywhere: methods{}, hosts: map[string]methods{}}
	var entries []*entry
	for _, c := range claims {
		if len(c.Path.segments) == 0 {
			continue
		}
		e := t.tree(c.Host, c.Method).entry(c.Path.segments)
		if len(e.claims) == 0 {
			entries = append(entries, e)
		}
		e.claims = append(e.claims, c)
	}
	for _, e := range entries {
		e.settle()
	}
	for _, trees := range append(slices.Collect(maps.Values(t.hosts)), t.anywhere) {
		for _, root := range trees {
			root.sort()
		}
	}
	return t
}

// tree returns the tree of a host, empty for any, and a method.
func (t *Table) tree(host, method string) *node {
	trees := t.anywhere
	if host != "" {
		if trees = t.hosts[host]; trees == nil {
			trees = methods{}
			t.hosts[host] = trees
		}
	}
	root := trees[method]
	if root == nil {
		root = &node{}
		trees[method] = root
	}
	return root
}

// entry returns the entry of a template below a node.
func (n *node) entry(segments []segment) *entry {
	for i, s := range segments {
		switch s.kind {
		case literal:
			n = n.literal(s.text)
		case capture:
			if n.capture == nil {
				n.capture = &node{}
			}
			n = n.capture
		case rest:
			if n.rest == nil {
				n.rest = &entry{}
			}
			return n.rest
		}
		if i == len(segments)-1 && n.leaf == nil {
			n.leaf = &entry{}
		}
	}
	return n.leaf
}

// find returns the entry of a template below a node, or nil.
func (n *node) find(segments []segment) *entry {
	for _, s := range segments {
		switch {
		case n == nil:
			return nil
		case s.kind == literal:
			n = n.literals[s.text]
		case s.kind == capture:
			n = n.capture
		default:
			return n.rest
		}
	}
	if n == nil {
		return nil
	}
	return n.leaf
}

func (n *node) literal(text string) *node {
	child := n.literals[text]
	if child == nil {
		if n.literals == nil {
			n.literals = map[string]*node{}
		}
		child = &node{}
		n.literals[text] = child
	}
	return child
}

// settle decides what the requests of an entry mean.
func (e *entry) settle() {
	e.names = e.template().captures()
	for _, c := range e.claims {
		if !c.means(e.claims[0]) {
			e.inForce = nil
			return
		}
		if !c.Void && e.inForce == nil {
			e.inForce = c
		}
	}
}

func (n *node) sort() {
	n.names = slices.Sorted(maps.Keys(n.literals))
	for _, child := range n.literals {
		child.sort()
	}
	if n.capture != nil {
		n.capture.sort()
	}
}
