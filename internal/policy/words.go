// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"encoding/binary"
	"iter"
	"unique"
)

// Words is a list of strings in the room of a pointer. Equal lists are equal by ==
// and share their memory: a vocabulary repeats a few lists of actions a great many
// times. The zero value is the empty list. It is immutable.
type Words struct {
	// packed holds the words one after the other, each after its length (as
	// binary.PutUvarint writes it), because no byte is left to part them by.
	packed unique.Handle[string]
}

// WordsOf returns a list.
func WordsOf(list ...string) Words {
	if len(list) == 0 {
		return Words{}
	}
	var room [128]byte
	packed := room[:0]
	for _, word := range list {
		packed = append(binary.AppendUvarint(packed, uint64(len(word))), word...)
	}
	return Words{unique.Make(string(packed))}
}

// All yields the words in order.
func (w Words) All() iter.Seq[string] {
	return func(yield func(string) bool) {
		if w == (Words{}) {
			return
		}
		for rest := w.packed.Value(); rest != ""; {
			size, n := binary.Uvarint([]byte(rest[:min(len(rest), binary.MaxVarintLen64)]))
			end := n + int(size)
			if !yield(rest[n:end]) {
				return
			}
			rest = rest[end:]
		}
	}
}

// Any reports whether something holds for one of the words at least.
func (w Words) Any(holds func(string) bool) bool {
	for word := range w.All() {
		if holds(word) {
			return true
		}
	}
	return false
}

// Equal reports whether both are the same list.
func (w Words) Equal(other Words) bool { return w == other }
