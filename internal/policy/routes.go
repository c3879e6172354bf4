// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"iter"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/routing"
)

var _ authz.Router = (*Snapshot)(nil)

// Routes returns the table of the routes of all resources of one namespace, in any
// order. Those of a resource that does not own its type mean nothing by themselves.
func Routes(resources iter.Seq[*Resource]) *routing.Table {
	owners := make(map[string]*Resource)
	routed := false
	for r := range resources {
		routed = routed || len(r.Routes) > 0
		if owner := owners[r.Type]; owner == nil || r.CompareClaims(owner.Meta) < 0 {
			owners[r.Type] = r
		}
	}
	if !routed {
		return noRoutes
	}
	var claims []*routing.Claim
	for r := range resources {
		for i := range r.Routes {
			claim := r.Routes[i]
			claim.Void = owners[r.Type] != r
			claims = append(claims, &claim)
		}
	}
	return routing.New(claims)
}

// noRoutes is the table of whoever has none.
var noRoutes = &routing.Table{}

// SetRoutes replaces the routes of a namespace.
func (x *Index) SetRoutes(namespace string, t *routing.Table) {
	x.space(namespace).routes = t
}

// Route implements authz.Router.
func (s *Snapshot) Route(namespace string, r *authz.HTTPRequest, m *authz.RouteMatch) error {
	ns, err := s.namespace(namespace)
	if err != nil {
		*m = authz.RouteMatch{Captures: m.Captures[:0]}
		return err
	}
	ns.routes.Match(r, m)
	return nil
}
