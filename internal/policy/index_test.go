// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"fmt"
	"testing"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/policy"
)

// TestAKeyThatIsListedTwiceStaysWhileItIsListed: what an object has twice, such
// as an e-mail domain in two spellings, is one key of the unit. Taking one away
// takes nothing from whoever has it.
func TestAKeyThatIsListedTwiceStaysWhileItIsListed(t *testing.T) {
	alice, bob := policy.Key{Type: "user", ID: "alice"}, policy.Key{Type: "user", ID: "bob"}
	carol := policy.Key{Type: "user", ID: "carol"}
	read := policy.Permission{Resource: "document", Actions: policy.WordsOf("read")}
	for name, subjects := range map[string]struct{ before, after []policy.Key }{
		"the last one goes":   {[]policy.Key{alice, bob, alice}, []policy.Key{alice, bob}},
		"the first one goes":  {[]policy.Key{alice, bob, alice}, []policy.Key{bob, alice}},
		"one of two goes":     {[]policy.Key{alice, alice}, []policy.Key{alice}},
		"one is replaced":     {[]policy.Key{alice, bob, alice}, []policy.Key{alice, bob, carol}},
		"another one comes":   {[]policy.Key{alice, bob}, []policy.Key{alice, bob, alice}},
		"others change sides": {[]policy.Key{bob, alice, carol}, []policy.Key{carol, alice, alice, bob}},
	} {
		t.Run(name, func(t *testing.T) {
			x := policy.NewIndex(nil)
			x.SetVocabulary("app", policy.Link(document, []*policy.Role{role("reader", read)}))
			b := bind("b", "", "reader")
			for _, b.Subjects = range [][]policy.Key{subjects.before, subjects.after} {
				unit := *b
				x.Put("app", &unit, 0)
				x.Publish("")
			}
			if d := decide(t, x.Publish(""), ask("alice", "read")); d.Reason != authz.ReasonGranted {
				t.Errorf("the one who is still listed is told %v", d.Reason)
			}
		})
	}
}

// TestScopesComeAndGo: a scope is found from the moment when something is bound
// there until nothing is any more, however many others there are.
func TestScopesComeAndGo(t *testing.T) {
	const scopes = 300
	x := policy.NewIndex(nil)
	x.SetVocabulary("app", policy.Link(document, []*policy.Role{role("reader", policy.Permission{Resource: "document", Actions: policy.WordsOf("read")})}))
	scope := func(i int) string { return fmt.Sprintf("org:%d", i) }
	check := func(i int, want authz.Reason) {
		t.Helper()
		r := ask("alice", "read")
		r.Scope = scope(i)
		if d := decide(t, x.Publish(""), r); d.Reason != want {
			t.Fatalf("at %s: %v, want %v", r.Scope, d.Reason, want)
		}
	}
	for i := range scopes {
		check(i, authz.ReasonNoRole)
		b := bind(scope(i), "alice", "reader")
		b.Scope = scope(i)
		x.Put("app", b, 0)
		check(i, authz.ReasonGranted)
		check(i/2, authz.ReasonGranted)
	}
	for i := range scopes {
		x.Delete("app", scope(i))
		check(i, authz.ReasonNoRole)
	}
}
