// SPDX-License-Identifier: Apache-2.0

package product

import (
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rolecall/rolecall/hack/bench/workload"
)

// maxSubjects is how many subjects a RoleBinding of the grouped shape lists at
// most.
const maxSubjects = 500

// groups are the RoleBindings of the grouped shape by what they give: each gives
// one role in one scope to up to maxSubjects users. The first assignment of a
// lone user has a RoleBinding of its own, as in the single shape.
type groups map[workload.Assignment][][]int32

func group(s *workload.Set) groups {
	g := groups{}
	for u := range s.Users {
		for i, a := range s.Of(u) {
			if i > 0 || !workload.Lone(u) {
				g.add(a, int32(u))
			}
		}
	}
	return g
}

// add gives a to a user and returns the number of the RoleBinding.
func (g groups) add(a workload.Assignment, user int32) int {
	for i, users := range g[a] {
		if len(users) < maxSubjects {
			g[a][i] = append(users, user)
			return i
		}
	}
	g[a] = append(g[a], []int32{user})
	return len(g[a]) - 1
}

// remove takes a from a user and returns the number of the RoleBinding.
func (g groups) remove(a workload.Assignment, user int32) int {
	for i, users := range g[a] {
		if j := slices.Index(users, user); j >= 0 {
			g[a][i] = slices.Delete(users, j, j+1)
			return i
		}
	}
	panic("a user loses what it does not hold")
}

func groupName(a workload.Assignment, i int) string {
	if a.Scope == workload.Any {
		return fmt.Sprintf("%s-everywhere-%d", workload.RoleName(int(a.Role)), i)
	}
	return fmt.Sprintf("%s-%s-%d", workload.RoleName(int(a.Role)), workload.ScopeName(int(a.Scope)), i)
}

// grouped returns the RoleBindings of the grouped shape.
func grouped(s *workload.Set) []metav1.Object {
	var out []metav1.Object
	for a, chunks := range group(s) {
		for i, users := range chunks {
			out = append(out, binding(groupName(a, i), 1, a, users...))
		}
	}
	for u := range s.Users {
		if workload.Lone(u) {
			out = append(out, binding(singleName(u, 0), 1, s.Of(u)[0], int32(u)))
		}
	}
	return out
}
