// SPDX-License-Identifier: Apache-2.0

package persist

import "slices"

// Posting is a number in the list of a pair of numbers, and how many times it is
// there; in a change, how many times more or, below zero, fewer.
type Posting struct {
	Triple
	N int32
}

// Postings is lists of numbers, each under a pair of numbers, for a great many: a
// number takes little more than its four bytes. The zero value is empty. It is
// immutable and safe for any number of readers.
//
// The postings stand in leaves, pieces of memory without pointers, in order, and
// these in branches; a change copies a leaf, its branch and the list of the
// branches.
type Postings struct {
	// first holds the first member of each branch.
	first    []Triple
	branches []*branch
}

type branch struct {
	first  []Triple // of each leaf
	leaves []leaf
}

const (
	// maxLeaf is how many bytes a leaf may have, and minLeaf how few before it joins
	// the next one of its branch.
	maxLeaf = 1024
	minLeaf = maxLeaf / 4
	// maxBranch is how many leaves a branch may have, and minBranch how few before it
	// joins the next one.
	maxBranch = 128
	minBranch = maxBranch / 4
)

// Each calls do with every number in the list of a pair, in ascending order, until
// do returns false, and reports whether it never has.
func (p *Postings) Each(a, b uint32, do func(c uint32) bool) bool {
	from := Triple{a, b}
	for i := placeOf(p.first, from); i < len(p.branches); i++ {
		n := p.branches[i]
		for j := placeOf(n.first, from); j < len(n.leaves); j++ {
			if (Triple{n.first[j][0], n.first[j][1]}).Compare(from) > 0 {
				return true
			}
			if !n.leaves[j].each(a, b, do) {
				return false
			}
		}
	}
	return true
}

// placeOf returns which piece a member is in, by the first members of all.
func placeOf(first []Triple, t Triple) int {
	i, found := slices.BinarySearchFunc(first, t, Triple.Compare)
	if !found && i > 0 {
		i--
	}
	return i
}

// With returns the postings with some changes, which it takes over. A list never
// holds a number fewer times than not at all.
func (p *Postings) With(changes []Posting) *Postings {
	changes = summed(changes)
	if len(changes) == 0 {
		return p
	}
	e := p.edit()
	for i, old := range p.branches {
		share := changes
		if i+1 < len(p.branches) {
			share = changes[:beforePosting(changes, p.first[i+1])]
		}
		changes = changes[len(share):]
		e.branch(old, share)
	}
	if len(p.branches) == 0 {
		e.branch(&branch{}, changes)
	}
	e.put()
	return e.next
}

// Map returns the postings that change makes of each. It must keep their order.
func (p *Postings) Map(change func(Triple) Triple) *Postings {
	e := p.edit()
	for _, old := range p.branches {
		for _, l := range old.leaves {
			e.rest = l.appendTo(e.rest[:0])
			for i := range e.rest {
				e.rest[i].Triple = change(e.rest[i].Triple)
			}
			e.flush()
		}
		e.put()
	}
	e.put()
	return e.next
}

// summed returns changes in order, one for each number that changes.
func summed(changes []Posting) []Posting {
	changes = sortedPostings(changes)
	out := changes[:0]
	for _, c := range changes {
		if last := len(out) - 1; last >= 0 && out[last].Triple == c.Triple {
			out[last].N += c.N
		} else {
			out = append(out, c)
		}
	}
	return slices.DeleteFunc(out, func(c Posting) bool { return c.N == 0 })
}

// fewPostings is how many changes are sorted by comparing them.
const fewPostings = 1 << 10

// sortedPostings returns postings in order, and may use their memory for it. Of many, a
// radix sort, byte by byte, is several times as fast; it leaves out the bytes that
// are the same in all, as the upper ones of small numbers are.
func sortedPostings(from []Posting) []Posting {
	if len(from) < fewPostings {
		slices.SortFunc(from, func(a, b Posting) int { return a.Compare(b.Triple) })
		return from
	}
	to := make([]Posting, len(from))
	for digit := range 12 {
		word, shift := 2-digit/4, digit%4*8
		var next [257]int
		for i := range from {
			next[from[i].Triple[word]>>shift&0xff+1]++
		}
		if slices.Contains(next[:], len(from)) {
			continue
		}
		for i := 1; i < len(next); i++ {
			next[i] += next[i-1]
		}
		for i := range from {
			at := &next[from[i].Triple[word]>>shift&0xff]
			to[*at] = from[i]
			*at++
		}
		from, to = to, from
	}
	return from
}

