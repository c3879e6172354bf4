// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"slices"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/grants"
	"github.com/rolecall/rolecall/internal/persist"
	"github.com/rolecall/rolecall/internal/routing"
)

// Snapshot is the whole policy at one moment. It is immutable and safe for any
// number of readers; it implements authz.Checker. An Index publishes it.
type Snapshot struct {
	served     []string // sorted; nil is every namespace
	revision   string
	namespaces *persist.Map[string, *namespace]
	// only is the namespace that has objects if it is the only one; many an
	// installation serves one application.
	only     *namespace
	onlyName string
}

var _ authz.Checker = (*Snapshot)(nil)

// namespace is the policy of one application: what is declared, and what is
// bound. The latter stands in numbers (see space), so that a change of either
// leaves the other alone.
type namespace struct {
	vocabulary *Vocabulary
	// roles and numbers translate: the vocabulary's number of a role, or 0, by the
	// table's, and the table's by the vocabulary's.
	roles, numbers []uint32
	table          *grants.Table
	// kinds, scopes: the table's numbers. Scopes that no binding has are not
	// there, nor are kinds.
	kinds  *persist.Map[kindName, *kind]
	scopes *scopeNumbers
	// users is the kind that most subjects are of, if there is any.
	users *kind
	// special holds the bindings that a check has to look at, and names the names
	// of all, by number.
	special *persist.Map[uint32, *Binding]
	names   persist.Names
	routes  *routing.Table
	groups  *groups // nil if there are none
	// roleNames and scopeNames are by the table's numbers, and generations by the
	// bindings', of those above the first.
	roleNames, scopeNames persist.Names
	generations           *persist.Map[uint32, int64]
	// holders is for searches. instances are those that bindings name, and limited
	// the bindings that name them, by their numbers.
	holders   holders
	instances *instanceNumbers
	limited   *persist.Postings
}

// kindName is what a key is beside its id.
type kindName struct{ typ, connection string }

func (k *Key) kind() kindName { return kindName{typ: k.Type, connection: k.Connection} }

// kind is a kind of key that bindings are filed under.
type kind struct {
	kindName
	number uint32
	// everyone says that some binding lists all subjects of the kind.
	everyone bool
}

// typeUser is the type of most subjects.
const typeUser = "user"

func kindHash(k kindName) uint64 { return persist.Hash(k.typ) + 3*persist.Hash(k.connection) }

// emptyNamespace is what a namespace without objects looks like; like every
// namespace, it never changes.
var emptyNamespace = &namespace{
	vocabulary: emptyVocabulary,
	table:      grants.NewTable(),
	kinds:      persist.NewMap[kindName, *kind](kindHash),
	scopes:     newScopeNumbers(persist.NewMap[string, uint32](persist.Hash), &numbering[string]{}),
	special:    persist.NewMap[uint32, *Binding](persist.HashNumber),
	routes:     noRoutes,

	generations: persist.NewMap[uint32, int64](persist.HashNumber),
	holders:     noHolders,
	instances:   noInstances,
	limited:     noLimited,
}

// NewSnapshot returns the empty policy of the namespaces served: all of them if
// the list is empty.
func NewSnapshot(namespaces []string) *Snapshot {
	served := slices.Clone(namespaces)
	slices.Sort(served)
	return &Snapshot{served: served, namespaces: persist.NewMap[string, *namespace](persist.Hash)}
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
	if name == s.onlyName && s.only != nil {
		return s.only, nil
	}
	if ns, ok := s.namespaces.Get(name); ok {
		return ns, nil
	}
	if !s.Serves(name) {
		return nil, fmt.Errorf("%w: %q", authz.ErrUnknownNamespace, name)
	}
	return emptyNamespace, nil
}
