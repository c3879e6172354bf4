// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/grants"
	"github.com/rolecall/rolecall/internal/persist"
	"github.com/rolecall/rolecall/internal/routing"
)

// space is what the writer keeps of one namespace, and the changes to it since
// the last publication.
type space struct {
	roles  numbering[string]
	scopes numbering[string]
	kinds  numbering[kindName]
	// everyone counts, by kind, the entries under its wildcard.
	everyone map[uint32]int
	book     *book

	roster *roster // nil if there are no Groups

	vocabulary *Vocabulary
	routes     *routing.Table
	// declared are the numbers of the vocabulary's roles, by its own numbers, and
	// held by it; roleMap is the reverse. Nobody has the first.
	declared, roleMap []uint32

	table    *grants.Edit
	kindMap  *persist.MapEdit[kindName, *kind]
	scopeMap *persist.MapEdit[string, uint32]
	// scopeNumbers are those of the last publication.
	scopeNumbers *scopeNumbers
	special      *persist.MapEdit[uint32, *Binding]
	// roleNames and scopeNames are by number, and generations are those above the
	// first of the bindings' objects, for explanations.
	roleNames, scopeNames *persist.NamesEdit
	generations           *persist.MapEdit[uint32, int64]
	holders               holders
	instances             catalogue
	limited               limited
	filing                filing
}

func newSpace(w *grants.Workspace) *space {
	s := &space{
		everyone: make(map[uint32]int), book: newBook(),
		vocabulary: emptyNamespace.vocabulary, declared: make([]uint32, 1), routes: noRoutes,
		holders: noHolders, instances: newCatalogue(), limited: limited{settled: noLimited},
	}
	s.roleNames, s.scopeNames = persist.Names{}.Edit(), persist.Names{}.Edit()
	s.generations = emptyNamespace.generations.Edit()
	s.scopes.hold(authz.Wildcard) // the first number, which is grants.Everywhere
	s.scopeNames.Set(grants.Everywhere, authz.Wildcard)
	s.table = emptyNamespace.table.Edit(w, s.released)
	s.kindMap = emptyNamespace.kinds.Edit()
	s.scopeNumbers = emptyNamespace.scopes
	s.scopeMap = s.scopeNumbers.all.Edit()
	s.special = emptyNamespace.special.Edit()
	return s
}

// link makes v the vocabulary. Roles that have kept their numbers are left alone.
func (s *space) link(v *Vocabulary) {
	before := s.vocabulary.ids
	s.vocabulary = v
	if &before[0] == &v.ids[0] {
		return
	}
	declared := make([]uint32, len(v.ids))
	for i, id := range v.ids {
		switch {
		case i < len(before) && before[i] == id:
			declared[i] = s.declared[i]
		case id != "":
			declared[i] = s.holdRole(id)
		}
	}
	for i, id := range before {
		if id != "" && (i >= len(v.ids) || v.ids[i] != id) {
			s.releaseRole(s.declared[i])
		}
	}
	s.declared = declared
	s.roleMap = make([]uint32, len(s.roles.names))
	for i, id := range v.ids {
		if id != "" {
			s.roleMap[declared[i]] = uint32(i)
		}
	}
}

// put files a binding in place of what had its name.
func (s *space) put(b *Binding, digest uint64) {
	number, known := s.book.enter(b.Name)
	if before, _ := s.special.Get(number); before != nil {
		s.postSpecial(number, before, -1)
	}
	f := s.file(b)
	first, last := 0, len(f.subjects) // which subjects are new
	switch before := s.book.many[number]; {
	case before != nil && before.sameEntries(&f.filed):
		same, tail := common(before.subjects, f.subjects)
		s.removeEntries(number, before.subjects[same:len(before.subjects)-tail])
		if !before.repeats(same, len(before.subjects)-tail) {
			first, last = same, last-tail
		}
	case known:
		s.removeEntries(number, s.book.subjects(number))
	}
	s.addEntries(number, f, first, last)
	s.unfile(f)
	if f.special {
		s.special.Set(number, b)
		s.postSpecial(number, b, 1)
	} else {
		s.special.Remove(number)
	}
	s.keepGeneration(number, b.Generation)
	s.book.keep(number, digest, &f.filed)
}

// keepGeneration remembers the generation of a binding's object. Most objects are
// made and never changed, and cost nothing.
func (s *space) keepGeneration(number uint32, generation int64) {
	if generation > 1 {
		s.generations.Set(number, generation)
	} else {
		s.generations.Remove(number)
	}
}

// remove takes a binding out.
func (s *space) remove(name string, number uint32) {
	s.removeEntries(number, s.book.subjects(number))
	if before, _ := s.special.Get(number); before != nil {
		s.postSpecial(number, before, -1)
		s.special.Remove(number)
	}
	s.generations.Remove(number)
	s.book.remove(name)
}

// common returns how many items two lists share at their beginnings, and how many
// of the others at their ends.
func common(a, b []uint64) (head, tail int) {
	n := min(len(a), len(b))
	for head < n && a[head] == b[head] {
		head++
	}
	for tail < n-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	return head, tail
}

func (s *space) removeEntries(number uint32, subjects []uint64) {
	for _, hash := range subjects {
		s.table.Remove(hash, number)
	}
}

// possible reports whether somebody can have the key: not one without a type, or
// with an endless id.
func (k *Key) possible() bool { return k.Type != "" && len(k.ID) <= grants.MaxID }

// filing is a binding in numbers, each of which is held while it is at work.
type filing struct {
	filed
	keys []grants.Key // one for each of the subjects
}

