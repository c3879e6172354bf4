// SPDX-License-Identifier: Apache-2.0

package policy

// What is asked about an object that is not there yet, by whoever judges it against
// the others. The answers are those of the last publication.

// Vocabulary returns what a namespace declares.
func (x *Index) Vocabulary(namespace string) *Vocabulary {
	if s := x.spaces[namespace]; s != nil {
		return s.vocabulary
	}
	return emptyVocabulary
}

// Bound reports whether some binding of a namespace gives a role to somebody.
func (x *Index) Bound(namespace, role string) bool {
	s := x.spaces[namespace]
	if s == nil {
		return false
	}
	number, known := s.roles.numbers[role]
	if !known {
		return false
	}
	entries := s.roles.refs[number]
	if _, declared := s.vocabulary.roles.Get(role); declared {
		entries-- // the vocabulary holds the number too; see link
	}
	return entries > 0
}

// GroupClaimants returns the Groups of a namespace that claim an id, in any order.
func (x *Index) GroupClaimants(namespace, id string) []Meta {
	s := x.spaces[namespace]
	if s == nil || s.roster == nil {
		return nil
	}
	var found []Meta
	for _, c := range s.roster.claimants[id] {
		found = append(found, c.Meta)
	}
	return found
}
