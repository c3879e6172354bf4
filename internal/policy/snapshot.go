// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"slices"

	"github.com/rolecall/rolecall/internal/authz"
)

// Snapshot is the whole policy at one moment. It is immutable and safe for any
// number of readers; it implements authz.Checker.
type Snapshot struct {
	served     []string // sorted; nil is every namespace
	revision   string
	namespaces *hamt[string, *namespace]
}

var _ authz.Checker = (*Snapshot)(nil)

// namespace is the policy of one application.
type namespace struct {
	vocabulary *Vocabulary
	bindings   *hamt[Key, *grants]
	subjects   int // entries in bindings
}

// NewSnapshot returns the empty policy of the namespaces served: all of them if
// the list is empty.
func NewSnapshot(namespaces []string) *Snapshot {
	served := slices.Clone(namespaces)
	slices.Sort(served)
	return &Snapshot{served: served, namespaces: newHAMT[string, *namespace]()}
}

// Revision names the policy: equal for equal objects.
func (s *Snapshot) Revision() string { return s.revision }

// Serves reports whether the namespace is one whose objects are watched.
func (s *Snapshot) Serves(name string) bool {
	if name == "" {
		return false
	}
	if len(s.served) == 0 {
		return true
	}
	_, found := slices.BinarySearch(s.served, name)
	return found
}

// namespace returns the policy of a namespace; nothing is declared in one that
// is served and empty.
func (s *Snapshot) namespace(name string) (*namespace, error) {
	if ns, ok := s.namespaces.get(name); ok {
		return ns, nil
	}
	if !s.Serves(name) {
		return nil, fmt.Errorf("%w: %q", authz.ErrUnknownNamespace, name)
	}
	return emptyNamespace, nil
}

// emptyNamespace is what a namespace without objects looks like; like every
// namespace, it never changes.
var emptyNamespace = &namespace{vocabulary: &Vocabulary{}, bindings: newHAMT[Key, *grants]()}

// Edit is a batch of changes to a snapshot, which stays as it is. It is not safe
// for concurrent use, and ends with Snapshot.
type Edit struct {
	served     []string
	namespaces *hedit[string, *namespace]
	open       map[string]*openNamespace
}

// openNamespace is a namespace that the batch has touched.
type openNamespace struct {
	vocabulary *Vocabulary
	bindings   *hedit[Key, *grants]
	subjects   int
}

// Edit begins a batch.
func (s *Snapshot) Edit() *Edit {
	return &Edit{served: s.served, namespaces: s.namespaces.edit(), open: make(map[string]*openNamespace)}
}

// SetVocabulary replaces the resources and roles of a namespace. Its bindings
// are not touched: they find the new roles by id.
func (e *Edit) SetVocabulary(namespace string, v *Vocabulary) {
	e.namespace(namespace).vocabulary = v
}

// ReplaceBinding takes one binding of a namespace out and puts another in;
// either may be nil.
func (e *Edit) ReplaceBinding(namespace string, out, in *Binding) {
	ns := e.namespace(namespace)
	if out != nil {
		for _, k := range out.Subjects {
			ns.change(k, func(g *grants) *grants { return g.without(out) })
		}
	}
	if in != nil {
		for _, k := range in.Subjects {
			ns.change(k, func(g *grants) *grants { return g.with(in) })
		}
	}
}

// Snapshot ends the batch and returns the policy that it makes, under a
// revision.
func (e *Edit) Snapshot(revision string) *Snapshot {
	for name, open := range e.open {
		if open.vocabulary.empty() && open.subjects == 0 {
			e.namespaces.remove(name)
			continue
		}
		e.namespaces.set(name, &namespace{
			vocabulary: open.vocabulary,
			bindings:   open.bindings.done(),
			subjects:   open.subjects,
		})
	}
	return &Snapshot{served: e.served, revision: revision, namespaces: e.namespaces.done()}
}

func (e *Edit) namespace(name string) *openNamespace {
	if open, ok := e.open[name]; ok {
		return open
	}
	ns, ok := e.namespaces.get(name)
	if !ok {
		ns = emptyNamespace
	}
	open := &openNamespace{vocabulary: ns.vocabulary, bindings: ns.bindings.edit(), subjects: ns.subjects}
	e.open[name] = open
	return open
}

func (ns *openNamespace) change(k Key, change func(*grants) *grants) {
	before, _ := ns.bindings.get(k)
	after := change(before)
	switch {
	case after == nil && before != nil:
		ns.bindings.remove(k)
		ns.subjects--
	case after != nil:
		ns.bindings.set(k, after)
		if before == nil {
			ns.subjects++
		}
	}
}
