// SPDX-License-Identifier: Apache-2.0

package product_test

import (
	"slices"
	"testing"

	"github.com/rolecall/rolecall/hack/bench/product"
	"github.com/rolecall/rolecall/hack/bench/workload"
)

// TestChangeRole: what is timed as the change of a role changes what checks say, and
// the second time changes it back.
func TestChangeRole(t *testing.T) {
	s := workload.New(workload.RBAC, 100)
	e := product.New(workload.Single)
	e.Prepare(s)
	if err := e.Build(s); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}()
	holder, held := 0, s.Of(0)[0]
	role := int(held.Role)
	q := s.Aimed(holder, held)
	extra := product.Extra(s, role)
	q.Type, q.Action = string(extra.Resource), string(extra.Actions[0])
	grants := func() bool { return slices.Contains(e.Roles(&q), workload.RoleName(role)) }
	for i, want := range []bool{false, true, false} {
		if i > 0 {
			e.ChangeRole(role)()
		}
		if got := grants(); got != want {
			t.Errorf("after %d changes the role grants the extra permission: %t, want %t", i, got, want)
		}
	}
}

// TestChangeResource: what is timed as the change of a type declares an action, and
// the second time takes it back.
func TestChangeResource(t *testing.T) {
	s := workload.New(workload.RBAC, 100)
	e := product.New(workload.Grouped)
	e.Prepare(s)
	if err := e.Build(s); err != nil {
		t.Fatal(err)
	}
	q := s.Aimed(0, s.Of(0)[0])
	q.Action = workload.ActionName(workload.Actions)
	a := e.Asker([]workload.Request{q})
	for i, want := range []string{"UnknownAction", "NoPermission", "UnknownAction"} {
		if i > 0 {
			e.ChangeResource(q.TypeN)()
		}
		a.Ask(0, &q)
		if got := a.Decision.Reason.String(); got != want {
			t.Errorf("after %d changes the reason is %s, want %s", i, got, want)
		}
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
}