// beforePosting returns how many of sorted postings come before a member.
func beforePosting(postings []Posting, t Triple) int {
	i, _ := slices.BinarySearchFunc(postings, t, func(p Posting, t Triple) int { return p.Compare(t) })
	return i
}

// postingsEdit builds postings branch by branch.
type postingsEdit struct {
	next *Postings
	// open is the branch in the making, and rest what waits for a leaf of it.
	open branch
	rest []Posting
	room []Posting
}

func (p *Postings) edit() postingsEdit {
	return postingsEdit{next: &Postings{
		first: make([]Triple, 0, len(p.branches)+1), branches: make([]*branch, 0, len(p.branches)+1),
	}}
}

// branch takes over a branch with its share of the changes. One that is as it was
// stays where it is, unless what is open is so little that it joins it.
func (e *postingsEdit) branch(old *branch, changes []Posting) {
	if n := len(e.open.leaves); n >= minBranch || (n > 0 && len(changes) == 0 && n+len(old.leaves) > maxBranch) {
		e.put()
	}
	if len(changes) == 0 && len(e.open.leaves) == 0 && len(old.leaves) >= minBranch {
		e.keep(old)
		return
	}
	for i, l := range old.leaves {
		share := changes
		if i+1 < len(old.leaves) {
			share = changes[:beforePosting(changes, old.first[i+1])]
		}
		changes = changes[len(share):]
		e.leaf(old.first[i], l, share)
	}
	if len(old.leaves) == 0 {
		e.leaf(Triple{}, leaf(""), changes)
	}
	e.flush()
}

// leaf takes over a leaf with its share of the changes.
func (e *postingsEdit) leaf(first Triple, l leaf, changes []Posting) {
	if len(changes) == 0 && len(e.rest) == 0 {
		e.open.first, e.open.leaves = append(e.open.first, first), append(e.open.leaves, l)
		return
	}
	e.room = l.appendTo(e.room[:0])
	e.rest = mergePostings(e.rest, e.room, changes)
	if 4*len(e.rest) >= minLeaf {
		e.flush()
	}
}

// mergePostings appends to out a list with its changes.
func mergePostings(out, list, changes []Posting) []Posting {
	for len(list) > 0 && len(changes) > 0 {
		switch order := list[0].Compare(changes[0].Triple); {
		case order < 0:
			out, list = append(out, list[0]), list[1:]
		case order > 0:
			out, changes = appendPosting(out, changes[0]), changes[1:]
		default:
			both := list[0]
			both.N += changes[0].N
			out, list, changes = appendPosting(out, both), list[1:], changes[1:]
		}
	}
	out = append(out, list...)
	for _, c := range changes {
		out = appendPosting(out, c)
	}
	return out
}

func appendPosting(out []Posting, p Posting) []Posting {
	if p.N <= 0 {
		return out
	}
	return append(out, p)
}

// flush makes leaves of what waits for them.
func (e *postingsEdit) flush() {
	if len(e.rest) > 0 {
		e.emit(e.rest)
	}
	e.rest = e.rest[:0]
}

// emit makes a leaf of some postings, or several, each of about as many.
func (e *postingsEdit) emit(postings []Posting) {
	if sizeOfLeaf(postings) > maxLeaf {
		half := len(postings) / 2
		e.emit(postings[:half])
		e.emit(postings[half:])
		return
	}
	e.open.first = append(e.open.first, postings[0].Triple)
	e.open.leaves = append(e.open.leaves, newLeaf(postings))
}

// put makes branches of the leaves of the open one.
func (e *postingsEdit) put() {
	first, leaves := e.open.first, e.open.leaves
	for parts := (len(leaves) + maxBranch - 1) / maxBranch; parts > 0; parts-- {
		n := (len(leaves) + parts - 1) / parts
		e.keep(&branch{first: slices.Clone(first[:n]), leaves: slices.Clone(leaves[:n])})
		first, leaves = first[n:], leaves[n:]
	}
	clear(e.open.leaves)
	e.open.first, e.open.leaves = e.open.first[:0], e.open.leaves[:0]
}

func (e *postingsEdit) keep(n *branch) {
	e.next.first, e.next.branches = append(e.next.first, n.first[0]), append(e.next.branches, n)
}
