// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"math/bits"

	"github.com/rolecall/rolecall/internal/persist"
)

// pair is a type with one of its actions, and the roles that cover it. It fills a
// cache line, and never changes once a vocabulary has it.
type pair struct {
	// typ and action are the gists of its names.
	typ, action persist.Gist
	// number is its own, from 1; see place. Without a pair there is 0.
	number uint32
	// simple says that nothing but Allows without a condition cover it.
	simple        bool
	scopeRequired bool
	// closed says that the Resource is being deleted: an Allow no longer covers the
	// pair.
	closed bool
	// words are the roles, a bit for each: first, in words of 64, those that cover it
	// in any way; then, unless it is simple, four words for each of those words, one for
	// each way. The last roles may be missing, because they are in none.
	words []uint64
}

// coverage is a way in which a permission covers a pair.
type coverage int

const (
	// concerned is any of the others.
	concerned coverage = iota
	// By an Allow and by a Deny, without a condition and with one. Words stand in this
	// order.
	allow
	condAllow
	deny
	condDeny

	coverages
	// distinct is how many there are beside concerned.
	distinct = int(coverages - allow)
)

// coverageOf returns the coverage by a permission.
func coverageOf(denies, conditional bool) coverage {
	switch {
	case denies && conditional:
		return condDeny
	case denies:
		return deny
	case conditional:
		return condAllow
	}
	return allow
}

// place is where the pair stands in what is by number.
func (p *pair) place() uint32 { return p.number - 1 }

// row returns all the roles that cover the pair.
func (p *pair) row() []uint64 {
	if p.simple {
		return p.words
	}
	return p.words[:len(p.words)/(1+distinct)]
}

// word returns a word of the roles that cover the pair in one way. There may be any
// number of them.
func (p *pair) word(how coverage, i int) uint64 {
	row := p.row()
	switch {
	case i >= len(row) || (p.simple && how > allow):
		return 0
	case p.simple || how == concerned:
		return row[i]
	}
	return p.words[len(row)+i*distinct+int(how-allow)]
}

// ways are those in which a role covers a pair, a bit for each.
type ways uint8

func (w ways) has(how coverage) bool { return w&(1<<how) != 0 }

// ways returns in which ways a role covers the pair.
func (p *pair) ways(role uint32) (w ways) {
	row, i, bit := p.row(), int(role>>6), role&63
	switch {
	case i >= len(row):
	case p.simple:
		w = ways(row[i]>>bit&1) << allow
	default:
		each := (*[distinct]uint64)(p.words[len(row)+i*distinct:])
		w = ways(each[0]>>bit&1)<<allow | ways(each[1]>>bit&1)<<condAllow |
			ways(each[2]>>bit&1)<<deny | ways(each[3]>>bit&1)<<condDeny
	}
	return w
}

// mayAllow reports whether an Allow is among them.
func (w ways) mayAllow() bool { return w.has(allow) || w.has(condAllow) }

// mayAllow returns the roles by which an Allow covers the pair.
func (p *pair) mayAllow() row {
	roles := make(row, len(p.row()))
	for i := range roles {
		roles[i] = p.word(allow, i) | p.word(condAllow, i)
	}
	return roles
}

// count returns how many roles cover the pair.
func (p *pair) count() int {
	n := 0
	for _, word := range p.row() {
		n += bits.OnesCount64(word)
	}
	return n
}

// each calls do with every role that covers the pair in one way.
func (p *pair) each(how coverage, do func(role uint32)) {
	for i := range p.row() {
		eachMember(i, p.word(how, i), do)
	}
}

// covered reports whether any role covers the pair in one way.
func (p *pair) covered(how coverage) bool {
	for i := range p.row() {
		if p.word(how, i) != 0 {
			return true
		}
	}
	return false
}

// resize gives the pair memory of its own, for n words of each way, or of what a
// simple pair has.
func (p *pair) resize(n int, simple bool) {
	before := *p
	p.simple = simple
	p.words = make([]uint64, n)
	if !simple {
		p.words = make([]uint64, n*(1+distinct))
	}
	for i := range min(n, len(before.row())) {
		for how := allow; how < coverages; how++ {
			if word := before.word(how, i); word != 0 {
				p.set(how, i, word)
			}
		}
	}
}

// set changes a word, for which there is room.
func (p *pair) set(how coverage, i int, word uint64) {
	row := p.row()
	if p.simple {
		row[i] = word
		return
	}
	each := p.words[len(row)+i*distinct:][:distinct]
	each[how-allow] = word
	row[i] = 0
	for _, word := range each {
		row[i] |= word
	}
}

// pairTable is a hash table of pairs by their names. At least one place is empty.
type pairTable []pair

// find returns the pair with some gists, or nil.
func (t pairTable) find(typ, action persist.Gist) *pair {
	mask := uint64(len(t) - 1)
	for i := typ.HashWith(action); ; i++ {
		p := &t[i&mask]
		if p.number == 0 {
			return nil
		}
		if p.typ == typ && p.action == action {
			return p
		}
	}
}

// each calls do with the pairs with some gists, until it returns false.
func (t pairTable) each(typ, action persist.Gist, do func(*pair) bool) {
	mask := uint64(len(t) - 1)
	for i := typ.HashWith(action); ; i++ {
		p := &t[i&mask]
		if p.number == 0 || (p.typ == typ && p.action == action && !do(p)) {
			return
		}
	}
}

// put puts a pair in, in place of the one with its number.
func (t pairTable) put(p *pair) {
	mask := uint64(len(t) - 1)
	for i := p.typ.HashWith(p.action); ; i++ {
		if slot := &t[i&mask]; slot.number == 0 || slot.number == p.number {
			*slot = *p
			return
		}
	}
}
