// SPDX-License-Identifier: Apache-2.0

package store

import (
	"slices"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/policy"
)

// groups is what the writer keeps of the Groups of one namespace to judge them: the
// index has the rest.
type groups struct {
	// claims is the ids by the names of the objects.
	claims map[string]string
	// nested holds, by name, the Groups that have groups as members. Few have any.
	nested map[string]nested
	// changed says that there are other claims, or others nested, than when faults
	// was counted.
	changed bool
	faults  map[string]int
}

// nested is a Group and those of its members that are groups.
type nested struct {
	id      string
	members []string
}

// groupsOf returns the groups of a namespace in order to change them.
func (w *writer) groupsOf(namespace string) *groups {
	g := w.groups[namespace]
	if g == nil {
		g = &groups{claims: make(map[string]string), nested: make(map[string]nested)}
		w.groups[namespace] = g
	}
	w.regrouped[namespace] = g
	return g
}

func (g *groups) set(name string, unit *policy.Group) {
	if id, known := g.claims[name]; !known || id != unit.ID {
		g.claims[name], g.changed = unit.ID, true
	}
	before, after := g.nested[name], nested{unit.ID, unit.Nested()}
	if before.id == after.id && slices.Equal(before.members, after.members) {
		return
	}
	if len(after.members) > 0 {
		g.nested[name] = after
	} else {
		delete(g.nested, name)
	}
	g.changed = true
}

func (g *groups) remove(name string) {
	delete(g.claims, name)
	delete(g.nested, name)
	g.changed = true
}

// judgeGroups counts what is wrong with the groups of the namespaces in which that
// may be something else than before. A change of members that are no groups is
// none.
func (w *writer) judgeGroups() {
	for namespace, g := range w.regrouped {
		if !g.changed {
			continue
		}
		for reason, n := range g.faults {
			w.countReason(reason, -n)
		}
		g.judge()
		for reason, n := range g.faults {
			w.countReason(reason, n)
		}
		if len(g.claims) == 0 {
			delete(w.groups, namespace)
		}
	}
	clear(w.regrouped)
}

// judge counts, by reason, the objects that do not own their id and the members
// that lead back to their group. It takes time in proportion to the groups and
// their member groups, whatever cycles there are.
func (g *groups) judge() {
	g.changed, g.faults = false, make(map[string]int)
	ids := make(map[string]bool, len(g.claims))
	for _, id := range g.claims {
		ids[id] = true
	}
	if conflicts := len(g.claims) - len(ids); conflicts > 0 {
		g.faults[v1alpha1.ReasonConflicted] = conflicts
	}
	members := make(map[string][]string, len(g.nested))
	for _, n := range g.nested {
		members[n.id] = append(members[n.id], n.members...)
	}
	component := components(members)
	for _, n := range g.nested {
		for _, member := range n.members {
			if component[n.id] == component[member] {
				g.faults[v1alpha1.ReasonMembershipCycle]++
			}
		}
	}
}

// components numbers the ids so that those which lead to each other have the same
// number (Tarjan's strongly connected components).
func components(next map[string][]string) map[string]int {
	t := tarjan{next: next, met: map[string]int{}, low: map[string]int{}, component: map[string]int{}}
	for id := range next {
		if t.met[id] == 0 {
			t.visit(id)
		}
	}
	return t.component
}

// tarjan is the state of the search: met is when an id was met, from 1; low is when
// the first that it leads back to was met; open are those without a component yet.
type tarjan struct {
	next      map[string][]string
	met, low  map[string]int
	open      []string
	component map[string]int
}

// visit goes through all that can be reached from an id. The way is a list and not
// the stack, because it may be as long as there are groups.
func (t *tarjan) visit(id string) {
	type step struct {
		id   string
		next []string
	}
	t.meet(id)
	way := []step{{id, t.next[id]}}
	for len(way) > 0 {
		at := &way[len(way)-1]
		if len(at.next) == 0 {
			t.leave(at.id)
			if way = way[:len(way)-1]; len(way) > 0 {
				from := way[len(way)-1].id
				t.low[from] = min(t.low[from], t.low[at.id])
			}
			continue
		}
		to := at.next[0]
		at.next = at.next[1:]
		if t.met[to] == 0 {
			t.meet(to)
			way = append(way, step{to, t.next[to]})
		} else if t.component[to] == 0 {
			t.low[at.id] = min(t.low[at.id], t.met[to])
		}
	}
}

func (t *tarjan) meet(id string) {
	t.met[id] = len(t.met) + 1
	t.low[id] = t.met[id]
	t.open = append(t.open, id)
}

// leave closes a component at the first of its ids.
func (t *tarjan) leave(id string) {
	if t.low[id] != t.met[id] {
		return
	}
	for {
		last := t.open[len(t.open)-1]
		t.open = t.open[:len(t.open)-1]
		t.component[last] = t.met[id]
		if last == id {
			return
		}
	}
}
