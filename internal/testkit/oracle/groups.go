// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"maps"
	"slices"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/authz"
)

// question is a request and the groups that its subject is in.
type question struct {
	*authz.Request
	// groups are those that Groups put the subject into, and whether that is
	// beyond doubt.
	groups map[string]bool
	// seen is the request with the properties that conditions see.
	seen *authz.Request
	// with and without are the request as conditions see it, with the groups that
	// are in doubt and without them.
	with, without *authz.Request
}

func (o *Oracle) ask(r *authz.Request) *question {
	q := &question{Request: r, groups: o.joined(r)}
	seen := *r
	seen.Subject.Properties = o.properties(r.Namespace, r.Subject.Type, r.Subject.ID, r.Subject.Captured, r.Subject.Properties)
	seen.Resource.Properties = o.properties(r.Namespace, r.Resource.Type, r.Resource.ID, r.Resource.Captured, r.Resource.Properties)
	q.seen = &seen
	q.with = q.among(func(bool) bool { return true })
	q.without = q.among(func(beyondDoubt bool) bool { return beyondDoubt })
	return q
}

// among returns the request with all groups of its subject: those that it states,
// then those that Groups put it into, sorted.
func (q *question) among(counts func(beyondDoubt bool) bool) *authz.Request {
	r := *q.seen
	r.Subject.Groups = slices.Clone(r.Subject.Groups)
	for _, id := range slices.Sorted(maps.Keys(q.groups)) {
		if counts(q.groups[id]) && !slices.Contains(q.Subject.Groups, id) {
			r.Subject.Groups = append(r.Subject.Groups, id)
		}
	}
	return &r
}

// joined looks at all Groups again and again, until nothing comes to light any
// more.
func (o *Oracle) joined(r *authz.Request) map[string]bool {
	groups := map[string]bool{}
	for again := true; again; {
		again = false
		for _, g := range o.groups {
			if g.Namespace != r.Namespace {
				continue
			}
			listed, trusted := keyed(g.Spec.Members, &r.Subject, groups)
			trusted = trusted && g.DeletionTimestamp == nil && o.ownsID(g)
			if known, isIn := groups[g.GroupID()]; listed && (!isIn || trusted && !known) {
				groups[g.GroupID()] = trusted
				again = true
			}
		}
	}
	return groups
}

func (o *Oracle) ownsID(g *v1alpha1.Group) bool {
	return first(claims(o.groups, g.Namespace, g.GroupID(), (*v1alpha1.Group).GroupID)) == g
}
