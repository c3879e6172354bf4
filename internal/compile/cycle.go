// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"fmt"
	"slices"
	"strings"
)

// waysBack returns, of the ids that can be reached from one and that lead back to
// it, the next one on a shortest way back; of several such ways the one that does
// not depend on the order in which next answers. It takes time in proportion to
// what can be reached.
func waysBack(id string, next func(id string) []string) map[string]string {
	before := map[string][]string{id: nil}
	todo := []string{id}
	for i := 0; i < len(todo); i++ {
		for _, n := range next(todo[i]) {
			if _, seen := before[n]; !seen {
				todo = append(todo, n)
			}
			before[n] = append(before[n], todo[i])
		}
	}
	back := map[string]string{}
	todo = append(todo[:0], id)
	for i := 0; i < len(todo); i++ {
		slices.Sort(before[todo[i]])
		for _, b := range before[todo[i]] {
			if _, seen := back[b]; !seen {
				back[b] = todo[i]
				todo = append(todo, b)
			}
		}
	}
	return back
}

// cycle returns the way from an id through another back to itself, the id at both
// ends, or nil if there is none.
func cycle(id, through string, back map[string]string) []string {
	way := []string{id}
	for at := through; at != id; at = back[at] {
		if back[at] == "" {
			return nil
		}
		way = append(way, at)
	}
	return append(way, id)
}

// maxCycle is how many ids of a cycle a message names.
const maxCycle = 6

func renderCycle(cycle []string, noun string) string {
	if n := len(cycle) - 1; n > maxCycle {
		return fmt.Sprintf("%s -> ... -> %s, %d %s", strings.Join(cycle[:maxCycle], " -> "), cycle[n], n, noun)
	}
	return strings.Join(cycle, " -> ")
}
