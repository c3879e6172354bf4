// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"cmp"
	"slices"

	"github.com/rolecall/rolecall/internal/authz"
)

// grants are the bindings under one subject key. An entry is immutable; a change
// copies the one list that it touches.
type grants struct {
	// everywhere are the bindings with the scope `*`.
	everywhere []*Binding
	// scoped are the others by scope, sorted, so that a key that is bound in a
	// thousand tenants costs a check in one of them a search, not a scan.
	scoped []scopedGrants
}

type scopedGrants struct {
	scope    string
	bindings []*Binding
}

// at returns the bindings whose scope is exactly this one.
func (g *grants) at(scope string) []*Binding {
	i, found := g.find(scope)
	if !found {
		return nil
	}
	return g.scoped[i].bindings
}

func (g *grants) find(scope string) (int, bool) {
	return slices.BinarySearchFunc(g.scoped, scope, func(s scopedGrants, want string) int {
		return cmp.Compare(s.scope, want)
	})
}

// with returns the entry with a binding added, and without, with it taken away;
// nil stands for the entry without bindings.
func (g *grants) with(b *Binding) *grants {
	return g.replace(b.Scope, func(list []*Binding, at int, found bool) []*Binding {
		if found {
			list[at] = b
			return list
		}
		return slices.Insert(list, at, b)
	}, b.Name)
}

func (g *grants) without(b *Binding) *grants {
	return g.replace(b.Scope, func(list []*Binding, at int, found bool) []*Binding {
		if found {
			return slices.Delete(list, at, at+1)
		}
		return list
	}, b.Name)
}

// replace changes a copy of the list of one scope at the place of a name.
func (g *grants) replace(scope string, change func([]*Binding, int, bool) []*Binding, name string) *grants {
	next := &grants{}
	if g != nil {
		*next = *g
	}
	edit := func(list []*Binding) []*Binding {
		at, found := slices.BinarySearchFunc(list, name, func(b *Binding, want string) int {
			return cmp.Compare(b.Name, want)
		})
		return change(append(make([]*Binding, 0, len(list)+1), list...), at, found)
	}
	if scope == authz.Wildcard {
		next.everywhere = edit(next.everywhere)
	} else {
		next.replaceScoped(scope, edit)
	}
	if len(next.everywhere) == 0 && len(next.scoped) == 0 {
		return nil
	}
	return next
}

func (g *grants) replaceScoped(scope string, edit func([]*Binding) []*Binding) {
	i, found := g.find(scope)
	g.scoped = append(make([]scopedGrants, 0, len(g.scoped)+1), g.scoped...)
	if !found {
		g.scoped = slices.Insert(g.scoped, i, scopedGrants{scope: scope})
	}
	g.scoped[i].bindings = edit(g.scoped[i].bindings)
	if len(g.scoped[i].bindings) == 0 {
		g.scoped = slices.Delete(g.scoped, i, i+1)
	}
}
