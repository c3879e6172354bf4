// SPDX-License-Identifier: Apache-2.0

package config

import (
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/authz"
)

func defaultStytch(s *configv1alpha1.Stytch) {
	for i := range s.Projects {
		if p := &s.Projects[i]; p.ScopePrefix == nil {
			p.ScopePrefix = new("org:")
		}
	}
}

func stytch(path *field.Path, c *configv1alpha1.ServerConfiguration) field.ErrorList {
	var faults field.ErrorList
	seen := map[string]bool{}
	for i := range c.Stytch.Projects {
		p, at := &c.Stytch.Projects[i], path.Child("projects").Index(i)
		switch {
		case p.ID == "" || strings.Contains(p.ID, ":"):
			faults = append(faults, field.Invalid(at.Child("id"), p.ID, "must be the project's id, which has no colon"))
		case seen[p.ID]:
			faults = append(faults, field.Duplicate(at.Child("id"), p.ID))
		}
		seen[p.ID] = true
		faults = append(faults, served(at.Child("namespace"), p.Namespace, c.Namespaces)...)
		if prefix := *p.ScopePrefix; prefix != "" && !authz.ValidScope(prefix+"x") {
			faults = append(faults, field.Invalid(at.Child("scopePrefix"), prefix, "must make a scope of an id that follows it, as org: does"))
		}
	}
	return faults
}
