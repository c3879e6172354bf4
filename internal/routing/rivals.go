// SPDX-License-Identifier: Apache-2.0

package routing

// Rival is another claim to requests of a claim, which therefore mean nothing.
type Rival struct {
	*Claim
	// Same says that both claim the same requests and mean different things by them.
	// Otherwise each claims others too, so that neither is the more specific one.
	Same bool
}

// Rival returns the first rival of a claim in the table, or false. A route for just
// those requests that two others share settles which of them counts.
func (t *Table) Rival(c *Claim) (Rival, bool) {
	trees := t.anywhere
	if c.Host != "" {
		trees = t.hosts[c.Host]
	}
	root := trees[c.Method]
	own := root.find(c.Path.segments)
	if own == nil {
		return Rival{}, false
	}
	for _, o := range own.claims {
		if !o.means(c) {
			return Rival{o, true}, true
		}
	}
	if e := (pair{root, root, false, false}).overlap(c.Path.segments); e != nil {
		return Rival{e.claims[0], false}, true
	}
	return Rival{}, false
}

// pair is a walk with the segments of one template through those of all others.
type pair struct {
	// theirs is where the others are, and both where a template would be for all that
	// the two share; nil if there is none.
	theirs, both *node
	// less says that the one has matched less than the others somewhere, and more
	// that it has matched more.
	less, more bool
}

// overlap returns the first entry whose template shares requests with the one that
// ends with the given segments, while each has others, or nil.
func (p pair) overlap(segments []segment) *entry {
	if p.theirs == nil {
		return nil
	}
	if len(segments) == 0 {
		return p.found(p.theirs.leaf, p.both.find(nil))
	}
	s, others := segments[0], segments[1:]
	switch s.kind {
	case literal:
		if e := p.literal(s.text).overlap(others); e != nil {
			return e
		}
		if s.text != "" {
			if e := (pair{p.theirs.capture, p.both.at(s.text), true, p.more}).overlap(others); e != nil {
				return e
			}
		}
	case capture:
		if e := p.captured(others); e != nil {
			return e
		}
	case rest:
		if p.less {
			return p.below()
		}
		return nil
	}
	p.less = true
	return p.found(p.theirs.rest, p.both.find(segments))
}

// captured is overlap behind a capture.
func (p pair) captured(others []segment) *entry {
	for _, name := range p.theirs.names {
		if name == "" {
			continue
		}
		next := p.literal(name)
		next.more = true
		if e := next.overlap(others); e != nil {
			return e
		}
	}
	return p.capture().overlap(others)
}

// below returns the first entry below p, where all that the others have is shared.
func (p pair) below() *entry {
	next := p
	next.more = true
	for _, name := range p.theirs.names {
		if e := next.literal(name).all(); e != nil {
			return e
		}
	}
	if e := next.capture().all(); e != nil {
		return e
	}
	return p.found(p.theirs.rest, p.both.remainder())
}

func (p pair) all() *entry {
	if p.theirs == nil {
		return nil
	}
	if e := p.found(p.theirs.leaf, p.both.find(nil)); e != nil {
		return e
	}
	return p.below()
}

// found returns what the others have unless it is comparable, or settled by a
// template for what is shared.
func (p pair) found(theirs, both *entry) *entry {
	if p.less && p.more && both == nil {
		return theirs
	}
	return nil
}

func (p pair) literal(text string) pair {
	return pair{p.theirs.at(text), p.both.at(text), p.less, p.more}
}

func (p pair) capture() pair {
	next := pair{p.theirs.capture, nil, p.less, p.more}
	if p.both != nil {
		next.both = p.both.capture
	}
	return next
}

// at returns the child of a literal segment, or nil.
func (n *node) at(text string) *node {
	if n == nil {
		return nil
	}
	return n.literals[text]
}

// remainder returns the entry of a capture of the rest, or nil.
func (n *node) remainder() *entry {
	if n == nil {
		return nil
	}
	return n.rest
}
