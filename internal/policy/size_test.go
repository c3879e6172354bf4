// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"fmt"
	"maps"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/policy"
)

// manyNumbers is more than two bytes can count.
const manyNumbers = 1<<16 + 1500

// TestMoreRolesAndScopesThanTwoBytesCount gives each user, and the group of all
// of them, a role of its own in a scope of its own. Two whose numbers agree in
// their last two bytes must not be taken for each other.
func TestMoreRolesAndScopesThanTwoBytesCount(t *testing.T) {
	id := func(i int) string { return fmt.Sprintf("role-%d", i) }
	scope := func(i int) string { return fmt.Sprintf("org:%d", i) }
	read := []policy.Permission{{Resource: "document", Actions: policy.WordsOf("read")}}
	x := policy.NewIndex(nil)
	var roles []*policy.Role
	for i := range manyNumbers {
		b := bind(fmt.Sprintf("b-%d", i), fmt.Sprintf("u-%d", i), id(i))
		b.Scope = scope(i)
		b.Subjects = append(b.Subjects, policy.Key{Type: authz.TypeGroup, ID: "all"})
		x.Put("app", b, 0)
		r := role(id(i))
		if i%2 == 0 {
			r.Permissions = read
		}
		roles = append(roles, r)
	}
	x.SetVocabulary("app", policy.Link(document, roles))
	s := x.Publish("")
	for _, i := range []int{0, 1, 2, 1<<16 - 2, 1<<16 - 1, 1 << 16, 1<<16 + 1, manyNumbers - 2, manyNumbers - 1} {
		want := authz.Decision{Allowed: true, Reason: authz.ReasonGranted, Roles: []string{id(i)}}
		if i%2 != 0 {
			want = authz.Decision{Reason: authz.ReasonNoPermission}
		}
		one, group := ask(fmt.Sprintf("u-%d", i), "read"), ask("nobody", "read")
		group.Subject.Groups = []string{"all"}
		for _, r := range []*authz.Request{one, group} {
			r.Scope = scope(i) + "/team:x"
			if diff := cmp.Diff(want, decide(t, s, r)); diff != "" {
				t.Errorf("%s in %s (-want +got):\n%s", r.Subject.ID, r.Scope, diff)
			}
		}
		for _, other := range []int{i + 1<<16, i - 1<<16, i ^ 1} {
			one.Scope = scope(other)
			if d := decide(t, s, one); d.Reason != authz.ReasonNoRole {
				t.Errorf("%s in %s: %v", one.Subject.ID, one.Scope, d.Reason)
			}
		}
	}
}

// fatBindings are bindings of one key: of some the check has to look, and most
// are plain. Every third is in one scope, every third in one below it, and the
// rest everywhere.
func fatBindings(t *testing.T, n int) []*policy.Binding {
	t.Helper()
	gate := program(t, "context.open")
	all := make([]*policy.Binding, n)
	for i := range all {
		b := bind(fmt.Sprintf("b-%03d", i), "*", fmt.Sprintf("role-%02d", i%23))
		b.Scope = []string{authz.Wildcard, "org:a", "org:a/t:b"}[i%3]
		switch i % 10 {
		case 0:
			b.Gate = gate
		case 1:
			b.NotAfter = noon
		case 2:
			b.NotAfter = noon.Add(time.Hour)
		case 3:
			b.Resources = []policy.Instance{{Type: "document", ID: "d1"}}
		case 4:
			b.Resources = []policy.Instance{{Type: "document", ID: "d2"}, {Type: "note", ID: "d1"}}
		case 5:
			b.Deleting = true
		}
		all[i] = b
	}
	return all
}

// givenBy returns the roles that some of the bindings give, as plainly as can be.
func givenBy(bindings map[string]*policy.Binding, scope string, open bool) []string {
	roles := map[string]bool{}
	for _, b := range bindings {
		inScope := b.Scope == authz.Wildcard || b.Scope == scope || (b.Scope == "org:a" && scope == "org:a/t:b")
		valid := b.NotAfter.IsZero() || noon.Before(b.NotAfter)
		here := len(b.Resources) == 0 || b.Resources[0].ID == "d1"
		if inScope && valid && here && !b.Deleting && (b.Gate == nil || open) {
			roles[b.Roles[0]] = true
		}
	}
	return slices.Sorted(maps.Keys(roles))
}

