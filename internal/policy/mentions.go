// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"cmp"
	"iter"
	"slices"
)

// mentions say which roles name what: those that say otherwise when it changes.
type mentions struct {
	// types and patterns hold what permissions name, by the resource.
	types, patterns map[string]named
	// heirs holds the roles by the ids that they inherit.
	heirs map[string]numbers
}

// named is what permissions name of one resource, sorted by the action.
type named []*mention

// mention is an action of a resource, of which both may be patterns, and the roles
// that name it.
type mention struct {
	action string
	roles  numbers
	// places are those that it covers, if it is known and a pattern. Roles repeat each
	// other, so this list is made once for all.
	places []uint32
	known  bool
}

func newMentions() mentions {
	return mentions{types: make(map[string]named), patterns: make(map[string]named), heirs: make(map[string]numbers)}
}

// size returns how many names there are.
func (m *mentions) size() int { return len(m.types) + len(m.patterns) + len(m.heirs) }

// of returns the map in which a resource stands.
func (m *mentions) of(resource string) map[string]named {
	if IsPattern(resource) {
		return m.patterns
	}
	return m.types
}

// learn takes in what a claimant of a role's id names.
func (m *mentions) learn(number uint32, r *Role) {
	for resource, action := range mentioned(r) {
		in := m.of(resource)
		list := in[resource]
		i, found := list.find(action)
		if !found {
			list = slices.Insert(list, i, &mention{action: action})
			in[resource] = list
		}
		list[i].roles = list[i].roles.with(number)
	}
	for _, id := range r.Inherits {
		m.heirs[id] = m.heirs[id].with(number)
	}
}

// forget takes out what a claimant of a role's id names; what the others name too
// is to be learnt again.
func (m *mentions) forget(number uint32, r *Role) {
	for resource, action := range mentioned(r) {
		in := m.of(resource)
		list := in[resource]
		i, found := list.find(action)
		if !found {
			continue
		}
		if list[i].roles = list[i].roles.without(number); len(list[i].roles) == 0 {
			keep(in, resource, shrunk(slices.Delete(list, i, i+1)))
		}
	}
	for _, id := range r.Inherits {
		keep(m.heirs, id, m.heirs[id].without(number))
	}
}

// mentioned yields the resources and actions that the permissions of a role name. The
// action is empty where there is none.
func mentioned(r *Role) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for i := range r.Permissions {
			p := &r.Permissions[i]
			if p.Actions == (Words{}) && !yield(p.Resource, "") {
				return
			}
			for action := range p.Actions.All() {
				if !yield(p.Resource, action) {
					return
				}
			}
		}
	}
}

// meaning yields what is named of a type, by its name or by patterns.
func (m *mentions) meaning(typ string) iter.Seq[*mention] {
	return func(yield func(*mention) bool) {
		for _, x := range m.types[typ] {
			if !yield(x) {
				return
			}
		}
		for pattern, list := range m.patterns {
			if !Match(pattern, typ) {
				continue
			}
			for _, x := range list {
				if !yield(x) {
					return
				}
			}
		}
	}
}

// at returns a mention that there is.
func (m *mentions) at(resource, action string) *mention {
	list := m.of(resource)[resource]
	i, _ := list.find(action)
	return list[i]
}

func (n named) find(action string) (at int, found bool) {
	return slices.BinarySearchFunc(n, action, func(m *mention, action string) int { return cmp.Compare(m.action, action) })
}

// numbers are roles, sorted.
type numbers []uint32

func (n numbers) with(number uint32) numbers {
	if len(n) == 0 || n[len(n)-1] < number {
		return append(n, number)
	}
	i, found := slices.BinarySearch(n, number)
	if found {
		return n
	}
	return slices.Insert(n, i, number)
}

func (n numbers) without(number uint32) numbers {
	i, found := slices.BinarySearch(n, number)
	if !found {
		return n
	}
	return shrunk(slices.Delete(n, i, i+1))
}

// shrunk returns a list in less memory if it leaves most of it empty.
func shrunk[S ~[]E, E any](list S) S {
	if 4*len(list) < cap(list) {
		return slices.Clone(list)
	}
	return list
}

// keep stores a list, unless it is empty.
func keep[S ~[]E, E any](in map[string]S, name string, list S) {
	if len(list) == 0 {
		delete(in, name)
	} else {
		in[name] = list
	}
}
