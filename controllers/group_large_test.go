// SPDX-License-Identifier: Apache-2.0

//go:build !race

// The API server takes minutes for a list of this length under the race detector,
// which the other tests of Groups run under.

package controllers_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rolecall/rolecall/api/v1alpha1"
)

// TestOneMemberOfMany: whoever applies one member of a team of five thousand makes
// work for that team alone, not for those that it is in. Five thousand is the limit.
func TestOneMemberOfMany(t *testing.T) {
	h := newHouse(t)
	var members []v1alpha1.Subject
	for i := range 4_999 {
		members = append(members, v1alpha1.Subject{Type: "user", ID: fmt.Sprintf("user-%d", i)})
	}
	large, above := group("large", members...), group("above", team("large"))
	h.create(large, above)
	h.await(large, ready)
	h.await(above, ready)
	h.untilJudged(large)
	h.reads.clear()
	if err := h.join(large, "newcomer"); err != nil {
		t.Fatal(err)
	}
	h.untilJudged(large)
	var got v1alpha1.Group
	h.read(large, &got)
	if n := len(got.Spec.Members); n != 5_000 || got.Spec.Members[n-1].ID != "newcomer" {
		t.Errorf("%d members, the last one is %v", n, got.Spec.Members[n-1])
	}
	if reads := h.reads.all(); !slices.Contains(reads, "*v1alpha1.Group large") || slices.Contains(reads, "*v1alpha1.Group above") {
		t.Errorf("judged: %v", reads)
	}
	if err := h.join(large, "another"); err == nil || !strings.Contains(err.Error(), "at most 5000 items") {
		t.Errorf("one member too many: %v", err)
	}
}

// join applies one member of a group, as its own field manager.
func (h *house) join(o client.Object, user string) error {
	h.t.Helper()
	patch, err := json.Marshal(map[string]any{
		"apiVersion": v1alpha1.GroupVersion.String(), "kind": "Group",
		"metadata": map[string]any{"name": o.GetName(), "namespace": h.namespace},
		"spec":     map[string]any{"members": []any{map[string]any{"type": "user", "id": user}}},
	})
	if err != nil {
		return err
	}
	return h.Patch(h.t.Context(), h.get(o), client.RawPatch(types.ApplyPatchType, patch), client.FieldOwner(user))
}
