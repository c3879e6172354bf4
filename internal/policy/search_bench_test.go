// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"fmt"
	"testing"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/policy"
)

// searched is a policy of so many users that hold some role, of whom so many hold
// one by which a document is read, and so many documents, of which a subject has as
// many.
func searched(b *testing.B, users, answer int) *policy.Snapshot {
	b.Helper()
	roles := []*policy.Role{role("reader", policy.Permission{Resource: "document", Actions: policy.WordsOf("read")})}
	x := policy.NewIndex(nil)
	for i := range users {
		id := fmt.Sprintf("role-%d", i%1000)
		if i < answer {
			id = "reader"
		}
		if i < 1000 {
			roles = append(roles, role(fmt.Sprintf("role-%d", i)))
		}
		x.Put("app", bind(fmt.Sprintf("b-%d", i), fmt.Sprintf("user-%d", i), id), 0)
		own := bind(fmt.Sprintf("d-%d", i), fmt.Sprintf("owner-%d", max(0, i-answer)), "reader")
		own.Resources = []policy.Instance{{Type: "document", ID: fmt.Sprintf("doc-%d", i)}}
		x.Put("app", own, 0)
	}
	x.SetVocabulary("app", policy.Link(document, roles))
	return x.Publish("")
}

// BenchmarkSearch measures a search that returns all it finds, as the policy grows
// and as the answer grows.
func BenchmarkSearch(b *testing.B) {
	for _, size := range []struct{ users, answer int }{{1_000, 100}, {10_000, 100}, {100_000, 100}, {100_000, 1_000}, {100_000, 10_000}} {
		s := searched(b, size.users, size.answer)
		for name, q := range map[string]*authz.Search{
			"subjects":  {Sought: authz.Subjects, Request: *ask("", "read")},
			"resources": {Sought: authz.Resources, Request: *ask("owner-0", "read")},
		} {
			q.Limit, q.Candidates = 1_000_000, 1_000_000
			b.Run(fmt.Sprintf("%s/users=%d/answer=%d", name, size.users, size.answer), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					found, err := s.Search(b.Context(), q)
					if err != nil || len(found.IDs) < size.answer || len(found.IDs) > size.answer+1 {
						b.Fatalf("%d found, want %d: %v", len(found.IDs), size.answer, err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(size.answer), "ns/result")
			})
		}
	}
}
