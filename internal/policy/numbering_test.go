// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"testing"
)

// TestNumbersAreUsedAgain: names that come and go need no more numbers than there
// are names at one time.
func TestNumbersAreUsedAgain(t *testing.T) {
	var n numbering[string]
	stays, _ := n.hold("stays")
	for i := range 1000 {
		name := fmt.Sprint(i)
		number, fresh := n.hold(name)
		again, known := n.hold(name)
		if !fresh || known || number != again || number == stays {
			t.Fatalf("%s is number %d (new: %v), then %d (new: %v)", name, number, fresh, again, known)
		}
		if _, gone := n.release(number); gone {
			t.Fatalf("%s is gone while somebody holds it", name)
		}
		if released, gone := n.release(number); !gone || released != name {
			t.Fatalf("the last one releases %q, gone: %v", released, gone)
		}
	}
	if len(n.names) != 2 || len(n.numbers) != 1 || n.names[stays] != "stays" {
		t.Errorf("%d numbers for %d names", len(n.names), len(n.numbers))
	}
}
