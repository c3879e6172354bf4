// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestNoWorkBeforeEveryWatch shows that the workers of each controller begin
// when all its watches have: what comes in between would be missed. The library
// tells the order in its log only.
func TestNoWorkBeforeEveryWatch(t *testing.T) {
	h := newHouse(t)
	want := map[string]int{"resource": 3, "role": 6, "rolebinding": 3}
	h.until(func() string {
		begun := map[string]int{}
		for name := range want {
			if watches, ok := watchesBeforeWork(h.log.all(), name); ok {
				begun[name] = watches
			}
		}
		if len(begun) < len(want) {
			return fmt.Sprintf("workers of %v have begun, not yet all", begun)
		}
		return cmp.Diff(want, begun)
	})
}

// watchesBeforeWork counts the watches of a controller that began before its
// workers, and reports whether those have.
func watchesBeforeWork(log []string, controller string) (int, bool) {
	watches := 0
	for _, line := range log {
		if !strings.Contains(line, fmt.Sprintf("%q=%q", "controller", controller)) {
			continue
		}
		if strings.Contains(line, "Starting workers") {
			return watches, true
		}
		if strings.Contains(line, "Starting EventSource") {
			watches++
		}
	}
	return watches, false
}
