// SPDX-License-Identifier: Apache-2.0

package grants

// Workspace is memory that the batches of one goroutine use one after the other,
// however many tables they are for. The zero value is ready.
type Workspace struct {
	slots   []staged
	entries []Entry
	out     []byte
	// marks and spareMarks are for sorting.
	marks, spareMarks []mark
}

// kept is how many things of each sort there may be room for between batches.
const kept = 1 << 12

// slot returns room for one key. When there is none left, it makes more and
// leaves the old one to those who have it.
func (w *Workspace) slot() *staged {
	if len(w.slots) == cap(w.slots) {
		w.slots = make([]staged, 0, 2*buckets)
	}
	w.slots = w.slots[:len(w.slots)+1]
	return &w.slots[len(w.slots)-1]
}

// list returns an empty list with room for n entries.
func (w *Workspace) list(n int) []Entry {
	if len(w.entries)+n > cap(w.entries) {
		w.entries = make([]Entry, 0, max(n, 8*buckets))
	}
	first := len(w.entries)
	w.entries = w.entries[:first+n]
	return w.entries[first : first : first+n]
}

// bytes returns an empty list with room for n bytes, until the next call.
func (w *Workspace) bytes(n int) []byte {
	if cap(w.out) < n {
		w.out = make([]byte, 0, n)
	}
	return w.out[:0]
}

// reset takes back what the last page was made of.
func (w *Workspace) reset() {
	clear(w.slots) // they hold pages
	w.slots, w.entries = w.slots[:0], w.entries[:0]
}

// trim takes everything back, and keeps what a lone change needs.
func (w *Workspace) trim() {
	w.reset()
	if max(cap(w.slots), cap(w.entries), cap(w.out)/8, cap(w.marks), cap(w.spareMarks)) > kept {
		*w = Workspace{}
	}
}
