// SPDX-License-Identifier: Apache-2.0

package policy

import "slices"

// Linker keeps the resources and roles of one namespace and makes vocabularies of
// them, each out of the one before: it costs what has changed, and a copy of the
// table of the pairs. It is not safe for concurrent use; the vocabularies are.
//
// What a vocabulary says depends on the units alone. How it numbers types,
// actions, pairs and roles depends on their history: what stays keeps its number,
// so that whatever knows it by number stays as it is.
type Linker struct {
	linked *Vocabulary
	// ids numbers the roles, and roles are the claimants of each, the owner first.
	ids   numbering[string]
	roles [][]*Role
	// types and actions number what is declared; resources are the claimants of each
	// type, the owner first.
	types, actions numbering[string]
	resources      map[string][]*Resource
	// pairNames numbers the pairs, and pairs are by number, which is their place.
	pairNames numbering[pairName]
	pairs     []pair
	// places are the numbers from 0: a part of them is the expansion of an exact
	// name.
	places   []uint32
	mentions mentions
	// formerRoles and formerResources are the claimants as they are linked, of what
	// others claim now.
	formerRoles     map[uint32][]*Role
	formerResources map[string][]*Resource
	// redescribed are the types of which something else may be said; see described.
	redescribed map[string]bool
	// conflicts counts the claimants that do not own what they claim.
	conflicts int
	// peak is the most names that there have been; see compactIfSparse.
	peak int
}

// NewLinker returns a linker without units.
func NewLinker() *Linker {
	return &Linker{
		linked:    emptyVocabulary,
		ids:       numbering[string]{names: make([]string, 1), refs: make([]uint32, 1)}, // nobody has the number 0
		roles:     make([][]*Role, 1),
		resources: make(map[string][]*Resource),
		mentions:  newMentions(),
	}
}

// Link makes the vocabulary of one namespace of all its resources and roles. The
// order of its arguments means nothing.
func Link(resources []*Resource, roles []*Role) *Vocabulary {
	l := NewLinker()
	for _, r := range resources {
		l.ReplaceResource(nil, r)
	}
	for _, r := range roles {
		l.ReplaceRole(nil, r)
	}
	v, _ := l.Link()
	return v
}

// ReplaceRole takes after in, in place of before, which is one that has been taken
// in. Either may be nil.
func (l *Linker) ReplaceRole(before, after *Role) {
	if before != nil {
		number := l.touchRole(before.ID)
		l.roles[number] = without(l.roles[number], before)
		l.count(len(l.roles[number]), -1)
	}
	if after != nil {
		number := l.touchRole(after.ID)
		l.count(len(l.roles[number]), 1)
		l.roles[number] = with(l.roles[number], after)
	}
}

// touchRole returns the number of an id whose claimants are about to change.
func (l *Linker) touchRole(id string) uint32 {
	number, known := l.ids.numbers[id]
	if !known {
		number, _ = l.ids.hold(id)
		if int(number) == len(l.roles) {
			l.roles = append(l.roles, nil)
		}
	}
	if _, touched := l.formerRoles[number]; !touched {
		if l.formerRoles == nil {
			l.formerRoles = make(map[uint32][]*Role)
		}
		l.formerRoles[number] = l.roles[number]
	}
	return number
}

// ReplaceResource takes after in, in place of before, which is one that has been
// taken in. Either may be nil.
func (l *Linker) ReplaceResource(before, after *Resource) {
	if before != nil && after != nil && before.declaresAs(after) {
		l.redescribe(before, after)
		return
	}
	if before != nil {
		l.touchType(before.Type)
		l.claim(before.Type, without(l.resources[before.Type], before))
		l.count(len(l.resources[before.Type]), -1)
	}
	if after != nil {
		l.touchType(after.Type)
		l.count(len(l.resources[after.Type]), 1)
		l.claim(after.Type, with(l.resources[after.Type], after))
	}
}

func (l *Linker) touchType(typ string) {
	if _, touched := l.formerResources[typ]; !touched {
		if l.formerResources == nil {
			l.formerResources = make(map[string][]*Resource)
		}
		l.formerResources[typ] = l.resources[typ]
	}
	l.touchDescription(typ)
}

func (l *Linker) claim(typ string, claimants []*Resource) {
	if len(claimants) == 0 {
		delete(l.resources, typ)
		return
	}
	l.resources[typ] = claimants
}

// count counts a claimant that comes or goes, beside some others.
func (l *Linker) count(others, by int) {
	if others > 0 {
		l.conflicts += by
	}
}

// Conflicts returns how many units claim an id or a type that another one owns.
func (l *Linker) Conflicts() int { return l.conflicts }

// claimant is a unit that claims an id.
type claimant interface {
	comparable
	meta() Meta
}

func (r *Resource) meta() Meta { return r.Meta }
func (r *Role) meta() Meta     { return r.Meta }

// with returns the claimants of an id with one more, in the order of their claims.
// The list stays as it is.
func with[C claimant](claimants []C, one C) []C {
	i, _ := slices.BinarySearchFunc(claimants, one, func(a, b C) int { return a.meta().CompareClaims(b.meta()) })
	return slices.Concat(claimants[:i], []C{one}, claimants[i:])
}

// without returns the claimants of an id without one of them.
func without[C claimant](claimants []C, one C) []C {
	i := slices.Index(claimants, one)
	if i < 0 {
		return claimants
	}
	return slices.Concat(claimants[:i], claimants[i+1:])
}

// Link returns the vocabulary of the units that there are now, and the roles among
// them whose references are to be judged anew: those that have come since the last
// time, and those that name something, or inherit from a role, that is now declared
// in another way.
func (l *Linker) Link() (*Vocabulary, []*Role) {
	if len(l.formerRoles) == 0 && len(l.formerResources) == 0 && len(l.redescribed) == 0 {
		return l.linked, nil
	}
	k := newLinking(l)
	judged := k.reshaped()
	if len(l.formerRoles) > 0 || len(l.formerResources) > 0 {
		judged = judged.or(k.relink())
	}
	k.describe()
	l.linked, l.formerRoles, l.formerResources, l.redescribed = k.v, nil, nil, nil
	roles := k.claimants(judged)
	l.compactIfSparse()
	return l.linked, roles
}

// relink makes the rows what the units come to, and returns the roles that are to be
// judged anew.
func (k *linking) relink() row {
	changes := k.declareAll()
	k.claimAll()
	touched := k.touched()
	named := k.naming(changes, touched)
	judged := touched.or(named).or(k.heirs(k.redefined))
	changed := k.heirs(touched)
	k.enter(changed, k.places)
	k.enter(k.heirs(named).minus(changed), k.fresh)
	k.finish()
	return judged
}

// sparseNames is how many names a linker may have room for in vain.
const sparseNames = 1 << 12

// compactIfSparse begins anew with the units that there are if there have been
// four times as many names, so that the memory of what has been removed comes
// back: maps never shrink, and rows are as long as the highest number.
func (l *Linker) compactIfSparse() {
	names := len(l.ids.numbers) + len(l.pairNames.numbers) + l.mentions.size()
	l.peak = max(l.peak, names)
	if l.peak <= max(4*names, sparseNames) {
		return
	}
	next := NewLinker()
	for _, claimants := range l.resources {
		for _, r := range claimants {
			next.ReplaceResource(nil, r)
		}
	}
	for _, claimants := range l.roles {
		for _, r := range claimants {
			next.ReplaceRole(nil, r)
		}
	}
	next.Link()
	*l = *next
}
