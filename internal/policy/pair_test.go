// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/policy"
)

// TestNamesThatAreAlike: names are told from each other by what stands in the middle
// of long ones, and by what is missing at the end of short ones. Each pair has a role
// of its own, and only that one grants.
func TestNamesThatAreAlike(t *testing.T) {
	names := []string{
		"a", "aa", "aaaaaaaa", "aaaaaaaaa", "aaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaaa",
		"aaaaaaaabaaaaaaa", "aaaaaaaabaaaaaaaa", "aaaaaaaaabaaaaaaa", "aaaaaaaa-of-one-aaaaaaaa", "aaaaaaaa-of-two-aaaaaaaa",
	}
	var resources []*policy.Resource
	var roles []*policy.Role
	x := policy.NewIndex(nil)
	for _, typ := range names {
		resources = append(resources, &policy.Resource{Type: typ, Actions: names})
		for _, action := range names {
			id := typ + " " + action
			roles = append(roles, role(id, policy.Permission{Resource: typ, Actions: policy.WordsOf(action)}))
			x.Put("app", bind(id, "alice", id), 0)
		}
	}
	x.SetVocabulary("app", policy.Link(resources, roles))
	s := x.Publish("")
	for _, typ := range append(names, "aaaaaaaa-of-six-aaaaaaaa", "b") {
		for _, action := range append(names, "aaaaaaaa-of-six-aaaaaaaa", "b") {
			r := ask("alice", action)
			r.Resource.Type = typ
			d := decide(t, s, r)
			switch declaredType, declaredAction := slices.Contains(names, typ), slices.Contains(names, action); {
			case !declaredType && d.Reason != authz.ReasonUnknownResource,
				declaredType && !declaredAction && d.Reason != authz.ReasonUnknownAction,
				declaredType && declaredAction && (!d.Allowed || !slices.Equal(d.Roles, []string{typ + " " + action})):
				t.Errorf("%s of %s: %+v", action, typ, d)
			}
		}
	}
}

// TestAScopeIsJudgedBeforeItIsLookedUp: what is no scope is a fault of the request,
// whatever is bound and whatever else would be the answer.
func TestAScopeIsJudgedBeforeItIsLookedUp(t *testing.T) {
	x := policy.NewIndex([]string{"app"})
	x.SetVocabulary("app", policy.Link(document, nil))
	for _, scope := range []string{"org:a", "/org:a", "org:a/", "org:a//t:b", authz.Wildcard} {
		b := bind("in "+scope, "alice", "reader")
		b.Scope = scope
		x.Put("app", b, 0)
	}
	s := x.Publish("")
	for _, scope := range []string{"/org:a", "org:a/", "org:a//t:b", authz.Wildcard, "/"} {
		for _, namespace := range []string{"app", "elsewhere"} {
			for _, session := range []string{"", "org:b"} {
				r := ask("alice", "nothing")
				r.Namespace, r.Scope, r.Subject.SessionScope = namespace, scope, session
				var d authz.Decision
				var fault *authz.RequestError
				if err := s.Check(r, &d); !errors.As(err, &fault) || fault.Field != "scope" {
					t.Errorf("scope %q in %s: %v", scope, namespace, err)
				}
			}
		}
	}
}
