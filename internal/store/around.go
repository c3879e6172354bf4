// SPDX-License-Identifier: Apache-2.0

package store

import (
	"fmt"
	"maps"
	"slices"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/policy"
)

// Around is what stands around an object in its namespace at one moment, for who
// judges the object before it is there. It is the caller's own; what it points to must
// not be changed.
type Around struct {
	Vocabulary *policy.Vocabulary
	Resources  []*policy.Resource
	Roles      []*policy.Role
	// Claimants are the objects of the kind that claim the id.
	Claimants []policy.Meta
	// Bound says that some RoleBinding gives the role of the id to somebody.
	Bound bool
	// Nested holds, by the ids of Groups, the ids of those of their members that are
	// groups.
	Nested map[string][]string
}

// Around returns what stands around an object of a kind that claims an id; a
// RoleBinding claims none. It waits for whoever writes, and takes time in proportion
// to the Resources and Roles, and the Groups within Groups, of the namespace. An error
// wraps authz.ErrNotReady or authz.ErrUnknownNamespace.
func (s *Store) Around(namespace string, kind Kind, id string) (*Around, error) {
	p := s.current.Load()
	if p == nil {
		return nil, errNotListed
	}
	if !p.snapshot.Serves(namespace) {
		return nil, fmt.Errorf("%w: %q", authz.ErrUnknownNamespace, namespace)
	}
	s.turn.Lock()
	defer s.turn.Unlock()
	return s.writer.around(namespace, kind, id), nil
}

func (w *writer) around(namespace string, kind Kind, id string) *Around {
	a := &Around{Vocabulary: w.index.Vocabulary(namespace), Nested: map[string][]string{}}
	if v := w.namespaces[namespace]; v != nil {
		a.Resources, a.Roles = slices.Collect(maps.Values(v.resources)), slices.Collect(maps.Values(v.roles))
	}
	switch kind {
	case KindResource:
		for _, r := range a.Resources {
			if r.Type == id {
				a.Claimants = append(a.Claimants, r.Meta)
			}
		}
	case KindRole:
		for _, r := range a.Roles {
			if r.ID == id {
				a.Claimants = append(a.Claimants, r.Meta)
			}
		}
		a.Bound = w.index.Bound(namespace, id)
	case KindGroup:
		a.Claimants = w.index.GroupClaimants(namespace, id)
		if g := w.groups[namespace]; g != nil {
			for _, n := range g.nested {
				a.Nested[n.id] = append(a.Nested[n.id], n.members...)
			}
		}
	case KindRoleBinding:
	}
	return a
}
