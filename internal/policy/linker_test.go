// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/internal/expr"
)

// units are what a linker is told of, by name.
type units struct {
	resources map[string]*Resource
	roles     map[string]*Role
}

// crowd makes units that name and contradict each other.
type crowd struct {
	*rand.Rand
	programs []*expr.Program
}

func (c crowd) meta(name string) Meta {
	return Meta{Name: name, Created: time.Unix(int64(c.IntN(3)), 0), Deleting: c.IntN(8) == 0}
}

func (c crowd) some(n int, of ...string) []string {
	var some []string
	for range c.IntN(n + 1) {
		some = append(some, of[c.IntN(len(of))])
	}
	return some
}

func (c crowd) resource(name string) *Resource {
	return &Resource{
		Meta: c.meta(name), Type: fmt.Sprintf("t:%c", 'a'+rune(c.IntN(7))), ScopeRequired: c.IntN(4) == 0,
		Actions:   c.some(6, "read", "read.all", "write", "write.all", "list"),
		Instances: c.instances(),
	}
}

func (c crowd) instances() *Instances {
	known := map[string]map[string]any{}
	for _, id := range c.some(2, "a", "b", "c") {
		known[id] = nil
	}
	return NewInstances(known)
}

func (c crowd) role(name string) *Role {
	bases := []string{"r-00", "r-07", "r-13", "r-34", "r-89"}
	r := &Role{Meta: c.meta(name), ID: fmt.Sprintf("r-%02d", c.IntN(90)), Assertable: c.IntN(2) == 0}
	if c.IntN(4) == 0 {
		r.ID = bases[c.IntN(len(bases))]
	}
	if c.IntN(3) == 0 {
		r.Inherits = c.some(2, append(bases, r.ID)...)
	}
	for range c.IntN(5) {
		p := Permission{
			Deny: c.IntN(4) == 0, Resource: []string{"t:a", "t:b", "t:c", "t:d", "t:e", "t:*", "*:f", "*"}[c.IntN(8)],
			Actions: WordsOf(c.some(3, "read", "write", "list", "read.*", "*.all", "*", "never")...),
		}
		if c.IntN(3) == 0 {
			p.Condition = c.programs[c.IntN(len(c.programs))]
		}
		r.Permissions = append(r.Permissions, p)
	}
	return r
}

// edit changes a unit, takes one out or puts one in.
func (c crowd) edit(l *Linker, u units, size int) {
	if c.IntN(6) == 0 {
		name := fmt.Sprint(c.IntN(14))
		r := c.resource(name)
		if before := u.resources[name]; before != nil && c.IntN(2) == 0 { // it declares the same
			other := *before
			other.Instances = r.Instances
			r = &other
		}
		replace(u.resources, name, r, c.IntN(14) >= size, l.ReplaceResource)
		return
	}
	name := fmt.Sprint(c.IntN(140))
	r := c.role(name)
	if before := u.roles[name]; before != nil && c.IntN(2) == 0 {
		r.ID = before.ID
	}
	replace(u.roles, name, r, c.IntN(140) >= size, l.ReplaceRole)
}

func replace[U any](units map[string]*U, name string, unit *U, goes bool, tell func(before, after *U)) {
	before := units[name]
	if goes {
		if before != nil {
			tell(before, nil)
			delete(units, name)
		}
		return
	}
	tell(before, unit)
	units[name] = unit
}

// linker returns a linker that has been told of the units at once.
func (u units) linker() *Linker {
	l := NewLinker()
	for _, r := range u.resources {
		l.ReplaceResource(nil, r)
	}
	for _, r := range u.roles {
		l.ReplaceRole(nil, r)
	}
	l.Link()
	return l
}

// keeps returns what a linker keeps by name, without a number.
func (l *Linker) keeps() map[string][]string {
	kept := map[string][]string{
		"ids":     slices.Sorted(maps.Keys(l.ids.numbers)),
		"types":   slices.Sorted(maps.Keys(l.types.numbers)),
		"actions": slices.Sorted(maps.Keys(l.actions.numbers)),
	}
	for name := range l.pairNames.numbers {
		kept["pairs"] = append(kept["pairs"], l.types.names[name.typ]+" "+l.actions.names[name.action])
	}
	slices.Sort(kept["pairs"])
	for _, by := range []map[string]named{l.mentions.types, l.mentions.patterns} {
		for resource, list := range by {
			for _, m := range list {
				kept[resource+" "+m.action] = l.idsOf(m.roles)
			}
		}
	}
	for id, heirs := range l.mentions.heirs {
		kept["inherits "+id] = l.idsOf(heirs)
	}
	return kept
}

func (l *Linker) idsOf(n numbers) []string {
	var ids []string
	for _, number := range n {
		ids = append(ids, l.ids.names[number])
	}
	slices.Sort(ids)
	return ids
}

