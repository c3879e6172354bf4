// SPDX-License-Identifier: Apache-2.0

package decide_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/compile"
	"github.com/rolecall/rolecall/internal/policy"
	"github.com/rolecall/rolecall/internal/testkit/decide"
	"github.com/rolecall/rolecall/internal/testkit/oracle"
	"github.com/rolecall/rolecall/internal/testkit/random"
)

// TestHoldings: of random policies, every way to a role is found, with the object
// and the fields that give it.
func TestHoldings(t *testing.T) {
	t.Parallel()
	env := decide.Env(t)
	programs, compiler := decide.NewPrograms(env), compile.New(env)
	found := 0
	for seed := range uint64(200) {
		g := random.New(seed)
		objects := g.Policy()
		snapshot, naive := decide.Snapshot(compiler, objects), decide.Oracle(programs, objects)
		for range 20 {
			r := g.Request(objects)
			got, err := snapshot.Holdings(r)
			if err != nil {
				t.Fatal(err)
			}
			want := naive.Holdings(r)
			for i := range want {
				if s := &want[i].Subject; s.Type == v1alpha1.SubjectEmailDomain {
					s.ID = authz.FoldASCII(s.ID) // so two items may be one key
				}
			}
			slices.SortFunc(want, compare)
			want = slices.Compact(want)
			found += len(want)
			if diff := cmp.Diff(want, plain(got), cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("seed %d, %+v (-oracle +snapshot):\n%s", seed, r, diff)
			}
		}
	}
	if found < 1000 {
		t.Errorf("the policies give only %d roles", found)
	}
}

func plain(holdings []policy.Holding) []oracle.Holding {
	var out []oracle.Holding
	for _, h := range holdings {
		p := oracle.Holding{Binding: h.Binding, Role: h.Role}
		p.Subject.Type, p.Subject.Connection, p.Subject.ID = v1alpha1.ID(h.Subject.Type), h.Subject.Connection, h.Subject.ID
		out = append(out, p)
	}
	slices.SortFunc(out, compare)
	return out
}

func compare(a, b oracle.Holding) int {
	text := func(h oracle.Holding) string {
		return strings.Join([]string{h.Binding, h.Role, string(h.Subject.Type), h.Subject.Connection, h.Subject.ID}, "\x00")
	}
	return strings.Compare(text(a), text(b))
}

// TestHoldingsOfABadRequest: there is nothing to tell.
func TestHoldingsOfABadRequest(t *testing.T) {
	t.Parallel()
	s := decide.Snapshot(compile.New(decide.Env(t)), nil)
	if got, err := s.Holdings(&authz.Request{Namespace: "default"}); err == nil {
		t.Errorf("an empty request has the holdings %v", got)
	}
}
