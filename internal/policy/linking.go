// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"maps"
	"slices"
	"sync"
)

// linking is a vocabulary in the making. It shares with the one before what has
// not changed.
type linking struct {
	*Linker
	v *Vocabulary
	// fresh are the pairs of which roles have to say anew whether they cover them.
	fresh []uint32
	// want holds, for the 64 roles that are at work, the words that they are to have
	// of each pair, in the order of the coverages.
	want []uint64
	// nodes are those of roles that others inherit from.
	nodes map[uint32]*node
	// redefined are the roles that have come or gone, or inherit otherwise.
	redefined row
	// gone are the numbers that nobody claims any more.
	gone []uint32
	// changed are the places of the pairs that are not as the vocabulary before has
	// them, and owned those whose words it has not.
	changed, owned row
	// numbered says that other roles have numbers than before, conditioned that the
	// list of conditionals is a new one, and renamed that other pairs are declared.
	numbered, conditioned, renamed bool
}

func newLinking(l *Linker) *linking {
	v := *l.linked
	return &linking{Linker: l, v: &v, nodes: make(map[uint32]*node)}
}

// claimAll takes in who claims the ids that others have claimed before.
func (k *linking) claimAll() {
	edit := k.v.roles.Edit()
	for _, number := range slices.Sorted(maps.Keys(k.formerRoles)) {
		former, claimants := k.formerRoles[number], k.roles[number]
		for _, r := range former {
			k.mentions.forget(number, r)
		}
		for _, r := range claimants {
			k.mentions.learn(number, r)
		}
		inherits, comes, goes := inherited(claimants), len(former) == 0, len(claimants) == 0
		if comes || goes || !slices.Equal(inherits, inherited(former)) {
			k.redefined.add(number)
		}
		k.numbered = k.numbered || comes || goes
		if goes {
			k.gone = append(k.gone, number)
			edit.Remove(k.ids.names[number])
			continue
		}
		edit.Set(k.ids.names[number], &role{number: number, assertable: claimants[0].Assertable, inherits: inherits, claimants: claimants})
	}
	k.v.roles = edit.Done()
	if more := len(k.roles) - len(k.v.conditionals); more > 0 {
		k.v.conditionals, k.conditioned = slices.Concat(k.v.conditionals, make([][]conditional, more)), true
	}
}

// inherited returns what some claimants of an id inherit, sorted.
func inherited(claimants []*Role) []string {
	if len(claimants) == 1 && len(claimants[0].Inherits) == 0 {
		return nil
	}
	var ids []string
	for _, r := range claimants {
		ids = append(ids, r.Inherits...)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// touched returns the roles whose claimants have changed.
func (k *linking) touched() row {
	var roles row
	for number := range k.formerRoles {
		roles.add(number)
	}
	return roles
}

// naming returns the roles that name what is declared in another way, beside those
// that are touched. What patterns cover of it is to be found out again.
func (k *linking) naming(changes []change, touched row) row {
	var roles row
	for i := range changes {
		c := &changes[i]
		for m := range k.mentions.meaning(c.typ) {
			if !c.concerns(m.action) {
				continue
			}
			m.places, m.known = nil, false
			for _, number := range m.roles {
				if !touched.has(number) {
					roles.add(number)
				}
			}
		}
	}
	return roles
}

// heirs returns the roles that inherit from some, and those.
func (k *linking) heirs(roles row) row {
	if len(k.mentions.heirs) == 0 {
		return roles
	}
	all := slices.Clone(roles)
	for todo := roles.members(); len(todo) > 0; {
		last := len(todo) - 1
		id := k.ids.names[todo[last]]
		todo = todo[:last]
		for _, heir := range k.mentions.heirs[id] {
			if !all.has(heir) {
				all.add(heir)
				todo = append(todo, heir)
			}
		}
	}
	return all
}

// claimants returns all that claim the ids of some roles.
func (k *linking) claimants(roles row) []*Role {
	var all []*Role
	for _, number := range roles.members() {
		all = append(all, k.roles[number]...)
	}
	return all
}

// wantPool holds room for want, used again. There are only zeros in it.
var wantPool = sync.Pool{New: func() any { return new([]uint64) }}

// enter puts roles into the rows of those of the places that they cover, and takes
// them out of the others. It goes through the rows word by word, so that it
// touches a pair once for up to 64 roles.
func (k *linking) enter(roles row, places []uint32) {
	room, _ := wantPool.Get().(*[]uint64)
	defer wantPool.Put(room)
	*room = slices.Grow(*room, int(coverages)*len(k.pairs))
	k.want = (*room)[:int(coverages)*len(k.pairs)]
	for i, word := range roles {
		if word == 0 {
			continue
		}
		eachMember(i, word, k.cover)
		for _, place := range places {
			k.settle(place, i, word)
		}
		if len(places) < len(k.pairs) {
			clear(k.want)
		}
	}
}

// settle gives some roles of a word of a pair what they want.
func (k *linking) settle(place uint32, i int, roles uint64) {
	p := &k.pairs[place]
	if p.number == 0 {
		return
	}
	want := k.wanted(place)
	for how := allow; how < coverages; how++ {
		before := p.word(how, i)
		if after := before&^roles | want[how]; after != before {
			k.setWord(place, how, i, after)
		}
	}
	clear(want)
}

// wanted returns the words that the roles at work want of a pair.
func (k *linking) wanted(place uint32) []uint64 {
	return k.want[int(coverages)*int(place):][:coverages]
}

// setWord changes a word of a pair.
func (k *linking) setWord(place uint32, how coverage, i int, word uint64) {
	p := k.change(place)
	if simple := p.simple && how == allow; simple != p.simple || i >= len(p.row()) || !k.owned.has(place) {
		p.resize((len(k.roles)+63)/64, simple)
		k.owned.add(place)
	}
	p.set(how, i, word)
}

// change returns a pair in order to change it.
func (k *linking) change(place uint32) *pair {
	k.changed.add(place)
	return &k.pairs[place]
}

// finish ends the batch: numbers that nobody claims go to others.
func (k *linking) finish() {
	for _, number := range k.gone {
		k.ids.release(number)
	}
	if k.numbered {
		ids := slices.Clone(k.ids.names)
		k.v.ids = ids
		k.v.sortedIDs = sync.OnceValue(func() []string { return sortedIDs(ids) })
	}
	k.publishPairs()
	k.v.size = len(k.ids.numbers) + len(k.types.numbers)
}

// publishPairs puts the pairs that have changed into the table, or all into a new
// one if there are others.
func (k *linking) publishPairs() {
	changed := k.changed.members()
	for _, place := range changed {
		if p := &k.pairs[place]; !p.simple && !p.covered(condAllow) && !p.covered(deny) && !p.covered(condDeny) {
			p.resize(len(p.row()), true)
		}
	}
	switch {
	case k.renamed:
		k.v.names = slices.Clone(k.pairNames.names)
		k.v.pairs, changed = make(pairTable, tableSize(len(k.pairNames.numbers))), k.places
	case len(changed) > 0:
		k.v.pairs = slices.Clone(k.v.pairs)
	}
	for _, place := range changed {
		if p := &k.pairs[place]; p.number != 0 {
			k.v.pairs.put(p)
		}
	}
}

// sortedIDs returns the ids, by number, that somebody has.
func sortedIDs(byNumber []string) []string {
	ids := slices.DeleteFunc(slices.Clone(byNumber), func(id string) bool { return id == "" })
	slices.Sort(ids)
	return ids
}