// missed returns a role that resolves in another way than before and is not among
// the judged ones, if there is one. It notes how the roles resolve.
func (u units) missed(v *Vocabulary, judged []*Role, resolved map[*Role]string) *Role {
	for _, r := range u.roles {
		now := resolves(v, r)
		if before, known := resolved[r]; (!known || before != now) && !slices.Contains(judged, r) {
			return r
		}
		resolved[r] = now
	}
	return nil
}

// resolves says where the references of a role lead.
func resolves(v *Vocabulary, r *Role) string {
	var to []any
	for _, id := range r.Inherits {
		to = append(to, v.HasRole(id), leads(v, id, r.ID))
	}
	for resource, action := range mentioned(r) {
		typ, declared := v.Covers(resource, action)
		to = append(to, typ, declared)
	}
	return fmt.Sprint(to)
}

// leads reports whether inheritance leads from one id to another.
func leads(v *Vocabulary, from, to string) bool {
	seen := map[string]bool{from: true}
	for todo := []string{from}; len(todo) > 0; todo = todo[1:] {
		if todo[0] == to {
			return true
		}
		for _, id := range v.Inherits(todo[0]) {
			if !seen[id] {
				seen[id] = true
				todo = append(todo, id)
			}
		}
	}
	return false
}

// said is all that a vocabulary says, without a number.
type said struct {
	Types, RoleIDs []string
	Instances      map[string][]string
	Roles          map[string]saidRole
	Pairs          map[string]saidPair
}

type saidRole struct {
	Assertable bool
	Inherits   []string
	Conditions []string
}

type saidPair struct {
	ScopeRequired, Closed, Simple bool
	Rows                          [coverages][]string
}

// says returns what a vocabulary says, and checks that its parts say the same.
func says(t *testing.T, v *Vocabulary) said {
	t.Helper()
	s := said{Types: v.Types(), RoleIDs: v.RoleIDs(), Instances: map[string][]string{}, Roles: map[string]saidRole{}, Pairs: map[string]saidPair{}}
	places := map[uint32]string{}
	for _, typ := range s.Types {
		actions, _ := v.Actions(typ)
		s.Instances[typ] = v.Instances(typ).IDs()
		for _, action := range actions {
			name := typ + " " + action
			p := v.pair(typ, action)
			if p == nil || places[p.place()] != "" {
				t.Fatalf("%s is %+v, and another one stands where it does: %v", name, p, places)
			}
			places[p.place()] = name
			s.Pairs[name] = v.saysPair(p)
		}
	}
	for _, id := range s.RoleIDs {
		r, ok := v.roles.Get(id)
		if !ok || v.ids[r.number] != id || r.number == 0 {
			t.Fatalf("%s is %+v, and that number belongs to %s", id, r, v.ids[r.number])
		}
		said := saidRole{Assertable: r.assertable, Inherits: v.Inherits(id)}
		for _, c := range v.conditionals[r.number] {
			covers := c.places
			if covers == nil {
				covers = []uint32{c.place}
			}
			var pairs []string
			for _, place := range covers {
				if places[place] == "" || !c.covers(place) {
					t.Fatalf("a condition of %s is about the place %d, where %q is", id, place, places[place])
				}
				pairs = append(pairs, places[place])
			}
			slices.Sort(pairs)
			said.Conditions = append(said.Conditions, fmt.Sprintf("%p deny=%v %q", c.condition, c.deny, pairs))
		}
		s.Roles[id] = said
	}
	return s
}

func (v *Vocabulary) saysPair(p *pair) saidPair {
	s := saidPair{ScopeRequired: p.scopeRequired, Closed: p.closed, Simple: p.simple}
	for how := range s.Rows {
		p.each(coverage(how), func(role uint32) { s.Rows[how] = append(s.Rows[how], v.ids[role]) })
		slices.Sort(s.Rows[how])
	}
	return s
}

