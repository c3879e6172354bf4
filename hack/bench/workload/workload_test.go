// SPDX-License-Identifier: Apache-2.0

package workload_test

import (
	"testing"

	"github.com/rolecall/rolecall/hack/bench/workload"
)

// TestShares: the mix is what the document says it is.
func TestShares(t *testing.T) {
	for _, v := range workload.Variants() {
		t.Run(string(v), func(t *testing.T) {
			s := workload.New(v, 1000)
			everywhere := 0
			for _, a := range s.Assignments {
				if a.Scope == workload.Any {
					everywhere++
				}
			}
			within(t, "assignments that hold everywhere", everywhere, len(s.Assignments), 47, 53)
			allowed, hinging := 0, 0
			requests := s.Requests(1 << 13)
			for i := range requests {
				if requests[i].Allowed {
					allowed++
				}
				if requests[i].Hinges {
					hinging++
				}
			}
			within(t, "allowed requests", allowed, len(requests), 47, 53)
			if v.Conditional() {
				within(t, "requests that hinge on a condition", hinging, len(requests), 30, 37)
			} else if hinging > 0 {
				t.Errorf("%d requests hinge on a condition, and there is none", hinging)
			}
		})
	}
}

func within(t *testing.T, what string, part, all, low, high int) {
	t.Helper()
	if percent := 100 * part / all; percent < low || percent > high {
		t.Errorf("%s: %d%%, want %d to %d", what, percent, low, high)
	}
}

// TestSame: every process measures the same.
func TestSame(t *testing.T) {
	a, b := workload.New(workload.Wildcards, 500).Requests(100), workload.New(workload.Wildcards, 500).Requests(100)
	for i := range a {
		if a[i] != b[i] {
			t.Fatalf("request %d is %+v, then %+v", i, a[i], b[i])
		}
	}
}

func TestAimed(t *testing.T) {
	s := workload.New(workload.RBAC, 100)
	for u := range s.Users {
		if q := s.Aimed(u, s.Of(u)[1]); !q.Allowed {
			t.Fatalf("%+v is aimed at what the user holds and not allowed", q)
		}
	}
}
