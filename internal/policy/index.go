// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"iter"

	"github.com/rolecall/rolecall/internal/grants"
)

// Index is the policy in the making: it takes units and publishes snapshots. It
// is not safe for concurrent use; the snapshots are.
//
// A binding is broken down into numbers when it is put, and nothing of the unit
// is kept unless a check has to look at it, so that millions of bindings take
// little more memory than their names and the ids of their subjects.
type Index struct {
	published *Snapshot
	spaces    map[string]*space
	changed   map[string]*space
	bindings  int
	workspace grants.Workspace
}

// NewIndex returns the index of the namespaces served: all of them if the list is
// empty.
func NewIndex(namespaces []string) *Index {
	return &Index{
		published: NewSnapshot(namespaces),
		spaces:    make(map[string]*space),
		changed:   make(map[string]*space),
	}
}

// SetVocabulary replaces the resources and roles of a namespace. Its bindings
// are not touched: they find the new roles by id.
func (x *Index) SetVocabulary(namespace string, v *Vocabulary) {
	x.space(namespace).link(v)
}

// Put takes a binding in, in place of the one with its name if there is one. The
// digest is the caller's; see Digest.
func (x *Index) Put(namespace string, b *Binding, digest uint64) {
	s := x.space(namespace)
	x.bindings -= s.book.live
	s.put(b, digest)
	x.bindings += s.book.live
}

// Digest returns what came with a binding, and whether it is there.
func (x *Index) Digest(namespace, name string) (digest uint64, found bool) {
	s := x.spaces[namespace]
	if s == nil {
		return 0, false
	}
	number, found := s.book.find(name)
	if !found {
		return 0, false
	}
	return s.book.records.at(number).digest, true
}

// Delete takes a binding out, if it is there.
func (x *Index) Delete(namespace, name string) {
	s := x.spaces[namespace]
	if s == nil {
		return
	}
	if number, found := s.book.find(name); found {
		x.changed[namespace] = s
		s.remove(name, number)
		x.bindings--
	}
}

// Bindings returns how many bindings there are.
func (x *Index) Bindings() int { return x.bindings }

// Each yields the namespace and the name of every binding. The index must not be
// changed meanwhile.
func (x *Index) Each() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for namespace, s := range x.spaces {
			for _, name := range s.book.all() {
				if !yield(namespace, name) {
					return
				}
			}
		}
	}
}

// Publish returns the policy as it is now, under a revision.
func (x *Index) Publish(revision string) *Snapshot {
	namespaces := x.published.namespaces.Edit()
	for name, s := range x.changed {
		if s.empty() {
			delete(x.spaces, name)
			namespaces.Remove(name)
			continue
		}
		namespaces.Set(name, s.publish())
	}
	clear(x.changed)
	next := &Snapshot{served: x.published.served, revision: revision, namespaces: namespaces.Done()}
	if len(x.spaces) == 1 {
		for next.onlyName = range x.spaces {
			next.only, _ = next.namespaces.Get(next.onlyName)
		}
	}
	x.published = next
	return next
}

func (x *Index) space(namespace string) *space {
	s := x.spaces[namespace]
	if s == nil {
		s = newSpace(&x.workspace)
		x.spaces[namespace] = s
	}
	x.changed[namespace] = s
	return s
}
