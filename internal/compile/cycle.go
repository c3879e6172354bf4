// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"fmt"
	"slices"
	"strings"
)

// findCycle returns a shortest way from a role through one that it inherits back
// to itself, the role at both ends, or nil if there is none.
func findCycle(role, first string, v Vocabulary) []string {
	cameFrom := map[string]string{first: role}
	todo := []string{first}
	for i := 0; i < len(todo); i++ {
		if todo[i] == role {
			return wayBack(role, cameFrom)
		}
		for _, next := range v.Inherits(todo[i]) {
			if _, seen := cameFrom[next]; !seen {
				cameFrom[next] = todo[i]
				todo = append(todo, next)
			}
		}
	}
	return nil
}

func wayBack(role string, cameFrom map[string]string) []string {
	way := []string{role}
	for id := cameFrom[role]; id != role; id = cameFrom[id] {
		way = append(way, id)
	}
	way = append(way, role)
	slices.Reverse(way)
	return way
}

// maxCycle is how many roles of a cycle a message names.
const maxCycle = 6

func renderCycle(cycle []string) string {
	if n := len(cycle) - 1; n > maxCycle {
		return fmt.Sprintf("%s -> ... -> %s, %d roles", strings.Join(cycle[:maxCycle], " -> "), cycle[n], n)
	}
	return strings.Join(cycle, " -> ")
}
