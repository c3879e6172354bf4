// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"fmt"

	"github.com/rolecall/rolecall/internal/diag"
)

// What an API server passes on of warnings: so many characters of each, and so many
// of all. Longer ones it cuts, and further ones it drops without a word.
const (
	maxWarning = 256
	maxTotal   = 4096
)

// warnings renders faults as one sentence each, in their order. Where there is no
// room for all, the last says how many there are more.
func warnings(faults diag.List) []string {
	var out []string
	room := maxTotal
	for i, f := range faults {
		text := diag.List{f}.Message(maxWarning)
		more := fmt.Sprintf("and %d more: see the status of the object", len(faults)-i)
		rest := len(more)
		if i == len(faults)-1 {
			rest = 0
		}
		if len(text)+rest > room {
			return append(out, more)
		}
		room -= len(text)
		out = append(out, text)
	}
	return out
}
