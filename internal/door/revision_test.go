// SPDX-License-Identifier: Apache-2.0

package door_test

import (
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/metadata"

	"github.com/rolecall/rolecall/internal/door"
)

// TestAnswersBearTheRevision: of the very policy that was handed out, from then
// on, and without an allocation.
func TestAnswersBearTheRevision(t *testing.T) {
	r := newRig()
	w := httptest.NewRecorder()
	w.Header().Set(door.RequestIDHeader, "7")
	overHTTP := door.RequestOrigin(w, "shop")
	header := metadata.MD{door.CallIDMetadata: {"8"}}
	overGRPC := door.CallOrigin(door.WithCallHeader(t.Context(), header), "shop")
	if overHTTP.RequestID != "7" || overGRPC.RequestID != "8" {
		t.Errorf("the ids are %q and %q, want 7 and 8", overHTTP.RequestID, overGRPC.RequestID)
	}
	if got := w.Header().Get(door.RevisionHeader); got != "" {
		t.Errorf("the revision %q before there is a policy", got)
	}
	for _, revision := range []string{"a", "b", "a"} {
		r.core.revision = revision
		for _, o := range []door.Origin{overHTTP, overGRPC} {
			if _, err := r.asker.Policy(o); err != nil {
				t.Fatal(err)
			}
		}
		got := []string{w.Header().Get("Rolecall-Revision"), header.Get("rolecall-revision")[0]}
		if diff := cmp.Diff([]string{revision, revision}, got); diff != "" {
			t.Errorf("borne (-want +got):\n%s", diff)
		}
		if n := testing.AllocsPerRun(100, func() { _, _ = r.asker.Policy(overHTTP) }); n != 0 {
			t.Errorf("%v allocations, want none", n)
		}
	}
	if _, err := r.asker.Policy(door.CallOrigin(t.Context(), "shop")); err != nil {
		t.Errorf("a call without a header: %v", err)
	}
}