// TestALinkerForgetsItsPast: what a vocabulary says, after any number of changes,
// is what one says that is made of the units at once, and what an older one says
// stays what it was.
func TestALinkerForgetsItsPast(t *testing.T) {
	env, err := expr.NewEnv()
	if err != nil {
		t.Fatal(err)
	}
	c := crowd{Rand: rand.New(rand.NewPCG(3, 4))}
	for _, text := range []string{"true", "context.a", "context.b"} {
		program, _ := env.Compile(text)
		c.programs = append(c.programs, program)
	}
	l, u := NewLinker(), units{map[string]*Resource{}, map[string]*Role{}}
	resolved := map[*Role]string{}
	var past *Vocabulary
	var pastSaid said
	for batch := range 400 {
		size := []int{0, 20, 130, 140}[batch/15%4]
		for range 1 + c.IntN(1+c.IntN(8)) {
			c.edit(l, u, size)
		}
		if c.IntN(40) == 0 {
			l.peak = 1 << 20
		}
		v, judged := l.Link()
		if missed := u.missed(v, judged, resolved); missed != nil {
			t.Fatalf("batch %d: a role whose references lead elsewhere is not to be judged again: %+v", batch, missed)
		}
		anew := u.linker()
		got := says(t, v)
		if diff := cmp.Diff(says(t, anew.linked), got); diff != "" {
			t.Fatalf("batch %d (-made at once +changed):\n%s", batch, diff)
		}
		if diff := cmp.Diff(anew.keeps(), l.keeps()); diff != "" {
			t.Fatalf("batch %d: what is kept (-made at once +changed):\n%s", batch, diff)
		}
		if v.size != len(got.Types)+len(got.RoleIDs) || v.empty() != (len(u.roles)+len(u.resources) == 0) {
			t.Fatalf("batch %d: of %d types and roles, there are said to be %d", batch, len(got.Types)+len(got.RoleIDs), v.size)
		}
		if conflicts := len(u.roles) + len(u.resources) - v.size; l.Conflicts() != conflicts {
			t.Fatalf("batch %d: %d conflicts, want %d", batch, l.Conflicts(), conflicts)
		}
		if past == nil || c.IntN(30) == 0 {
			past, pastSaid = v, got
		}
		if c.IntN(4) > 0 {
			continue
		}
		if diff := cmp.Diff(pastSaid, says(t, past)); diff != "" {
			t.Fatalf("batch %d: an older vocabulary has changed (-before +now):\n%s", batch, diff)
		}
	}
}

// TestOnlyWhatChangedIsJudged: a Role among many that name the same makes no other
// one be judged again, nor does an action that no other one names.
func TestOnlyWhatChangedIsJudged(t *testing.T) {
	document := &Resource{Type: "document", Actions: []string{"read", "write"}}
	l := NewLinker()
	l.ReplaceResource(nil, document)
	var roles []*Role
	for i := range 100 {
		r := &Role{Meta: Meta{Name: fmt.Sprint(i)}, ID: fmt.Sprint(i), Inherits: []string{"base"}}
		r.Permissions = []Permission{{Resource: "document", Actions: WordsOf("read")}}
		if i == 7 {
			r.Permissions = append(r.Permissions, Permission{Resource: "*", Actions: WordsOf("print")})
		}
		roles = append(roles, r)
		l.ReplaceRole(nil, r)
	}
	base := &Role{Meta: Meta{Name: "base"}, ID: "base"}
	l.ReplaceRole(nil, base)
	if _, judged := l.Link(); len(judged) != 101 {
		t.Errorf("%d roles have come, and %d are judged", 101, len(judged))
	}
	changed := *base
	changed.Permissions = roles[0].Permissions
	l.ReplaceRole(base, &changed)
	if _, judged := l.Link(); !slices.Equal(judged, []*Role{&changed}) {
		t.Errorf("one role has another permission, and %d are judged", len(judged))
	}
	printed := *document
	printed.Actions = append(printed.Actions, "print")
	l.ReplaceResource(document, &printed)
	if _, judged := l.Link(); !slices.Equal(judged, []*Role{roles[7]}) {
		t.Errorf("one role names the action that has come, and %d are judged", len(judged))
	}
	if v, judged := l.Link(); v != l.linked || judged != nil {
		t.Errorf("nothing has changed, and %d roles are judged", len(judged))
	}
}

// TestALinkerGivesNumbersBack: of a great many roles, resources and names that are
// gone, no room is left.
func TestALinkerGivesNumbersBack(t *testing.T) {
	l := NewLinker()
	role := func(i int) *Role {
		return &Role{ID: fmt.Sprint("r-", i), Permissions: []Permission{{Resource: fmt.Sprint("t-", i), Actions: WordsOf("read")}}}
	}
	var roles []*Role
	var resources []*Resource
	for i := range 3 * sparseNames {
		roles = append(roles, role(i))
		resources = append(resources, &Resource{Type: fmt.Sprint("t-", i), Actions: []string{"read"}})
		l.ReplaceRole(nil, roles[i])
		l.ReplaceResource(nil, resources[i])
	}
	l.Link()
	for i := 10; i < len(roles); i++ {
		l.ReplaceRole(roles[i], nil)
		l.ReplaceResource(resources[i], nil)
	}
	v, _ := l.Link()
	if len(v.ids) != 11 || len(v.conditionals) != 11 || len(v.declared) != 10 || len(l.pairs) != 10 || len(l.roles) != 11 {
		t.Errorf("of 10 roles, %d numbers, %d conditions, %d types and %d pairs are left", len(v.ids), len(v.conditionals), len(v.declared), len(l.pairs))
	}
	for _, r := range v.pairs {
		if r.number != 0 && (cap(r.words) > 1 || r.count() != 1) {
			t.Errorf("of a pair, %d words are left, with %d roles", cap(r.words), r.count())
		}
	}
}
