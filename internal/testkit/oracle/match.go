// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"slices"
	"strings"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/authz"
)

func declares(resource *v1alpha1.Resource, action string) bool {
	return slices.ContainsFunc(resource.Spec.Actions, func(a v1alpha1.ResourceAction) bool { return string(a.Name) == action })
}

// concerns reports whether a permission is about the request's type and action.
func concerns(p v1alpha1.Permission, r *authz.Request) bool {
	return matches(string(p.Resource), r.Resource.Type) &&
		slices.ContainsFunc(p.Actions, func(a v1alpha1.Pattern) bool { return matches(string(a), r.Action.Name) })
}

// matches tries every length for every *.
func matches(pattern, s string) bool {
	switch {
	case pattern == "":
		return s == ""
	case pattern[0] == '*':
		return matches(pattern[1:], s) || (s != "" && matches(pattern, s[1:]))
	}
	return s != "" && s[0] == pattern[0] && matches(pattern[1:], s[1:])
}

// covers reports whether what is held at one scope is held at another.
func covers(held, asked string) bool {
	if held == "*" {
		return true
	}
	ancestors, path := strings.Split(held, "/"), strings.Split(asked, "/")
	return asked != "" && len(ancestors) <= len(path) && slices.Equal(ancestors, path[:len(ancestors)])
}

// applies reports whether a binding counts for a request, whoever it lists.
func applies(b *v1alpha1.RoleBinding, r *authz.Request) bool {
	return b.Namespace == r.Namespace && valid(b, r) && covers(b.Spec.Scope, r.Scope) && names(b, r)
}

func valid(b *v1alpha1.RoleBinding, r *authz.Request) bool {
	from, to := b.Spec.NotBefore, b.Spec.NotAfter
	return (from == nil || !r.Time.Before(from.Time)) && (to == nil || r.Time.Before(to.Time))
}

func names(b *v1alpha1.RoleBinding, r *authz.Request) bool {
	return len(b.Spec.Resources) == 0 || slices.Contains(b.Spec.Resources,
		v1alpha1.ResourceRef{Type: v1alpha1.ID(r.Resource.Type), ID: r.Resource.ID})
}

// keyed reports whether a list names the subject, and whether in a way that is
// trusted with Allows: an e-mail domain is only if it is verified, and a group that
// Groups put the subject into if they are.
func keyed(list []v1alpha1.Subject, s *authz.Subject, groups map[string]bool) (listed, trusted bool) {
	for _, key := range list {
		joined, beyondDoubt := false, false
		if key.Type == v1alpha1.SubjectGroup {
			beyondDoubt, joined = groups[key.ID]
		}
		stated := has(key, s)
		listed = listed || stated || joined
		trusted = trusted || beyondDoubt || stated && (key.Type != v1alpha1.SubjectEmailDomain || s.EmailVerified)
	}
	return listed, trusted
}

func has(key v1alpha1.Subject, s *authz.Subject) bool {
	if key.Type == v1alpha1.SubjectSSOGroup {
		return slices.Contains(s.SSOGroups, authz.SSOGroup{Connection: key.Connection, ID: key.ID})
	}
	if key.Connection != "" {
		return false
	}
	switch key.Type {
	case v1alpha1.SubjectGroup:
		return slices.Contains(s.Groups, key.ID)
	case v1alpha1.SubjectEmailDomain:
		local, domain, _ := strings.Cut(s.Email, "@")
		return local != "" && domain != "" && !strings.Contains(domain, "@") && lower(domain) == lower(key.ID)
	case v1alpha1.SubjectSSOConnection:
		return slices.Contains(s.SSOConnections, key.ID)
	}
	return string(key.Type) == s.Type && (key.ID == "*" || key.ID == s.ID)
}

func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}
