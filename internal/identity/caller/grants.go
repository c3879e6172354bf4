// SPDX-License-Identifier: Apache-2.0

package caller

import (
	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/door"
)

// grant is what the configuration lets a caller ask.
type grant struct {
	everywhere  bool
	namespaces  map[string]bool
	permissions map[door.Permission]bool
}

// everyNamespace is the name that means all namespaces.
const everyNamespace = "*"

func newGrant(c *configv1alpha1.CallerGrant) grant {
	g := grant{namespaces: make(map[string]bool), permissions: make(map[door.Permission]bool)}
	for _, name := range c.Namespaces {
		g.everywhere = g.everywhere || name == everyNamespace
		g.namespaces[name] = true
	}
	for _, p := range c.Permissions {
		g.permissions[door.Permission(p)] = true
	}
	return g
}

func (g *grant) allows(namespace string, p door.Permission) bool {
	return (g.everywhere || g.namespaces[namespace]) && g.permissions[p]
}