// file returns a binding in numbers. A key that nobody can have is left out. The
// memory is used again by the next call.
func (s *space) file(b *Binding) *filing {
	f := &s.filing
	f.special, f.limited = !b.plain(), len(b.Resources) > 0
	f.scope = s.holdScope(b.Scope)
	f.roles = f.roles[:0]
	for _, id := range b.Roles {
		f.roles = append(f.roles, s.holdRole(id))
	}
	f.keys, f.subjects = f.keys[:0], f.subjects[:0]
	var name kindName
	for i := range b.Subjects {
		subject := &b.Subjects[i]
		if !subject.possible() {
			continue
		}
		key := grants.Key{ID: subject.ID}
		if last := len(f.keys) - 1; last >= 0 && name == subject.kind() {
			key.Kind = f.keys[last].Kind
			s.kinds.again(key.Kind, 1)
		} else {
			name = subject.kind()
			key.Kind = s.holdKind(name)
		}
		f.keys, f.subjects = append(f.keys, key), append(f.subjects, key.Hash())
	}
	return f
}

// unfile releases what file has held. What has been filed goes on being held.
func (s *space) unfile(f *filing) {
	for _, number := range f.roles {
		s.releaseRole(number)
	}
	s.releaseScope(f.scope)
	for i := range f.keys {
		s.releaseKind(f.keys[i].Kind)
	}
	clear(f.keys) // the ids belong to somebody else
}

// addEntries files some of the subjects, and holds what their entries name.
func (s *space) addEntries(number uint32, f *filing, first, last int) {
	if f.special {
		number |= grants.Special
	}
	if f.limited {
		number |= grants.Limited
	}
	for i := first; i < last; i++ {
		key := f.keys[i]
		s.kinds.again(key.Kind, len(f.roles))
		if key.ID == authz.Wildcard {
			s.countEveryone(key.Kind, len(f.roles))
		}
		for _, role := range f.roles {
			s.table.Add(f.subjects[i], key, grants.Entry{Role: role, Scope: f.scope, Binding: number})
			if !f.special {
				s.post(f.scope, role, f.subjects[i], 1)
			}
		}
	}
	s.scopes.again(f.scope, (last-first)*len(f.roles))
	for _, role := range f.roles {
		s.roles.again(role, last-first)
	}
}

// released accounts for an entry that is gone.
func (s *space) released(k grants.Key, e grants.Entry) {
	if e.Binding&grants.Special == 0 {
		s.post(e.Scope, e.Role, k.Hash(), -1)
	}
	s.releaseRole(e.Role)
	s.releaseScope(e.Scope)
	if k.ID == authz.Wildcard {
		s.countEveryone(k.Kind, -1)
	}
	s.releaseKind(k.Kind)
}

func (s *space) holdRole(id string) uint32 {
	number, fresh := s.roles.hold(id)
	if fresh {
		s.roleNames.Set(number, id)
	}
	return number
}

func (s *space) releaseRole(number uint32) {
	if _, gone := s.roles.release(number); gone {
		s.roleNames.Set(number, "")
	}
}

func (s *space) holdScope(scope string) uint32 {
	number, fresh := s.scopes.hold(scope)
	if fresh {
		s.scopeMap.Set(scope, number)
		s.scopeNames.Set(number, scope)
	}
	return number
}

func (s *space) releaseScope(number uint32) {
	if scope, gone := s.scopes.release(number); gone {
		s.scopeMap.Remove(scope)
		s.scopeNames.Set(number, "")
	}
}

func (s *space) holdKind(name kindName) uint32 {
	number, fresh := s.kinds.hold(name)
	if fresh {
		s.kindMap.Set(name, &kind{kindName: name, number: number})
	}
	return number
}

func (s *space) releaseKind(number uint32) {
	if name, gone := s.kinds.release(number); gone {
		s.kindMap.Remove(name)
	}
}

// countEveryone counts the entries under the wildcard of a kind: checks look
// there only if there are some.
func (s *space) countEveryone(number uint32, by int) {
	before := s.everyone[number]
	s.everyone[number] = before + by
	if after := before + by; (before == 0) != (after == 0) {
		name := s.kinds.names[number]
		s.kindMap.Set(name, &kind{kindName: name, number: number, everyone: after != 0})
	}
	if s.everyone[number] == 0 {
		delete(s.everyone, number)
	}
}

// empty reports whether nothing is declared and nothing bound, and nobody is in a
// Group.
func (s *space) empty() bool { return s.book.live == 0 && s.roster == nil && s.vocabulary.empty() }

// publish ends the batch and begins the next one.
func (s *space) publish() *namespace {
	s.table.Commit()
	s.limited.settle()
	s.compactIfSparse()
	n := &namespace{vocabulary: s.vocabulary, roles: s.roleMap, numbers: s.declared, table: s.table.Commit(), names: s.book.names.Done()}
	// What the table has released is in the maps only now.
	n.kinds, n.special, n.routes = s.kindMap.Done(), s.special.Done(), s.routes
	n.roleNames, n.scopeNames, n.generations = s.roleNames.Done(), s.scopeNames.Done(), s.generations.Done()
	n.holders, n.instances, n.limited = s.publishHolders(), s.instances.publish(), s.limited.settled
	if all := s.scopeMap.Done(); all != s.scopeNumbers.all {
		s.scopeNumbers = newScopeNumbers(all, &s.scopes)
	}
	n.scopes = s.scopeNumbers
	n.users, _ = n.kinds.Get(kindName{typ: typeUser})
	if s.roster != nil {
		n.groups = s.roster.publish()
	}
	return n
}
