// SPDX-License-Identifier: Apache-2.0

//go:build !race

// The race detector makes pools forget what they hold.

package policy_test

import (
	"fmt"
	"testing"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/policy"
)

// TestGroupsAllocateNothing: also not for who is in many, in doubt, and by several
// ways.
func TestGroupsAllocateNothing(t *testing.T) {
	x := policy.NewIndex(nil)
	x.SetVocabulary("app", policy.Link(document, []*policy.Role{reader("top")}))
	for i := range 30 {
		id := fmt.Sprintf("g-%d", i)
		x.PutGroup("app", group(id, user("alice"), policy.Key{Type: authz.TypeEmailDomain, ID: "acme.com"}, team("stated")))
		x.PutGroup("app", group("over-"+id, team(id)))
	}
	x.PutGroup("app", group("top", team("over-g-29")))
	x.Put("app", bindTeam("top"), 0)
	s := x.Publish("")
	stated, doubtful := ask("bob", "read"), ask("bob", "read")
	stated.Subject.Groups = []string{"stated", "g-3", "unknown"}
	doubtful.Subject.Email = "bob@acme.com"
	for name, tt := range map[string]struct {
		r    *authz.Request
		want authz.Reason
	}{
		"a member":         {ask("alice", "read"), authz.ReasonGranted},
		"by a group":       {stated, authz.ReasonGranted},
		"in doubt":         {doubtful, authz.ReasonNoPermission},
		"no member at all": {ask("bob", "read"), authz.ReasonNoRole},
	} {
		var d authz.Decision
		check := func() {
			if err := s.Check(tt.r, &d); err != nil {
				t.Fatal(err)
			}
		}
		if n := testing.AllocsPerRun(100, check); n != 0 {
			t.Errorf("%s: %v allocations, want none", name, n)
		}
		if d.Reason != tt.want {
			t.Errorf("%s: %v, want %v", name, d.Reason, tt.want)
		}
	}
}

// TestStoredPropertiesAllocateNothing: neither where they are all there is, nor
// where they are merged with others.
func TestStoredPropertiesAllocateNothing(t *testing.T) {
	s := storing(t, map[string]any{"owner": "alice", "team": "blue"})
	for name, tt := range map[string]struct {
		stated, captured map[string]any
		want             authz.Reason
	}{
		"stored alone":  {want: authz.ReasonGranted},
		"with stated":   {stated: map[string]any{"title": "x"}, want: authz.ReasonGranted},
		"with captured": {captured: map[string]any{"owner": "bob"}, want: authz.ReasonGranted},
		"with both":     {stated: map[string]any{"owner": "bob"}, captured: map[string]any{"title": "x"}, want: authz.ReasonConditionFalse},
	} {
		r := ask("alice", "read")
		r.Resource.Properties, r.Resource.Captured = tt.stated, tt.captured
		var d authz.Decision
		check := func() {
			if err := s.Check(r, &d); err != nil {
				t.Fatal(err)
			}
		}
		if n := testing.AllocsPerRun(100, check); n != 0 {
			t.Errorf("%s: %v allocations, want none", name, n)
		}
		if d.Reason != tt.want {
			t.Errorf("%s: %v, want %v", name, d.Reason, tt.want)
		}
	}
}

// TestSharedInstancesAllocateNothing: also for one with whom much is shared.
func TestSharedInstancesAllocateNothing(t *testing.T) {
	s := newShares(3)
	for i := range 500 {
		s.put(fmt.Sprint("b-", i), 1+i)
	}
	snapshot := s.index.Publish("")
	r := ask("ann", "read")
	var d authz.Decision
	for i := range 20 {
		r.Resource.ID = fmt.Sprint("d", i)
		check := func() {
			if err := snapshot.Check(r, &d); err != nil {
				t.Fatal(err)
			}
		}
		if n := testing.AllocsPerRun(100, check); n != 0 {
			t.Errorf("%s: %v allocations, want none", r.Resource.ID, n)
		}
	}
}