// TestAKeyOfManyBindings puts bindings of one key in and takes them out, in an
// order that mixes them, past every limit between short and long lists.
func TestAKeyOfManyBindings(t *testing.T) {
	var roles []*policy.Role
	for i := range 20 { // three of the bound ones are not declared
		roles = append(roles, role(fmt.Sprintf("role-%02d", i), policy.Permission{Resource: "*", Actions: policy.WordsOf("read")}))
	}
	x := policy.NewIndex(nil)
	x.SetVocabulary("app", policy.Link(document, roles))
	there, all := map[string]*policy.Binding{}, fatBindings(t, 300)
	compare := func() {
		t.Helper()
		s := x.Publish("")
		for _, scope := range []string{"", "org:a", "org:a/t:b", "org:b"} {
			for _, open := range []bool{true, false} {
				r := ask("somebody", "read")
				r.Scope, r.Context = scope, map[string]any{"open": open}
				want := slices.DeleteFunc(givenBy(there, scope, open), func(id string) bool { return id >= "role-20" })
				if got := decide(t, s, r); !slices.Equal(want, got.Roles) || got.Allowed != (len(want) > 0) {
					t.Fatalf("%d bindings, scope %q, open %v: %v, want the roles %v", len(there), scope, open, got, want)
				}
			}
		}
	}
	const step = 97 // has no factor in common with their number
	for i := range all {
		b := all[i*step%len(all)]
		x.Put("app", b, 0)
		there[b.Name] = b
		compare()
	}
	for i, b := range all { // the other way round: the special ones become plain
		c := *bind(b.Name, "*", b.Roles...)
		c.Scope = b.Scope
		if i%10 > 5 {
			c.Deleting = true
		}
		x.Put("app", &c, 0)
		there[c.Name] = &c
		if i%7 == 0 {
			compare()
		}
	}
	for i := range all {
		name := all[i*step%len(all)].Name
		x.Delete("app", name)
		delete(there, name)
		compare()
	}
}

// TestAKeyOfManyRoles gives a role by each binding of a key, and lets one
// more after the other matter to the pair. Of the others, one is declared.
func TestAKeyOfManyRoles(t *testing.T) {
	const n = 120
	id := func(i int) string { return fmt.Sprintf("role-%03d", i) }
	for matter := range n + 1 {
		var roles []*policy.Role
		var bindings []*policy.Binding
		var want []string
		for i := range n {
			b := bind(id(i), "*", id(i))
			b.Scope = "org:a"
			bindings = append(bindings, b)
			switch {
			case i < matter:
				roles = append(roles, role(id(i), policy.Permission{Resource: "document", Actions: policy.WordsOf("read")}))
				want = append(want, id(i))
			case i == n-1:
				roles = append(roles, role(id(i)))
			}
		}
		reason := authz.ReasonNoPermission
		if matter > 0 {
			reason = authz.ReasonGranted
		}
		s := snapshot(t, document, roles, bindings...)
		r := ask("somebody", "read")
		r.Scope = "org:a/t:b"
		if d := decide(t, s, r); d.Reason != reason || !slices.Equal(d.Roles, want) {
			t.Errorf("%d roles matter: %v by %d roles", matter, d.Reason, len(d.Roles))
		}
		r.Scope = "org:b"
		if d := decide(t, s, r); d.Reason != authz.ReasonNoRole {
			t.Errorf("in another scope: %v", d.Reason)
		}
	}
}

// TestMemoryComesBack fills an index and empties it again.
func TestMemoryComesBack(t *testing.T) {
	x := policy.NewIndex(nil)
	x.Publish("")
	before := heap()
	const n = 30_000
	gate := program(t, "true")
	for i := range n {
		b := bind(fmt.Sprintf("binding-%d", i), fmt.Sprintf("user-%d", i), fmt.Sprintf("role-%d", i%5000))
		switch i % 4 {
		case 0:
			b.Scope = fmt.Sprintf("org:%d", i)
		case 1:
			b.Gate = gate
		case 2:
			b.Subjects = append(b.Subjects, policy.Key{Type: authz.TypeGroup, ID: "all"}, policy.Key{Type: fmt.Sprintf("type-%d", i), ID: "*"})
		}
		x.Put(fmt.Sprintf("namespace-%d", i%3), b, 0)
		if i%1000 == 0 {
			x.Publish("")
		}
	}
	x.Publish("")
	full := heap()
	for i := range n {
		x.Delete(fmt.Sprintf("namespace-%d", i%3), fmt.Sprintf("binding-%d", i))
		if i%1000 == 0 {
			x.Publish("")
		}
	}
	s := x.Publish("")
	after := heap()
	if full < before+n*40 {
		t.Errorf("%d bindings take %d bytes, which is too little to prove something", n, full-before)
	}
	if after > before+(full-before)/20 {
		t.Errorf("of %d bytes for bindings, %d are still held", full-before, after-before)
	}
	if d := decide(t, s, ask("user-1", "read")); d.Reason != authz.ReasonUnknownResource {
		t.Errorf("the empty index says %v", d.Reason)
	}
}

// heap returns how many bytes are in use.
func heap() uint64 {
	runtime.GC()
	runtime.GC() // what a pool holds goes with the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
