// SPDX-License-Identifier: Apache-2.0

package caller

import (
	"context"
	"errors"
	"testing"
)

// TestSlots: a bounded number of reviews is under way, a bounded number waits, and
// neither waits for ever.
func TestSlots(t *testing.T) {
	a := &accounts{slots: make(chan struct{}, reviewsAtOnce)}
	var ends []func()
	for range reviewsAtOnce {
		end, err := a.slot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ends = append(ends, end)
	}
	late, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := a.slot(late); !errors.Is(err, errBusy) {
		t.Errorf("a review too many: error %v", err)
	}
	ends[0]()
	end, err := a.slot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	end()
	a.pending.Store(reviewsPending)
	if _, err := a.slot(t.Context()); !errors.Is(err, errBusy) {
		t.Errorf("with too many who wait: error %v", err)
	}
	if n := a.pending.Load(); n != reviewsPending {
		t.Errorf("%d wait, want %d", n, reviewsPending)
	}
}
